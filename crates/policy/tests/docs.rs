//! What the guide prints is what the checker takes.

#![cfg(test)]

use cloudauth_policy::Policy;

#[test]
fn the_policy_of_the_guide_holds() {
    let guide = include_str!("../../../docs/policy.md");
    let policy = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let parsed = Policy::parse(policy);
    assert!(parsed.is_ok(), "{parsed:#?}");
}
