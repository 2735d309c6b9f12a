//! State: reproducibility from the seed, snapshots, the state file, reset.

use std::path::Path;
use std::time::Duration;

use cloudauth::{CertifyId, FaceVerifyStatus, Outcome, UnixTime};
use cloudauth_emulator::{Builder, Clock, Emulator, Fault, FaultKind};
use serde_json::{Value, json};

use crate::support::*;

/// Runs a script with random draws, waits and faults. Returns the journal and the callbacks, without the port.
async fn played(seed: u64, at: UnixTime, url: &str) -> String {
    let fault = Fault::new(FaultKind::Status(503)).probability(0.3);
    let emulator = start(Emulator::builder().seed(seed).clock(Clock::frozen(at)).fault(fault)).await;
    let shop = shop(&emulator).with(once);
    let mut ids = Vec::new();
    for at in 0..6 {
        let op = init(&format!("order{at}"), &magic("20020101", at), RETURN_URL);
        if let Ok(begun) = shop.init_face_verify(&calling_back(op, url)).await {
            ids.push(begun.output.certify_id);
        }
    }
    for id in &ids {
        let path = format!("/sessions/{}/submit", id.as_str());
        admin(&emulator, "POST", &path, Some(json!({}))).await;
        let _ = describe(&shop, id).await;
    }
    emulator.advance(Duration::from_secs(90)).await;
    let mut all = Vec::new();
    for path in ["/journal", "/callbacks", "/sessions", "/clock"] {
        all.push(admin(&emulator, "GET", path, None).await.text.replace(emulator.url(), "http://emulator"));
    }
    all.join("\n")
}

#[tokio::test]
async fn the_same_seed_and_script_give_the_same_journal_a_hundred_times() {
    let (url, _queries) = receiver(&[200]).await;
    let now = std::time::SystemTime::now().into();
    let first = played(7, now, &url).await;
    for part in ["\"status\":200", "\"status\":503", "\"kind\":\"late\"", "\"state\":\"delivered\""] {
        assert!(first.contains(part), "no {part} in {first}");
    }
    for _ in 1..100 {
        assert_eq!(played(7, now, &url).await, first);
    }
    assert_ne!(played(8, now, &url).await, first);
}

#[tokio::test]
async fn restores_a_snapshot_in_another_emulator() {
    let emulator = start(Emulator::builder().seed(3).clock(stopped())).await;
    let shop_of = shop;
    let shop = shop_of(&emulator);
    let session = begin(&shop, &init("a", &magic("19900101", 203), RETURN_URL)).await;
    let submit = format!("/sessions/{}/submit", session.certify_id.as_str());
    admin(&emulator, "POST", &submit, Some(json!({}))).await;
    emulator.inject(Fault::new(FaultKind::Empty).action("DeleteFaceVerifyResult")).unwrap();
    emulator.advance(Duration::from_secs(60)).await;
    let (snapshot, clock) = (emulator.snapshot(), emulator.clock().now());
    assert!(!snapshot.contains("张三") && !snapshot.contains("999999"), "{snapshot}");

    let other = emulator_at(9).await;
    other.restore(&snapshot).unwrap();
    assert_eq!(other.clock().now(), clock);
    let shop = shop_of(&other);
    assert_eq!(describe(&shop, &session.certify_id).await.unwrap().outcome(), Outcome::NotPassed);
    let again = shop.init_face_verify(&init("b", &magic("19900101", 203), RETURN_URL)).await.unwrap_err();
    assert_eq!(again.code().unwrap().as_str(), "417", "the history of identities is restored");

    for wrong in ["", "{}", "[]", &snapshot.replace("\"format\":1", "\"format\":2")] {
        assert!(other.restore(wrong).is_err(), "{wrong}");
        let put =
            send(|http| http.put(format!("{}/_emu/v1/snapshot", other.url())).body(wrong.to_owned())).await;
        assert_eq!(put.status, 400);
    }
    assert!(describe(&shop, &session.certify_id).await.is_ok(), "a rejected snapshot changes nothing");
    other.reset();
    assert!(describe(&shop, &session.certify_id).await.is_err());
}

async fn emulator_at(seed: u64) -> Emulator {
    start(Emulator::builder().seed(seed)).await
}

