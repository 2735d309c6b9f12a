//! The state of an emulator in use, as version 0.1 wrote it: every kind of fault, callback, identity and stage. It is read without
//! a loss. Its clock is stopped, so it does not matter how old the files are.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use cloudauth::{CertifyId, DeleteFaceVerifyResult};
use cloudauth_emulator::{Builder, Emulator, Fault, FaultKind, Latency};
use serde_json::{Value, json};

use crate::support::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kept/0.1/emulator-full.db");
const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kept/0.1/snapshot-full.json");

#[tokio::test]
async fn a_full_state_file_of_the_oldest_supported_version_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    std::fs::copy(FILE, &file).unwrap();
    let emulator = start(Emulator::builder().state_file(&file)).await;
    has_everything(&emulator);
    drop(emulator);
    // Written by this version, it still has everything.
    let emulator = start(Emulator::builder().state_file(&file)).await;
    has_everything(&emulator);
}

#[tokio::test]
async fn a_full_snapshot_of_the_oldest_supported_version_is_restored_whole() {
    let emulator = emulator().await;
    emulator.restore(&std::fs::read_to_string(SNAPSHOT).unwrap()).unwrap();
    has_everything(&emulator);
}

/// Compares a new snapshot with the kept one. Later versions may have more members.
fn has_everything(emulator: &Emulator) {
    let mut kept: Value = serde_json::from_str(&std::fs::read_to_string(SNAPSHOT).unwrap()).unwrap();
    let now: Value = serde_json::from_str(&emulator.snapshot()).unwrap();
    // The real time at which the snapshot was taken.
    kept["clock"].as_object_mut().unwrap().remove("system").unwrap();
    has(&kept, &now, "");
}

fn has(kept: &Value, now: &Value, path: &str) {
    match (kept, now) {
        (Value::Object(kept), Value::Object(now)) => {
            for (name, value) in kept {
                has(value, now.get(name).unwrap_or(&Value::Null), &format!("{path}/{name}"));
            }
        }
        (Value::Array(kept), Value::Array(now)) => {
            assert_eq!(kept.len(), now.len(), "{path}");
            for (at, (kept, now)) in kept.iter().zip(now).enumerate() {
                has(kept, now, &format!("{path}/{at}"));
            }
        }
        _ => assert_eq!(kept, now, "{path}"),
    }
}

/// What the kept files would not show if it was missing.
#[test]
fn the_kept_snapshot_has_each_kind_of_everything() {
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(SNAPSHOT).unwrap()).unwrap();
    let names = |list: &Value, member: &str| -> BTreeSet<String> {
        let list: Vec<&Value> = match list {
            Value::Array(list) => list.iter().collect(),
            Value::Object(members) => members.values().collect(),
            _ => panic!("{list}"),
        };
        list.into_iter()
            .filter_map(|one| match &one[member] {
                Value::String(name) => Some(name.clone()),
                Value::Object(one) => one.keys().next().cloned(),
                other => (!other.is_null()).then(|| other.to_string()),
            })
            .collect()
    };
    let words = |words: &str| words.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(
        names(&kept["faults"]["list"], "fault"),
        words(
            "latency close_unread close_before_acting close_after_acting reset truncated_at dribble status \
             html_bad_gateway empty malformed_json wrong_content_type invalid_utf8 duplicate_keys padded wrong_date throttle"
        )
    );
    for latency in ["fixed", "uniform", "log_normal"] {
        let list = kept["faults"]["list"].as_array().unwrap();
        assert!(list.iter().any(|fault| !fault["fault"]["latency"][latency].is_null()), "{latency}");
    }
    for member in ["action", "order", "certify_id", "times"] {
        assert!(!names(&kept["faults"]["list"], member).is_empty(), "{member}");
    }
    let callbacks = &kept["callbacks"]["by_number"];
    assert_eq!(names(callbacks, "stage"), words("held waiting delivered failed"));
    assert_eq!(names(callbacks, "kind"), words("normal duplicate late forged wrong_token other_shape"));
    assert_eq!(kept["callbacks"]["hold"], true);
    let sessions = &kept["sessions"];
    assert_eq!(names(sessions, "stage"), words("open finished given_up expired"));
    assert_eq!(
        names(sessions, "magic"),
        words("None SubCode InitCode DescribeCode ScoreTenths PendingFirst Callback Person Fault")
    );
    for member in ["queried", "deleted"] {
        assert_eq!(names(sessions, member), words("false true"), "{member}");
    }
    for member in ["rule", "forced", "link", "callback"] {
        assert!(!names(sessions, member).is_empty(), "{member}");
    }
    assert!(names(sessions, "pending").len() > 1);
    assert!(!kept["history"]["without_source"].as_array().unwrap().is_empty());
    assert!(!kept["history"]["failures"].as_object().unwrap().is_empty());
}

