//! Checkpoints that are refused: of another kind, size, version or content.

use std::fs;

use cloudauth_lab::{Lab, Replay};
use serde_json::json;

use crate::checkpoint::{read, write as seal};
use crate::support::{policy, run, write};

const HEADER: &str =
    "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score\n";
const ROW: &str = "200,T,F,F,88,90,0.1\n";

#[test]
fn a_checkpoint_with_any_other_byte_is_refused_as_damaged() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let data = write(folder.path(), "a.csv", format!("{HEADER}{ROW}"));
    let state = folder.path().join("state.json");
    let lab = Lab::new(&policy).resume(state.clone());
    let replay = Replay::of(&run(&lab, &data).unwrap().tally);
    let whole = fs::read(&state).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let (document, seal) = text.split_once('\n').unwrap();
    assert!(
        document.starts_with("{\"format\":10,") && seal.starts_with("sha256 ") && seal.len() == 72,
        "{seal}"
    );
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&state, bytes).unwrap();
        let refused = run(&lab, &data).unwrap_err();
        let told =
            "state.json is damaged or was edited: its last line is not the SHA-256 of the rest; delete it";
        assert!(refused.contains(told), "{what}: {refused}");
        assert_eq!(fs::read(&state).unwrap(), bytes, "{what}: it stays");
    };
    // Cut off at any place after its start.
    for length in (16..whole.len()).step_by(whole.len() / 20).chain([whole.len() - 1]) {
        refused(&whole[..length], &format!("{length} bytes"));
    }
    // A digit of a count or of the hash is another one, and the document is still valid.
    let digits = whole.iter().enumerate().skip(16).filter(|(_, byte)| byte.is_ascii_digit());
    let digits: Vec<usize> = digits.map(|(at, _)| at).collect();
    for at in digits.iter().step_by(digits.len() / 20).chain(digits.last()) {
        let mut edited = whole.clone();
        edited[*at] ^= 1;
        refused(&edited, &format!("byte {at}"));
    }
    refused(&[&whole[..], b"\n"].concat(), "one more line");
    fs::write(&state, &whole).unwrap();
    assert_eq!(Replay::of(&run(&lab, &data).unwrap().tally), replay);
}

/// The files have no blocks on the disk.
#[cfg(unix)]
#[test]
fn a_checkpoint_over_4_gib_is_not_read() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let data = write(folder.path(), "a.csv", format!("{HEADER}{ROW}"));
    let state = folder.path().join("state.json");
    let file = fs::File::create(&state).unwrap();
    let lab = Lab::new(&policy).resume(state);
    let bound = 4 << 30;
    for (length, told) in [
        (bound, "is not a checkpoint: line 1, column 1"),
        (bound + 1, "is not a checkpoint: it is larger than 4 GiB"),
    ] {
        file.set_len(length).unwrap();
        let refused = run(&lab, &data).unwrap_err();
        assert!(refused.ends_with(told), "{length}: {refused}");
    }
}

#[test]
fn refuses_to_resume_from_a_checkpoint_of_another_version() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let data = write(folder.path(), "a.csv", format!("{HEADER}{ROW}"));
    let state = folder.path().join("state.json");
    let lab = Lab::new(&policy).resume(state.clone());
    run(&lab, &data).unwrap();
    let mut checkpoint = read(&state);
    let format = checkpoint["format"].as_u64().unwrap();
    // Of the rest, another version knows nothing.
    checkpoint["format"] = (format + 1).into();
    checkpoint["tally"] = "new".into();
    let of_both = [format!("checkpoint format {}, ", format + 1), format!("reads format {format}: ")];
    for is_sealed in [true, false] {
        match is_sealed {
            true => seal(&state, &checkpoint),
            false => fs::write(&state, checkpoint.to_string()).unwrap(),
        }
        let refused = run(&lab, &data).unwrap_err();
        assert!(of_both.iter().all(|part| refused.contains(part)), "{refused}");
    }
}

/// Reading a pipe without a writer would wait forever.
#[cfg(unix)]
#[test]
fn a_pipe_is_not_a_checkpoint() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let data = write(folder.path(), "a.csv", format!("{HEADER}{ROW}"));
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = run(&Lab::new(&policy).resume(pipe), &data).unwrap_err();
    assert!(refused.contains("pipe is not a regular file"), "{refused}");

    // Nor is it data that a run can return to.
    let pipe = folder.path().join("b.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let state = folder.path().join("state.json");
    let refused = run(&Lab::new(&policy).resume(state), &pipe).unwrap_err();
    assert!(refused.contains("b.csv: a pipe or device cannot be read again"), "{refused}");
}

/// A checkpoint that names the finished file, or any other, would have it cut.
#[test]
fn an_edited_checkpoint_does_not_truncate_a_finished_file() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let data = write(folder.path(), "a.csv", format!("{HEADER}{ROW}"));
    let (state, decisions) = (folder.path().join("state.json"), folder.path().join("d.csv"));
    let lab = Lab::new(&policy).resume(state.clone()).decisions(decisions.clone());
    run(&lab, &data).unwrap();
    let finished = fs::read(&decisions).unwrap();
    let mut checkpoint = read(&state);
    checkpoint["decisions"] = json!({ "partial": "d.csv", "length": 5 });
    checkpoint["position"]["source"] = 0.into();
    seal(&state, &checkpoint);
    let refused = run(&lab, &data).unwrap_err();
    assert!(refused.contains("not an unfinished one of this output"), "{refused}");
    assert_eq!(fs::read(&decisions).unwrap(), finished);
}
