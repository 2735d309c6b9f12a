//! Files that version 0.1 wrote, and that later versions must read: a policy, a mapping, a warehouse's counts, a cost file, and a
//! checkpoint.

use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{Costs, Lab, LabError, Mapping, Replay, RunControl, RunOutcome, Source};
use cloudauth_policy::Policy;

use crate::checkpoint::{read, write};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/kept/0.1");

fn file(name: &str) -> PathBuf {
    PathBuf::from(KEPT).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap()
}

#[test]
fn reads_the_policy_mapping_and_counts_of_the_oldest_supported_version() {
    let policy = Policy::parse(&text("policy.toml")).unwrap();
    assert_eq!(
        policy.reference().content_hash,
        "sha256:c0fd6f2f52d3ec7924786feff08160c771ba12897747bb00d5706dadf18a7746",
        "decisions that services stored name this hash"
    );
    // `policy check` and the files of the lab show it, to tell whether a policy decides as an earlier one did.
    let behaviour = "sha256:e68c10c90f28a197a14b6e2b95e773a6281465921c7895290b914c6f8659783b";
    assert_eq!(policy.reference().behaviour_hash, behaviour);
    let mapping = Mapping::parse(&text("mapping.toml")).unwrap();
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

#[test]
fn reads_the_cost_file_of_the_oldest_supported_version() {
    let costs = Costs::parse(&text("costs.toml")).unwrap();
    let of = [costs.impostor_approved, costs.genuine_rejected, costs.review, costs.retry];
    assert_eq!(of, [5000.0, 30.5, 2.0, 0.25]);
}

/// Where a checkpoint names its run.
const RUN: &str = "of";

/// The run that the checkpoint was made by: over the rows twice, in two files, stopped after the first one.
fn run(folder: &Path, checkpoint: &Path, stop: bool) -> RunOutcome {
    try_run(folder, checkpoint, stop).unwrap()
}

fn try_run(folder: &Path, checkpoint: &Path, stop: bool) -> Result<RunOutcome, LabError> {
    let policy = Policy::parse(&text("policy.toml")).unwrap();
    let mapping = Mapping::parse(&text("mapping.toml")).unwrap();
    let data = ["1.csv", "2.csv"].map(|name| folder.join(name));
    for path in &data {
        if !path.exists() {
            fs::copy(file("rows.csv"), path).unwrap();
        }
    }
    let control = RunControl::default();
    if stop {
        control.stop_after(1);
    }
    let lab = Lab::new(&policy).mapping(mapping).resume(checkpoint.to_owned()).threads(1);
    lab.run(&Source::find(&data).unwrap(), &control)
}

/// The checkpoint of the present format.
const CHECKPOINT: &str = "checkpoint-10.json";

/// A checkpoint belongs to one run: the kept one is given to this run, which has other files.
#[test]
fn resumes_from_the_checkpoint_of_this_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let whole = run(folder.path(), &path("whole.json"), false);
    let mut kept = read(&file(CHECKPOINT));
    // It is in the middle of the run: the rows of the first file are counted, those of the second are not.
    assert_ne!(kept["position"], read(&path("whole.json"))["position"]);
    assert_ne!(kept["tally"], read(&path("whole.json"))["tally"]);
    kept[RUN] = read(&path("whole.json"))[RUN].clone();
    write(&path("kept.json"), &kept);
    let resumed = run(folder.path(), &path("kept.json"), false);
    assert!(resumed.complete);
    assert_eq!(Replay::of(&resumed.tally), Replay::of(&whole.tally));
}

/// As `docs/compatibility.md` says. The runs of these checkpoints are other ones too, but their numbers say why they cannot be read.
#[test]
fn refuses_the_checkpoints_of_earlier_formats_by_their_number() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [("checkpoint.json", 8), ("checkpoint-9.json", 9)] {
        let error = try_run(folder.path(), &file(name), false).unwrap_err().to_string();
        let told = format!("checkpoint format {format}, and this version of the program reads format 10");
        assert!(error.contains(&told), "{error}");
    }
}

/// How the checkpoint of the test above was made.
#[test]
#[ignore = "writes a file that the repository keeps"]
fn writes_the_kept_checkpoint() {
    let checkpoint = file(CHECKPOINT);
    assert!(!checkpoint.exists(), "a kept file is never rewritten");
    let folder = tempfile::tempdir().unwrap();
    let stopped = run(folder.path(), &checkpoint, true);
    assert!(!stopped.complete);
}
