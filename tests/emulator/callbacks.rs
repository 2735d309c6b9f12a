//! Callbacks: by the clock, held, released, repeated and forged.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

/// Finishes a session with a callback to `url`, and returns its CertifyId.
async fn finished(emulator: &cloudauth_emulator::Emulator, url: &str, number: &str) -> String {
    let new = json!({ "callback_url": url, "callback_token": "tok", "id_number": number });
    let begun = admin(emulator, "POST", "/sessions", Some(new)).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let id = begun.json()["certify_id"].as_str().unwrap().to_owned();
    let done = admin(emulator, "POST", &format!("/sessions/{id}/submit"), Some(json!({}))).await;
    assert_eq!((done.status, &done.json()["state"]), (200, &json!("finished")));
    id
}

async fn callbacks(emulator: &cloudauth_emulator::Emulator) -> Vec<Value> {
    let all = admin(emulator, "GET", "/callbacks", None).await.json();
    all["callbacks"].as_array().unwrap().clone()
}

#[tokio::test]
async fn advancing_the_clock_runs_due_callbacks_in_order() {
    let emulator = start(cloudauth_emulator::Emulator::builder().clock(frozen())).await;
    let (url, queries) = receiver(&[200]).await;
    let late = finished(&emulator, &url, &magic("20020101", 3)).await;
    let soon = finished(&emulator, &url, &magic("20020101", 0)).await;
    emulator.settle().await;
    assert_eq!(queries.lock().unwrap().len(), 3, "two probes and the due callback");
    let session = admin(&emulator, "POST", "/sessions", Some(json!({}))).await.json();

    emulator.advance(Duration::from_secs(24 * 3600)).await;
    let came = queries.lock().unwrap().clone();
    assert!(came.len() == 4 && came[3].contains(&late) && came[2].contains(&soon), "{came:?}");
    let made = callbacks(&emulator).await;
    assert_eq!(made[1]["attempts"][0]["at"], "2026-01-02T03:05:05Z", "a minute later, not a day: {made:?}");
    let page = session["link"].as_str().unwrap();
    assert_eq!(get_page(page).await.status, 410, "the session has expired");
}

#[tokio::test]
async fn a_retry_follows_after_a_second_of_the_clock() {
    let emulator = start(cloudauth_emulator::Emulator::builder().clock(frozen())).await;
    let (url, queries) = receiver(&[200, 500, 500]).await;
    finished(&emulator, &url, "999999199001012003").await;
    emulator.settle().await;
    assert_eq!(queries.lock().unwrap().len(), 2, "the probe and the first request");
    assert_eq!(callbacks(&emulator).await[0]["state"], "waiting");
    let advanced = admin(&emulator, "PATCH", "/clock", Some(json!({ "advance_seconds": 3 }))).await;
    assert_eq!(advanced.json()["now"], "2026-01-02T03:04:08Z");
    let made = callbacks(&emulator).await;
    assert_eq!(made[0]["state"], "failed");
    let statuses: Vec<_> =
        made[0]["attempts"].as_array().unwrap().iter().map(|made| &made["status"]).collect();
    assert_eq!(statuses, [&json!(500), &json!(500)]);
    emulator.advance(Duration::from_secs(3600)).await;
    assert_eq!(queries.lock().unwrap().len(), 3, "no third request");
}

#[tokio::test]
async fn held_callbacks_run_after_their_release() {
    let emulator = emulator().await;
    let (url, queries) = receiver(&[200]).await;
    admin(&emulator, "PATCH", "/callbacks", Some(json!({ "hold": true }))).await;
    for _ in 0..2 {
        finished(&emulator, &url, "999999199001012003").await;
    }
    emulator.settle().await;
    let held = callbacks(&emulator).await;
    assert!(held.len() == 2 && held.iter().all(|one| one["state"] == "held"), "{held:?}");
    assert_eq!(queries.lock().unwrap().len(), 2, "the probes");
    let released = admin(&emulator, "POST", "/callbacks/2/release", None).await;
    assert_eq!(released.status, 200);
    emulator.settle().await;
    assert_eq!(queries.lock().unwrap().len(), 3);
    admin(&emulator, "PATCH", "/callbacks", Some(json!({ "hold": false }))).await;
    emulator.settle().await;
    assert_eq!(queries.lock().unwrap().len(), 4);
    assert_eq!(admin(&emulator, "POST", "/callbacks/2/release", None).await.status, 404, "it was delivered");
}

#[tokio::test]
async fn sends_additional_callbacks_and_forged_ones_have_another_token() {
    let emulator = emulator().await;
    let (url, queries) = receiver(&[200]).await;
    let id = finished(&emulator, &url, &magic("19900101", 204)).await;
    for kind in ["duplicate", "forged"] {
        let more = json!({ "certify_id": id, "kind": kind });
        let added = admin(&emulator, "POST", "/callbacks", Some(more)).await;
        assert_eq!((added.status, &added.json()["kind"]), (201, &json!(kind)));
        emulator.settle().await;
    }
    let came = queries.lock().unwrap().clone();
    let expected = format!("shop=1&callbackToken=tok&certifyId={id}&passed=204");
    assert_eq!(came[1..3], [expected.clone(), expected]);
    assert_eq!(
        came[3],
        format!("shop=1&callbackToken=tokx&certifyId={id}&passed=200"),
        "a forged callback claims a pass"
    );

    let none = json!({ "certify_id": "unknown", "kind": "forged" });
    assert_eq!(admin(&emulator, "POST", "/callbacks", Some(none)).await.status, 404);
    let silent = admin(&emulator, "POST", "/sessions", Some(json!({}))).await.json();
    let none = json!({ "certify_id": silent["certify_id"], "kind": "duplicate" });
    assert_eq!(
        admin(&emulator, "POST", "/callbacks", Some(none)).await.status,
        409,
        "the session has no CallbackUrl"
    );
}

#[tokio::test]
async fn neither_token_nor_query_of_a_callback_is_shown() {
    let emulator = emulator().await;
    let (url, _queries) = receiver(&[200]).await;
    finished(&emulator, &url, "999999199001012003").await;
    for path in ["/callbacks", "/sessions", "/journal"] {
        let text = admin(&emulator, "GET", path, None).await.text;
        assert!(
            !text.contains("tok\"") && !text.contains("shop=1") && !text.contains("callbackToken"),
            "{text}"
        );
    }
}