/// How the files of the tests above were made: the snapshot is of the emulator that wrote the state file.
#[tokio::test]
#[ignore = "writes files that the repository keeps"]
async fn writes_the_kept_full_state() {
    assert!(!Path::new(FILE).exists() && !Path::new(SNAPSHOT).exists(), "a kept file is never rewritten");
    let emulator = fill(Emulator::builder().state_file(FILE)).await;
    std::fs::write(SNAPSHOT, emulator.snapshot()).unwrap();
}

async fn fill(builder: Builder) -> Emulator {
    let rules = r#"[{"order":"vip*","sub_code":"210","verify_score":71.25}]"#;
    let emulator = start(builder.seed(5).clock(stopped()).rules(rules)).await;
    let post = async |path: &str, body: Value| {
        let got = admin(&emulator, "POST", path, Some(body)).await;
        assert!([200, 201].contains(&got.status), "{path}: {}", got.text);
        got.json()
    };
    let session = async |mut body: Value, callback: Option<&str>| {
        if let Some(url) = callback {
            body["callback_url"] = json!(url);
            body["callback_token"] = json!("tok");
        }
        post("/sessions", body).await["certify_id"].as_str().unwrap().to_owned()
    };
    let submit = async |id: &str| post(&format!("/sessions/{id}/submit"), json!({})).await;
    let identity = |born: &str, digits: u16| json!({ "id_number": magic(born, digits) });

    // One callback is delivered, one fails twice, one is due in a minute, which never passes, and others are held.
    let (good, _) = crate::receiver::receiver(&[200]).await;
    let (bad, _) = crate::receiver::receiver(&[200, 500]).await;
    for url in [&good, &bad] {
        submit(&session(json!({}), Some(url)).await).await;
    }
    emulator.settle().await;
    emulator.advance(Duration::from_secs(3)).await;
    submit(&session(identity("20020101", 3), Some(&good)).await).await;
    emulator.settle().await;
    admin(&emulator, "PATCH", "/callbacks", Some(json!({ "hold": true }))).await;
    let held = session(json!({}), Some(&good)).await;
    submit(&held).await;
    for kind in ["duplicate", "late", "forged", "wrong_token", "other_shape"] {
        post("/callbacks", json!({ "certify_id": held, "kind": kind })).await;
    }

    // Each kind of identity. The faces of the first one were not compared, the second one failed.
    for (born, digits) in [
        ("19900101", 201),
        ("19900101", 204),
        ("19910101", 401),
        ("19920101", 404),
        ("20000101", 825),
        ("20010101", 3),
        ("20030101", 0),
        ("20040101", 1),
    ] {
        submit(&session(identity(born, digits), None).await).await;
    }
    // Each other end, and none.
    let canceled = session(json!({ "return_url": "iframe" }), None).await;
    post(&format!("/sessions/{canceled}/cancel"), json!({})).await;
    let expired = session(json!({}), None).await;
    post(&format!("/sessions/{expired}/expire"), json!({})).await;
    session(json!({ "outer_order_no": "vip7" }), None).await;
    let forced = session(json!({}), None).await;
    let outcome = json!({ "forced": { "sub_code": "205", "verify_score": 61.5 } });
    admin(&emulator, "PATCH", &format!("/sessions/{forced}"), Some(outcome)).await;
    // Its result is read, and deleted.
    let shop = shop(&emulator);
    for is_deleted in [false, true] {
        let id = CertifyId::new(&session(json!({}), None).await).unwrap();
        submit(id.as_str()).await;
        describe(&shop, &id).await.unwrap();
        if is_deleted {
            shop.delete_face_verify_result(&DeleteFaceVerifyResult::new(id)).await.unwrap();
        }
    }

    let millis = Duration::from_millis;
    let kinds = [
        FaultKind::Latency(Latency::Fixed(millis(250))),
        FaultKind::Latency(Latency::Uniform(millis(10), millis(20))),
        FaultKind::Latency(Latency::LogNormal { median: millis(80), sigma: 0.5 }),
        FaultKind::CloseUnread,
        FaultKind::CloseBeforeActing,
        FaultKind::CloseAfterActing,
        FaultKind::Reset,
        FaultKind::TruncatedAt(200),
        FaultKind::Dribble(millis(100)),
        FaultKind::Status(503),
        FaultKind::HtmlBadGateway,
        FaultKind::Empty,
        FaultKind::MalformedJson,
        FaultKind::WrongContentType,
        FaultKind::InvalidUtf8,
        FaultKind::DuplicateKeys,
        FaultKind::Padded(4096),
        FaultKind::WrongDate(-86_400),
        FaultKind::Throttle(millis(500)),
    ];
    for kind in kinds {
        emulator.inject(Fault::new(kind)).unwrap();
    }
    let narrowed = Fault::new(FaultKind::Empty).action("DescribeFaceVerify").order("a").certify_id("b");
    emulator.inject(narrowed.times(2).probability(0.25)).unwrap();
    emulator
}