#[tokio::test]
async fn restores_the_state_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let builder = || Emulator::builder().seed(5).state_file(&file);
    let emulator = start(builder()).await;
    let first = shop(&emulator);
    let ended = begin(&first, &init("a", &magic("19900101", 204), RETURN_URL)).await;
    let submit = format!("/sessions/{}/submit", ended.certify_id.as_str());
    admin(&emulator, "POST", &submit, Some(json!({}))).await;
    let open = begin(&first, &init("b", "999999199001012003", RETURN_URL)).await;
    admin(&emulator, "PATCH", "/clock", Some(json!({ "advance_seconds": 600 }))).await;
    let ahead = emulator.clock().now();
    let journal = admin(&emulator, "GET", "/journal", None).await.text;
    drop(emulator);
    assert!(journal.contains("InitFaceVerify"), "{journal}");
    let mut written = vec![("the journal".to_owned(), journal.into_bytes())];
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        written.push((path.display().to_string(), std::fs::read(path).unwrap()));
    }
    for (name, bytes) in &written {
        for secret in ["张三", "%E5%BC%A0", "999999199001012003", &magic("19900101", 204)] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{name} has {secret}");
        }
    }
    assert!(written.iter().any(|(name, bytes)| name.ends_with("state.db") && !bytes.is_empty()));

    let emulator = start(builder().seed(6)).await;
    assert_eq!(emulator.seed(), 5, "that of the file");
    let info = admin(&emulator, "GET", "/info", None).await.json();
    assert_eq!(info["state_file"]["unsaved"], 0, "what was just read");
    assert!(emulator.clock().now().since(ahead) < Duration::from_secs(30), "the clock keeps running");
    let second = shop(&emulator);
    let FaceVerifyStatus::Finished(result) = describe(&second, &ended.certify_id).await.unwrap() else {
        panic!()
    };
    assert_eq!(result.sub_code.unwrap().as_str(), "204");
    let fresh = begin(&second, &init("c", "999999199001012003", RETURN_URL)).await;
    assert_ne!(fresh.certify_id, open.certify_id, "ids are not repeated");
    let listed = admin(&emulator, "GET", "/sessions", None).await.json();
    let orders: Vec<_> =
        listed["sessions"].as_array().unwrap().iter().map(|one| &one["outer_order_no"]).collect();
    assert_eq!(orders, [&json!("c"), &json!("b"), &json!("a")]);
    drop(emulator);

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::write(&file, "not a database, but long enough to be read like the header of an SQLite file")
        .unwrap();
    for extra in ["state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(extra));
    }
    assert!(builder().start().await.is_err(), "an unreadable file is not overwritten");
}

/// A verification that ended with code 204, as version 0.1 wrote it: in a state file and in a snapshot.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kept/0.1/emulator.db");
const KEPT_SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kept/0.1/snapshot.json");

#[tokio::test]
async fn reads_the_state_file_of_the_oldest_supported_version() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    std::fs::copy(KEPT, &file).unwrap();
    // `user_version` in the header of an SQLite file: the format of the state.
    assert_eq!(std::fs::read(&file).unwrap()[60..64], 1_u32.to_be_bytes());
    let emulator = start(Emulator::builder().state_file(&file)).await;
    has_the_kept_session(&emulator).await;
}

#[tokio::test]
async fn restores_the_snapshot_of_the_oldest_supported_version() {
    let snapshot = std::fs::read_to_string(KEPT_SNAPSHOT).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&snapshot).unwrap()["format"], 1);
    let emulator = emulator().await;
    emulator.restore(&snapshot).unwrap();
    has_the_kept_session(&emulator).await;
}

async fn has_the_kept_session(emulator: &Emulator) {
    // The clock continues from the day when the file was made, and the client's is that of the system.
    emulator.clock().set(std::time::SystemTime::now().into());
    let listed = admin(emulator, "GET", "/sessions", None).await.json();
    assert_eq!(listed["sessions"][0]["outer_order_no"], "a");
    let id = CertifyId::new(listed["sessions"][0]["certify_id"].as_str().unwrap()).unwrap();
    let FaceVerifyStatus::Finished(result) = describe(&shop(emulator), &id).await.unwrap() else { panic!() };
    assert_eq!(result.sub_code.unwrap().as_str(), "204");
}

