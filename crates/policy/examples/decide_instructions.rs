//! Makes a given number of decisions, for valgrind to count instructions; `docs/performance.md` has the command.

use std::hint::black_box;

use cloudauth_policy::{Evidence, Flag, Policy, PolicyError, builtin};

fn main() -> Result<(), PolicyError> {
    let times = std::env::args().nth(1).and_then(|times| times.parse().ok()).unwrap_or(1000);
    let policy = Policy::parse(builtin::ONBOARDING)?;
    let mut evidence = Evidence::default();
    (evidence.sub_code, evidence.passed) = (Some("200"), Flag::True);
    (evidence.face_attack, evidence.face_occlusion) = (Flag::False, Flag::False);
    (evidence.verify_score, evidence.quality_score) = (Some(74.2), Some(90.1));
    evidence.face_attack_score = Some(0.0004);
    for _ in 0..times {
        let _ = black_box(policy.decide(black_box(&evidence)).verdict());
    }
    Ok(())
}
