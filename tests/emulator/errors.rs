//! The documented errors, each caused by input alone, and the emulator's hints and explanations.

use std::collections::BTreeSet;

use cloudauth::{
    CertifyId, Client, Code, Credentials, DescribeFaceVerify, Effect, GatewayCode, Nonce, ParamLocation,
    RawOperation, ReqwestTransport, SceneId, Signing, Stamp, UnixTime, prepare,
};
use cloudauth_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::*;

fn by(id: &str, secret: &str) -> Credentials {
    Credentials::new(id, secret).unwrap()
}

fn client(emulator: &Emulator, credentials: Credentials) -> Client {
    Client::builder(ReqwestTransport::new().unwrap(), credentials)
        .endpoint(emulator.url().parse().unwrap())
        .build()
}

#[tokio::test]
async fn magic_identities_cause_every_documented_code() {
    let emulator = start(Emulator::builder().calls_per_second(None)).await;
    let shop = shop(&emulator).with(once);
    let (mut of_init, mut of_describe) = (BTreeSet::new(), BTreeSet::new());
    for row in Code::MANUAL {
        let code: u16 = row.code.parse().unwrap();
        let refused = shop.init_face_verify(&init("a", &magic("19910101", code), RETURN_URL)).await;
        of_init.insert(
            refused.err().map_or_else(|| "200".to_owned(), |error| error.code().unwrap().to_string()),
        );
        let session = begin(&shop, &init("a", &magic("19920101", code), RETURN_URL)).await;
        let id = session.certify_id.as_str();
        admin(&emulator, "POST", &format!("/sessions/{id}/submit"), Some(json!({}))).await;
        of_describe.insert(match describe(&shop, &session.certify_id).await {
            Ok(cloudauth::FaceVerifyStatus::Pending(code)) => code.to_string(),
            Ok(_) => "200".to_owned(),
            Err(error) => error.code().unwrap().to_string(),
        });
    }
    let documented = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<BTreeSet<_>>();
    let init = documented(&[
        "200", "400", "401", "402", "404", "410", "411", "412", "414", "415", "416", "417", "418", "500",
    ]);
    let describe = documented(&["200", "400", "401", "403", "404", "406", "410", "411", "424", "427", "500"]);
    assert!(of_init.is_superset(&init) && of_describe.is_superset(&describe), "{of_init:?} {of_describe:?}");
}

#[tokio::test]
async fn a_session_is_unknown_in_another_scene() {
    let emulator = emulator().await;
    let shop = shop(&emulator);
    let session = begin(&shop, &init("a", &magic("19900101", 200), RETURN_URL)).await;
    let elsewhere = DescribeFaceVerify::new(SceneId::new(1_000_000_007).unwrap(), session.certify_id);
    let error = shop.describe_face_verify(&elsewhere).await.unwrap_err();
    assert_eq!(error.code(), Some(&Code::InvalidCertifyId));
}

#[tokio::test]
async fn input_causes_eighteen_gateway_errors() {
    let emulator = start(Emulator::builder().temporary_key("STS.mine", "s", "tok")).await;
    let secret = Emulator::ACCESS_KEY_SECRET;
    let read = || RawOperation::new("DescribeFaceVerify", Effect::Read).unwrap();
    let mut found = BTreeSet::new();
    for credentials in [
        by("nobody", secret),
        by("EMUinactive", secret),
        by("EMUforbidden", secret),
        by(Emulator::ACCESS_KEY_ID, "wrong"),
        by("STS.mine", "s"),
        Credentials::temporary("STS.mine", "s", "other").unwrap(),
        Credentials::temporary("STS.EMUexpired", secret, "EMUtoken").unwrap(),
    ] {
        let client = client(&emulator, credentials).with(once);
        let error = client.call(&read()).await.unwrap_err();
        found.insert(error.gateway_code().unwrap().as_str().to_owned());
    }
    let shop = shop(&emulator).with(once);
    let error = shop.call(&RawOperation::new("CompareFaces", Effect::Read).unwrap()).await.unwrap_err();
    found.insert(error.gateway_code().unwrap().as_str().to_owned());
    for fault in [6, 7, 8] {
        let session = begin(&shop, &init("a", &magic("20040101", fault), RETURN_URL)).await;
        let error = describe(&shop, &session.certify_id).await.unwrap_err();
        found.insert(error.gateway_code().unwrap().as_str().to_owned());
    }
    // Requests that our client never sends.
    let good = "Action=DescribeFaceVerify&AccessKeyId=EMUtestid&Signature=x&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
                &SignatureNonce=1&Timestamp=2026-01-02T03:04:05Z&Format=JSON";
    for (from, to) in [
        ("Signature=x&", ""),
        ("HMAC-SHA1", "MD5"),
        ("2026-01-02T", "2026-01-02 "),
        ("", ""),
        ("Action=DescribeFaceVerify&", ""),
    ] {
        let url = format!("{}/?{}", emulator.url(), good.replacen(from, to, 1));
        found.insert(get_page(&url).await.json()["Code"].as_str().unwrap().to_owned());
    }
    let url = format!("{}/?{good}", emulator.url());
    found.insert(send(|http| http.put(url)).await.json()["Code"].as_str().unwrap().to_owned());
    let acs3 = send(|http| {
        http.post(emulator.url()).header("x-acs-action", "X").header("authorization", "ACS3-HMAC-SHA256")
    })
    .await;
    found.insert(acs3.json()["Code"].as_str().unwrap().to_owned());
    found.insert(nonce_used(&emulator).await);
    assert!(found.len() >= 18, "{}: {found:?}", found.len());
    for code in &found {
        assert!(GatewayCode::from_wire(code).manual().is_some(), "{code} is not in the manual");
    }
}

