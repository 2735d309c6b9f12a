//! The policy in the guide passes the checker.

#![cfg(test)]

use cloudauth_policy::Policy;

#[test]
fn the_policy_in_the_guide_is_proved() {
    let guide = include_str!("../../../docs/policy.md");
    let policy = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let parsed = Policy::parse(policy);
    assert!(parsed.is_ok(), "{parsed:#?}");
}
