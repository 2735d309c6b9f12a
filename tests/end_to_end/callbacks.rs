//! Callbacks from the emulator to a receiver.

use super::*;
use crate::receiver::receiver;

/// The queries that came, after every due callback has been sent.
async fn came(emulator: &Emulator, queries: &Mutex<Vec<String>>) -> Vec<String> {
    emulator.settle().await;
    queries.lock().unwrap().clone()
}

#[tokio::test]
async fn callback_has_sub_code_and_token_and_keeps_the_query() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, Signing::V1);
    let keys = CallbackKeys::new(&[7; 32]).unwrap();
    let (url, queries) = receiver(&[200]).await;
    let op = init(&magic("19900101", 210)).callback_url(CallbackUrl::loopback(&url).unwrap());
    let order = op.outer_order_no().clone();
    let session =
        client.init_face_verify(&op.callback_token(keys.token(scene(), &order))).await.unwrap().output;
    submit(&session, "").await;
    let queries = came(&emulator, &queries).await;
    assert_eq!(queries[0], "shop=1", "the probe at the start adds no parameters");
    assert!(queries[1].starts_with("shop=1&callbackToken="), "{}", queries[1]);
    let callback = Callback::parse(&queries[1]).unwrap();
    assert_eq!(callback.certify_id(), &session.certify_id);
    assert_eq!(callback.claimed_sub_code(), Some(&SubCode::PassedByStrategy));
    assert!(keys.verify(&callback, scene(), &order));
}

#[tokio::test]
async fn magic_identities_choose_the_callback_fault() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, Signing::V1);
    let keys = CallbackKeys::new(&[7; 32]).unwrap();
    // The fault, and the expected number of requests, including the probe.
    for (how, count) in [(0, 2), (1, 1), (2, 3), (3, 2), (4, 2), (5, 2), (6, 2)] {
        let (url, queries) = receiver(&[200]).await;
        let op = init(&magic("20020101", how)).callback_url(CallbackUrl::loopback(&url).unwrap());
        let order = op.outer_order_no().clone();
        let op = op.callback_token(keys.token(scene(), &order));
        let session = client.init_face_verify(&op).await.unwrap().output;
        submit(&session, "").await;
        if how == 3 {
            assert_eq!(came(&emulator, &queries).await.len(), 1, "the callback is delayed");
        }
        emulator.advance(Duration::from_secs(60)).await;
        let came = came(&emulator, &queries).await;
        assert_eq!(came.len(), count, "{how}");
        if let Some(query) = came.get(1) {
            let callback = Callback::parse(query).unwrap();
            assert_eq!(keys.verify(&callback, scene(), &order), how != 4, "{how}");
            assert_eq!(callback.claimed_sub_code(), Some(&SubCode::Passed), "{how}: {query}");
            assert_eq!(query.contains("passed=Y&subCode=200"), how == 6);
        }
        let first = describe(&client, &session.certify_id).await.unwrap();
        assert_eq!(matches!(first, FaceVerifyStatus::Pending(_)), how == 5, "{how}");
    }
}

#[tokio::test]
async fn callback_is_repeated_once_after_a_status_other_than_200() {
    let emulator = Emulator::builder().start().await.unwrap();
    let (url, queries) = receiver(&[200, 500]).await;
    let op = init("999999199001012003").callback_url(CallbackUrl::loopback(&url).unwrap());
    let session = client(&emulator, Signing::V1).init_face_verify(&op).await.unwrap().output;
    submit(&session, "").await;
    emulator.advance(Duration::from_secs(3600)).await;
    let queries = came(&emulator, &queries).await;
    assert_eq!((queries.len(), &queries[1]), (3, &queries[2]), "the probe and two callbacks, but no third");
}

#[tokio::test]
async fn unreachable_callback_address_is_refused_at_the_start() {
    let emulator = Emulator::builder().start().await.unwrap();
    let (url, _) = receiver(&[404]).await;
    let op = init("999999199001012003").callback_url(CallbackUrl::loopback(&url).unwrap());
    let error = client(&emulator, Signing::V1).init_face_verify(&op).await.unwrap_err();
    assert_eq!(error.code(), Some(&Code::IllegalParameter));
}
