//! `cloudauth audit verify` on a store's file.

#![cfg(test)]

mod support;

use std::collections::BTreeMap;
#[cfg(unix)]
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;
#[cfg(unix)]
use std::process::{Command, Stdio};
#[cfg(unix)]
use std::{sync::mpsc, thread, time::Duration};

use cloudauth_flow::Store;
use cloudauth_flow::testing::lives::life;
use cloudauth_flow_sqlite::SqliteStore;
use cloudauth_tests::without_environment;
use rusqlite::Connection;
use support::{json, said, text};

fn commit(path: &Path, order: u64) {
    let store = SqliteStore::open(path).unwrap();
    for commit in life(order).unwrap() {
        pollster::block_on(store.commit(&commit)).unwrap();
    }
}

fn verify(path: &Path, more: &[&str]) -> Output {
    let mut command = without_environment(env!("CARGO_BIN_EXE_cloudauth"));
    command.args(["audit", "verify"]).arg(path).args(more).output().unwrap()
}

/// The bytes of each file in a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn a_checkpoint_is_written_once_and_matches_while_the_store_grows() {
    let folder = tempfile::tempdir().unwrap();
    let (path, checkpoint) = (folder.path().join("store"), folder.path().join("2026-01-02.json"));
    commit(&path, 1);
    let write = ["--write-checkpoint", checkpoint.to_str().unwrap()];
    let first = verify(&path, &write);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first));
    assert!(text(&first).starts_with("chains     1\nevents     6\n"), "{}", text(&first));
    let kept = std::fs::read(&checkpoint).unwrap();
    commit(&path, 2);
    let second = verify(&path, &["--checkpoint", checkpoint.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(0), "{}", text(&second));
    assert!(text(&second).contains("matches"), "{}", text(&second));
    let again = verify(&path, &write);
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));
    assert_eq!(std::fs::read(&checkpoint).unwrap(), kept);
    let zh = verify(&path, &["--lang", "zh"]);
    assert!(text(&zh).starts_with("链数       2\n事件数     12\n结果       完整"), "{}", text(&zh));
}

/// The store of schema 1 and its checkpoint, as version 0.1 wrote them. A migration and new verifications change no head.
#[test]
fn the_checkpoint_of_the_oldest_supported_version_matches_its_store() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/kept/0.1");
    let checkpoint = format!("{kept}/audit.json");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.db");
    std::fs::copy(format!("{kept}/flow.db"), &path).unwrap();
    let matches = |chains: u64| {
        let audit = verify(&path, &["--output", "json", "--checkpoint", &checkpoint]);
        assert_eq!(
            (audit.status.code(), &json(&audit)["chains"]),
            (Some(0), &chains.into()),
            "{}",
            text(&audit)
        );
        assert_eq!(json(&audit)["days_that_differ"], serde_json::json!([]));
    };
    matches(2);
    commit(&path, 9);
    matches(3);
    let changed = std::fs::read_to_string(&checkpoint).unwrap().replace("\"format\": 1", "\"format\": 2");
    let newer = folder.path().join("newer.json");
    std::fs::write(&newer, changed).unwrap();
    let refused = verify(&path, &["--checkpoint", newer.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
}

#[test]
fn an_audit_neither_changes_nor_creates_a_file() {
    let folder = tempfile::tempdir().unwrap();
    // A name that must be escaped in a URI. Windows has no names with a question mark.
    let path = folder.path().join(if cfg!(windows) { "store 100%20#1" } else { "store 100%?#1" });
    commit(&path, 1);
    let before = files(folder.path());
    assert_eq!(before.len(), 1);
    let closed = verify(&path, &[]);
    assert_eq!(closed.status.code(), Some(0), "{}", text(&closed));
    assert_eq!(files(folder.path()), before);
    // While a service has the file open, the newest events are in its log.
    let store = SqliteStore::open(&path).unwrap();
    for commit in life(2).unwrap() {
        pollster::block_on(store.commit(&commit)).unwrap();
    }
    let open = verify(&path, &["--output", "json"]);
    assert_eq!((open.status.code(), &json(&open)["chains"]), (Some(0), &2.into()), "{}", text(&open));
}

#[test]
fn another_chain_in_place_of_one_differs_from_the_checkpoint_only() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("store"), folder.path().join("other"));
    let checkpoint = folder.path().join("checkpoint.json");
    let compare = ["--output", "json", "--checkpoint", checkpoint.to_str().unwrap()];
    commit(&path, 1);
    commit(&path, 2);
    let written = verify(&path, &["--write-checkpoint", checkpoint.to_str().unwrap()]);
    assert_eq!(written.status.code(), Some(0), "{}", text(&written));
    // A store with the same number of events, in which another person was verified.
    commit(&other, 1);
    commit(&other, 3);
    let alone = verify(&other, &[]);
    assert_eq!(alone.status.code(), Some(0), "{}", text(&alone));
    let compared = verify(&other, &compare);
    assert_eq!(compared.status.code(), Some(1), "{}", text(&compared));
    assert_eq!(json(&compared)["days_that_differ"], serde_json::json!(["2026-01-02"]));
    // The chains began long ago, but a purge does not replace one.
    let replaced = verify(&other, &[&compare[..], &["--retention", "1"]].concat());
    assert_eq!(replaced.status.code(), Some(1), "{}", text(&replaced));
    // A purge explains that one is missing.
    let fewer = folder.path().join("fewer");
    commit(&fewer, 1);
    let missing = verify(&fewer, &compare);
    assert_eq!(missing.status.code(), Some(1), "{}", text(&missing));
    let purged = verify(&fewer, &[&compare[..], &["--retention", "1"]].concat());
    assert_eq!(purged.status.code(), Some(0), "{}", text(&purged));
    assert_eq!(json(&purged)["days_that_may_be_purged"], serde_json::json!(["2026-01-02"]));
    // The rest of such a day is not compared, and the output says so: here another chain is in place of the one that is left.
    let hidden = folder.path().join("hidden");
    commit(&hidden, 3);
    let not_found = verify(&hidden, &[&compare[2..], &["--retention", "1"]].concat());
    assert_eq!(not_found.status.code(), Some(0), "{}", text(&not_found));
    let shown = text(&not_found);
    assert!(shown.contains("the others of that day are not compared"), "{shown}");
    assert!(!shown.contains("matches"), "not everything was compared: {shown}");
    assert!(shown.contains("no other difference from"), "{shown}");
    let zh = text(&verify(&hidden, &[&compare[2..], &["--retention", "1", "--lang", "zh"]].concat()));
    assert!(!zh.contains("一致 ") && zh.contains("的其他差异"), "{zh}");
    for (store, more, matches) in
        [(&hidden, "1", Some(false)), (&other, "1", Some(false)), (&path, "1", Some(true))]
    {
        let document = json(&verify(store, &[&compare[..], &["--retention", more]].concat()));
        assert_eq!(document["matches_checkpoint"].as_bool(), matches, "{document}");
    }
    assert!(json(&verify(&hidden, &compare[..2]))["matches_checkpoint"].is_null());
}

