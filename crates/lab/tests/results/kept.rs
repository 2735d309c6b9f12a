//! Files that version 0.1 wrote, and that later versions must read: a policy, a mapping, and a warehouse's counts.

use std::fs;
use std::path::PathBuf;

use cloudauth_lab::{Lab, Mapping, Replay, RunControl, Source};
use cloudauth_policy::Policy;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/kept/0.1");

#[test]
fn reads_the_policy_mapping_and_counts_of_the_oldest_supported_version() {
    let file = |name: &str| PathBuf::from(KEPT).join(name);
    let policy = Policy::parse(&fs::read_to_string(file("policy.toml")).unwrap()).unwrap();
    assert_eq!(
        policy.reference().content_hash,
        "sha256:c0fd6f2f52d3ec7924786feff08160c771ba12897747bb00d5706dadf18a7746",
        "decisions that services stored name this hash"
    );
    // `policy check` and the files of the lab show it, to tell whether a policy decides as an earlier one did.
    let behaviour = "sha256:e68c10c90f28a197a14b6e2b95e773a6281465921c7895290b914c6f8659783b";
    assert_eq!(policy.reference().behaviour_hash, behaviour);
    let mapping = Mapping::parse(&fs::read_to_string(file("mapping.toml")).unwrap()).unwrap();
    let lab = Lab::new(&policy).mapping(mapping);

    let sources = |name: &str| Source::find(&[file(name)]).unwrap();
    let ran = lab.run(&sources("rows.csv"), &RunControl::default()).unwrap().tally;
    let finished = lab.finish(&sources("counts.csv")).unwrap();
    let shown = |tally| serde_json::to_value(Replay::of(tally)).unwrap();
    let (ran, finished) = (shown(&ran), shown(&finished));
    assert_eq!(ran, finished);
    assert_eq!(finished["verdicts"]["approve"]["all"], 32);
    assert_eq!(finished["segments"]["channel"]["web"]["review"], 3);
}