/// How the files of the tests above were made.
#[tokio::test]
#[ignore = "writes a file that the repository keeps"]
async fn writes_the_kept_file() {
    assert!(!Path::new(KEPT).exists(), "a kept file is never rewritten");
    end_the_kept_session(Emulator::builder().state_file(KEPT)).await;
}

#[tokio::test]
#[ignore = "writes a file that the repository keeps"]
async fn writes_the_kept_snapshot() {
    assert!(!Path::new(KEPT_SNAPSHOT).exists(), "a kept file is never rewritten");
    std::fs::write(KEPT_SNAPSHOT, end_the_kept_session(Emulator::builder()).await.snapshot()).unwrap();
}

async fn end_the_kept_session(builder: Builder) -> Emulator {
    let emulator = start(builder.seed(5).clock(stopped())).await;
    let session = begin(&shop(&emulator), &init("a", &magic("19900101", 204), RETURN_URL)).await;
    let submit = format!("/sessions/{}/submit", session.certify_id.as_str());
    admin(&emulator, "POST", &submit, Some(json!({}))).await;
    emulator
}

#[tokio::test]
async fn a_second_emulator_refuses_a_state_file_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let builder = || Emulator::builder().state_file(&file);
    let emulator = start(builder()).await;
    let error = builder().start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy);
    let text = cloudauth_tests::full_text(&error);
    let expected =
        format!("cannot use the state file {}: another emulator uses the state file", file.display());
    assert!(text.starts_with(&expected), "{text}");
    let session = admin(&emulator, "POST", "/sessions", Some(json!({}))).await.json();
    let info = admin(&emulator, "GET", "/info", None).await.json();
    assert_eq!(
        info["state_file"],
        json!({ "unsaved": 0, "error": null }),
        "the first emulator keeps working"
    );
    drop(emulator);
    let emulator = start(builder()).await;
    let path = format!("/sessions/{}", session["certify_id"].as_str().unwrap());
    assert_eq!(admin(&emulator, "GET", &path, None).await.status, 200);
}

#[tokio::test]
async fn restores_a_snapshot_of_many_sessions() {
    let emulator = start(Emulator::builder().seed(1).clock(frozen())).await;
    admin(&emulator, "POST", "/sessions", Some(json!({}))).await;
    let mut snapshot: Value = serde_json::from_str(&emulator.snapshot()).unwrap();
    let one = snapshot["sessions"][0].clone();
    let many = (0..9000).map(|at| {
        let mut one = one.clone();
        for name in ["certify_id", "token", "code"] {
            one[name] = json!(format!("{name}{at}"));
        }
        one
    });
    snapshot["sessions"] = many.collect();
    let snapshot = snapshot.to_string();
    assert!(snapshot.len() > 2 << 20);
    let url = format!("{}/_emu/v1/snapshot", emulator.url());
    let put = send(|http| http.put(&url).body(snapshot)).await;
    assert_eq!((put.status, put.text.as_str()), (204, ""));
    assert_eq!(admin(&emulator, "GET", "/sessions/certify_id8999", None).await.status, 200);
}

#[tokio::test]
async fn a_reset_restores_the_initial_state() {
    let emulator =
        start(Emulator::builder().seed(1).clock(frozen()).fault(Fault::new(FaultKind::Empty).times(1))).await;
    let before: Value = serde_json::from_str(&emulator.snapshot()).unwrap();
    admin(&emulator, "POST", "/sessions", Some(json!({}))).await;
    get_page(emulator.url()).await;
    emulator.clear_faults();
    emulator.advance(Duration::from_secs(99)).await;
    emulator.reset();
    let after: Value = serde_json::from_str(&emulator.snapshot()).unwrap();
    for part in ["seed", "made", "history", "faults", "callbacks", "sessions"] {
        assert_eq!(before[part], after[part], "{part}");
    }
    assert_eq!(before["clock"]["shown"], after["clock"]["shown"]);
    assert_eq!(admin(&emulator, "GET", "/journal", None).await.json()["entries"], json!([]));
}

#[tokio::test]
async fn a_thousand_emulators_run_concurrently() {
    let mut all = Vec::new();
    for seed in 0..1000 {
        all.push(start(Emulator::builder().seed(seed)).await);
    }
    for emulator in [&all[0], &all[500], &all[999]] {
        begin(&shop(emulator), &init("a", "999999199001012003", RETURN_URL)).await;
    }
}
