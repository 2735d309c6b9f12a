//! What the admin API shows of a call: no number of a person in the wrong parameter, and no secret of a URL.

use cloudauth::{Client, Credentials, ReqwestTransport};
use cloudauth_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_number_of_a_person_as_an_order_number_is_masked() {
    let emulator = start(Emulator::builder().key("other", "othersecret")).await;
    // A phone number, and an ID number with a mistyped check character.
    for (order, planted) in [("13800000000", "13800000000"), ("999999199001012047", "999999199001012047")] {
        for (secret, is_refused) in [(Emulator::ACCESS_KEY_SECRET, false), ("othersecret", true)] {
            let by = Credentials::new(Emulator::ACCESS_KEY_ID, secret).unwrap();
            let client = Client::builder(ReqwestTransport::new().unwrap(), by)
                .endpoint(emulator.url().parse().unwrap())
                .build();
            let result = client.init_face_verify(&init(order, "999999199001012003", RETURN_URL)).await;
            assert_eq!(result.is_err(), is_refused);
        }
        let journal = admin(&emulator, "GET", "/journal", None).await;
        let entry = journal.json()["entries"][0].clone();
        assert_eq!(entry["outer_order_no"], "[digits]", "{entry}");
        let path = format!("/journal/{}/explain", entry["number"]);
        let explained = admin(&emulator, "GET", &path, None).await;
        assert!(explained.text.contains("OuterOrderNo"), "{}", explained.text);
        for text in [journal.text, explained.text] {
            assert!(!text.contains(planted), "{text}");
        }
    }
}

#[tokio::test]
async fn a_url_is_shown_without_user_and_query_and_a_return_url_without_its_path() {
    let emulator = emulator().await;
    let (url, _queries) = receiver(&[200]).await;
    let called = url.replacen("http://", "http://user:planted@", 1) + "&x=planted";
    let new = json!({ "return_url": "https://user:planted@shop.example:81/planted?planted#planted", "callback_url": called });
    let made = admin(&emulator, "POST", "/sessions", Some(new)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let session = made.json();
    assert_eq!(session["return_to"], "https://shop.example:81");
    assert_eq!(session["callback_to"], url.trim_end_matches("?shop=1"));
    let path = format!("/sessions/{}/submit", session["certify_id"].as_str().unwrap());
    assert_eq!(admin(&emulator, "POST", &path, Some(Value::from(serde_json::Map::new()))).await.status, 200);
    for path in ["/sessions", "/callbacks", "/journal"] {
        let shown = admin(&emulator, "GET", path, None).await.text;
        assert!(!shown.contains("planted"), "{path}: {shown}");
    }
}