/// Every constraint of the database holds for this row, and its chain is whole.
#[test]
fn a_decision_that_was_written_by_hand_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (path, checkpoint) = (folder.path().join("store"), folder.path().join("checkpoint.json"));
    let store = SqliteStore::open(&path).unwrap();
    for commit in &life(1).unwrap()[..2] {
        pollster::block_on(store.commit(commit)).unwrap();
    }
    drop(store);
    let change = r#"UPDATE ca_verification SET version = version + 1, state = 'approved', purge_at = 1, due_at = NULL,
        document = json_set(document, '$.state', 'approved', '$.purge_at', 1, '$.due_at', NULL, '$.decision', json_object(
            'by', 'policy', 'attempt', document ->> '$.attempts[0].order_no', 'record', json(
            '{"verdict":"approve","policy":"own","version":"1","policy_hash":"00","rule":"own","reason":"own","hint":null,"queue":null}')))"#;
    Connection::open(&path).unwrap().execute_batch(change).unwrap();
    let found = verify(&path, &["--output", "json", "--write-checkpoint", checkpoint.to_str().unwrap()]);
    assert_eq!(found.status.code(), Some(1), "{}", text(&found));
    let broken = &json(&found)["broken_verifications"][0];
    assert_eq!((&broken["problem"], &broken["part"]), (&"document".into(), &"state".into()), "{broken}");
    assert!(!checkpoint.exists());
    let english = verify(&path, &[]);
    assert!(text(&english).contains("the state in its document does not follow from its events"));
    let chinese = verify(&path, &["--lang", "zh"]);
    assert!(text(&chinese).contains("文档中的状态与事件不符"), "{}", text(&chinese));
}

/// An older program knows nothing of such a document, and calls no verification broken.
#[test]
fn a_document_of_a_newer_version_needs_the_newer_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    commit(&path, 1);
    let change = format!(
        "UPDATE ca_verification SET version = version + 1, format = {}",
        cloudauth_flow::DOCUMENT_FORMAT + 1
    );
    Connection::open(&path).unwrap().execute_batch(&change).unwrap();
    let english = verify(&path, &[]);
    let said_of = said(&english);
    assert_eq!(
        (english.status.code(), said_of.contains("update this program")),
        (Some(2), true),
        "{said_of}"
    );
    let chinese = said(&verify(&path, &["--lang", "zh"]));
    assert!(chinese.contains("请升级本程序"), "{chinese}");
}