async fn nonce_used(emulator: &Emulator) -> String {
    let op = DescribeFaceVerify::new(scene(), CertifyId::new("sha1").unwrap());
    let now = UnixTime::from(std::time::SystemTime::now());
    let credentials = by(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET);
    let endpoint = emulator.url().parse().unwrap();
    let mut last = String::new();
    for _ in 0..2 {
        let stamp = Stamp::new(now, Nonce::from_entropy([9; 16]));
        let request = prepare(&op, &endpoint, &credentials, Signing::V1Get, stamp).unwrap();
        let answer = get_page(&request.as_http().uri().to_string()).await.json();
        last = answer["Code"].as_str().unwrap().to_owned();
    }
    last
}

#[tokio::test]
async fn refuses_a_key_that_looks_real_with_a_hint() {
    let emulator = emulator().await;
    let shop = client(&emulator, by("LTAI5tMadeUpForThisTest", "madeup"));
    let error = shop.init_face_verify(&init("a", "999999199001012003", RETURN_URL)).await.unwrap_err();
    assert_eq!(error.gateway_code(), Some(&GatewayCode::AccessKeyNotFound));
    let entry = &admin(&emulator, "GET", "/journal", None).await.json()["entries"][0];
    assert!(entry["hint"].as_str().unwrap().contains("real account"), "{entry}");
    assert!(entry["hint_zh"].as_str().unwrap().contains("真实账号"), "{entry}");
    let error = Emulator::builder().key("LTAI5tMadeUpForThisTest", "s").start().await.unwrap_err();
    assert!(error.to_string().contains("LTAI"), "{error}");
}

/// The explanation of the latest entry.
async fn why(emulator: &Emulator) -> (Value, Value) {
    let entry = admin(emulator, "GET", "/journal", None).await.json()["entries"][0].clone();
    assert_eq!(entry["refused"], true, "{entry}");
    let path = format!("/journal/{}/explain", entry["number"]);
    let told = admin(emulator, "GET", &path, None).await;
    assert_eq!(told.status, 200, "{}", told.text);
    let told = told.json();
    assert!(told["hint_zh"].as_str().unwrap().chars().any(|char| char >= '\u{4e00}'), "{told}");
    (entry, told)
}

#[tokio::test]
async fn explains_a_refused_signature_without_personal_data() {
    let emulator = start(Emulator::builder().key("other", "othersecret")).await;
    let op = init("a", "999999199001012003", RETURN_URL);
    for signing in [Signing::V1, Signing::V3] {
        let wrong =
            Client::builder(ReqwestTransport::new().unwrap(), by(Emulator::ACCESS_KEY_ID, "othersecret"))
                .endpoint(emulator.url().parse().unwrap())
                .signing(signing)
                .build();
        wrong.init_face_verify(&op).await.unwrap_err();
        let (entry, told) = why(&emulator).await;
        assert_eq!(told["hint"], "signed with the secret of other", "{told}");
        assert_eq!(told["candidate"], Value::Null);
        assert_eq!(entry["hint"], Value::Null, "explanations are computed only on request");
        let server = told["server"].as_str().unwrap();
        assert!(server.contains("InitFaceVerify") || server.contains("x-acs-action"), "{server}");
        for secret in ["张三", "%E5%BC%A0", "%25E5%25BC%25A0", "999999199001012003"] {
            assert!(!told.to_string().contains(secret) && !entry.to_string().contains(secret), "{told}");
        }
    }
}

