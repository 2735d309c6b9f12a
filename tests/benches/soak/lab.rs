//! The lab over a folder that grows by a file at a time.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cloudauth::policy::{Policy, builtin};
use cloudauth_lab::{Lab, Replay, RunControl, Source};

/// The rows of each file.
const ROWS: u64 = 2_000;

/// Adds a file and replays the folder, until told to stop. Counts the files.
pub(crate) fn replay(folder: &Path, stop: &AtomicBool, replayed: &AtomicU64) {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let mut files = 0;
    while !stop.load(Ordering::Relaxed) {
        fs::write(folder.join(format!("{files}.jsonl")), rows(files)).unwrap();
        files += 1;
        let sources = Source::find(&[folder.to_owned()]).unwrap();
        let counted = Lab::new(&policy).threads(1).run(&sources, &RunControl::default()).unwrap();
        assert_eq!(Replay::of(&counted.tally).rows, files * ROWS);
        replayed.store(files, Ordering::Relaxed);
        std::thread::sleep(Duration::from_secs(5));
    }
}

fn rows(file: u64) -> String {
    let mut text = String::new();
    for row in 0..ROWS {
        let score = (file * ROWS + row) % 10_000;
        let line =
            format!(r#"{{"passed":"T","sub_code":"200","verify_score":{}.{:02}}}"#, score / 100, score % 100);
        writeln!(text, "{line}").unwrap();
    }
    text
}