#[test]
fn a_broken_chain_is_named_and_gets_no_checkpoint() {
    let changes = [
        ("UPDATE ca_event SET at = at + 1 WHERE n = 3", serde_json::json!(3)),
        ("DELETE FROM ca_event WHERE n = 6", serde_json::json!(6)),
        ("DELETE FROM ca_event WHERE n = 2", serde_json::json!(2)),
        ("DELETE FROM ca_verification", serde_json::json!(null)),
    ];
    for (change, event) in changes {
        let folder = tempfile::tempdir().unwrap();
        let (path, checkpoint) = (folder.path().join("store"), folder.path().join("checkpoint.json"));
        commit(&path, 1);
        let connection = Connection::open(&path).unwrap();
        let unlock =
            "PRAGMA foreign_keys = OFF; DROP TRIGGER ca_event_unchanged; DROP TRIGGER ca_event_kept;";
        connection.execute_batch(&format!("{unlock} {change}")).unwrap();
        let found = verify(&path, &["--output", "json", "--write-checkpoint", checkpoint.to_str().unwrap()]);
        assert_eq!(found.status.code(), Some(1), "{change}: {}", text(&found));
        assert_eq!(json(&found)["broken_verifications"][0]["event"], event, "{change}");
        assert!(!checkpoint.exists());
    }
}

/// The last event of a broken chain still has the hash that the checkpoint knows.
#[test]
fn a_broken_chain_matches_no_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (path, checkpoint) = (folder.path().join("store"), folder.path().join("checkpoint.json"));
    commit(&path, 1);
    let file = checkpoint.to_str().unwrap();
    assert_eq!(verify(&path, &["--write-checkpoint", file]).status.code(), Some(0));
    let change = "DROP TRIGGER ca_event_unchanged; UPDATE ca_event SET at = at + 1 WHERE n = 3";
    Connection::open(&path).unwrap().execute_batch(change).unwrap();
    let compared = verify(&path, &["--checkpoint", file]);
    let shown = text(&compared);
    assert_eq!(compared.status.code(), Some(1), "{shown}");
    assert!(!shown.contains("matches") && shown.contains("no difference from"), "{shown}");
    let zh = text(&verify(&path, &["--checkpoint", file, "--lang", "zh"]));
    assert!(zh.contains("未发现与 ") && zh.contains(" 的差异"), "{zh}");
    let document = json(&verify(&path, &["--checkpoint", file, "--output", "json"]));
    assert_eq!(
        (&document["matches_checkpoint"], &document["days_that_differ"]),
        (&false.into(), &serde_json::json!([]))
    );
}

/// Two audits can overlap. The pipe holds this one back after it has checked that the file does not exist.
#[cfg(unix)]
#[test]
fn a_checkpoint_that_another_audit_wrote_meanwhile_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    commit(&at("store"), 1);
    assert_eq!(
        verify(&at("store"), &["--write-checkpoint", at("before.json").to_str().unwrap()]).status.code(),
        Some(0)
    );
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let mut command = without_environment(env!("CARGO_BIN_EXE_cloudauth"));
    command.args(["audit", "verify"]).arg(at("store"));
    command.arg("--checkpoint").arg(at("pipe")).arg("--write-checkpoint").arg(at("new.json"));
    let mut audit = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Opening the pipe takes until the command has opened it, which it never does if it fails before.
    let (opened, pipe) = mpsc::channel();
    let path = at("pipe");
    thread::spawn(move || opened.send(std::fs::File::options().write(true).open(path)));
    let mut pipe = loop {
        match pipe.recv_timeout(Duration::from_millis(10)) {
            Ok(pipe) => break pipe.unwrap(),
            Err(_) => assert_eq!(audit.try_wait().unwrap(), None, "the command did not open the pipe"),
        }
    };
    std::fs::write(at("new.json"), "of another audit").unwrap();
    pipe.write_all(&std::fs::read(at("before.json")).unwrap()).unwrap();
    drop(pipe);
    let refused = audit.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(said(&refused).contains("new.json exists already"), "{}", said(&refused));
    assert_eq!(std::fs::read_to_string(at("new.json")).unwrap(), "of another audit");
}

#[test]
fn what_cannot_be_read_has_its_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, foreign) = (folder.path().join("missing"), folder.path().join("foreign"));
    let refused = verify(&missing, &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("opening the store failed"), "{}", said(&refused));
    assert!(!missing.exists(), "an audit creates nothing");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE own (one INTEGER)").unwrap();
    let refused = verify(&foreign, &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("not a store"), "{}", said(&refused));
    assert!(said(&verify(&foreign, &["--lang", "zh"])).contains("文件不是认证存储"));
    let nowhere = folder.path().join("no/checkpoint.json");
    let refused = verify(&missing, &["--write-checkpoint", nowhere.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("its folder"), "before the store is read: {}", said(&refused));
    commit(&missing, 1);
    std::fs::write(&foreign, "{}").unwrap();
    for checkpoint in [&foreign, &folder.path().join("none")] {
        let refused = verify(&missing, &["--checkpoint", checkpoint.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    }
}