#[tokio::test]
async fn compares_the_clients_string_to_sign_with_the_servers() {
    let emulator = emulator().await;
    let url = format!(
        "{}/?Action=DescribeFaceVerify&AccessKeyId=EMUtestid&Signature=x&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
         &SignatureNonce=1&Timestamp={}&Format=JSON&SceneId=7",
        emulator.url(),
        emulator.clock().now()
    );
    let refused = get_page(&url).await.json();
    let server = refused["Message"].as_str().unwrap().split("to sign is:").nth(1).unwrap().to_owned();
    let (entry, told) = why(&emulator).await;
    assert!(told["hint"].as_str().unwrap().contains("no common mistake"), "{told}");
    let path = format!("/journal/{}/explain", entry["number"]);
    let given = |text: String| Some(json!({ "string_to_sign": text }));
    let compare =
        admin(&emulator, "POST", &path, given(server.replace("SceneId%3D7", "SceneId%3D8"))).await.json();
    assert_eq!(compare["in"], "SceneId", "{compare}");
    assert_eq!(compare["first_difference"], server.find("SceneId%3D7").unwrap() + 10);
    let same = admin(&emulator, "POST", &path, given(server)).await.json();
    assert!(same["hint"].as_str().unwrap().contains("the secret differs"), "{same}");
    assert_eq!(admin(&emulator, "GET", "/journal/999/explain", None).await.status, 404);
}

/// Parameters are sorted by their names, not by the encoded names, in which `%` is before every letter.
#[tokio::test]
async fn accepts_the_signature_of_a_name_with_reserved_characters() {
    let emulator = emulator().await;
    for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
        let keys = by(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET);
        let client = Client::builder(ReqwestTransport::new().unwrap(), keys)
            .endpoint(emulator.url().parse().unwrap())
            .signing(signing)
            .build();
        let op = RawOperation::new("DescribeFaceVerify", Effect::Read).unwrap();
        let op = op.param(ParamLocation::Query, "SceneId", "7").param(ParamLocation::Query, "é!", "x");
        let error = client.call(&op).await.unwrap_err().to_string();
        assert!(error.contains("code 400 (a parameter is missing)"), "{signing:?}: {error}");
    }
}

#[tokio::test]
async fn accepts_an_unsigned_content_type_only_on_an_empty_body() {
    let emulator = emulator().await;
    let op = DescribeFaceVerify::new(scene(), CertifyId::new("sha1").unwrap());
    let code = async |nonce: u8, body: &'static str| {
        let stamp = Stamp::new(std::time::SystemTime::now().into(), Nonce::from_entropy([nonce; 16]));
        let credentials = by(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET);
        let request =
            prepare(&op, &emulator.url().parse().unwrap(), &credentials, Signing::V3, stamp).unwrap();
        let (parts, _) = request.into_http().into_parts();
        let signed = parts.headers["authorization"].to_str().unwrap();
        assert!(!signed.contains("content-type"), "{signed}");
        let got = send(|http| {
            let request = http.post(parts.uri.to_string()).headers(parts.headers.clone());
            request.header("content-type", "application/octet-stream").body(body)
        });
        got.await.json()["Code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(1, "").await, "406", "the signature is accepted, the session is unknown");
    assert_eq!(code(2, "x").await, "IncompleteSignature");
}

#[tokio::test]
async fn accepts_a_timestamp_with_a_fraction_of_a_second() {
    let emulator = start(Emulator::builder().clock(frozen())).await;
    let code = async |timestamp: &str| {
        let url = format!(
            "{}/?Action=X&AccessKeyId=EMUtestid&Signature=x&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
             &SignatureNonce=1&Timestamp={timestamp}&Format=JSON",
            emulator.url()
        );
        get_page(&url).await.json()["Code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code("2026-01-02T03:04:05.123456789Z").await, "SignatureDoesNotMatch");
    assert_eq!(code("2026-01-02T03:04:05.Z").await, "InvalidTimeStamp.Format");
}
