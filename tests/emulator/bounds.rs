//! Limits on input: bodies, heads, parameters, texts; and cross-origin requests.

use cloudauth::{Effect, ParamLocation, RawOperation};
use cloudauth_emulator::{Emulator, Fault, FaultKind};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

const FORM: &str = "application/x-www-form-urlencoded";

/// Parameters of a call with a wrong signature.
fn unsigned(emulator: &Emulator) -> String {
    format!(
        "Action=X&AccessKeyId=EMUtestid&Signature=x&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&SignatureNonce=1\
         &Format=JSON&Timestamp={}",
        emulator.clock().now()
    )
}

async fn post_call(emulator: &Emulator, body: String) -> Got {
    send(|http| http.post(emulator.url()).header("content-type", FORM).body(body)).await
}

/// Sends raw bytes, and reads until the emulator closes the connection.
async fn exchange(emulator: &Emulator, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    // The emulator may answer before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn refuses_a_call_with_a_body_over_the_limit() {
    let emulator = emulator().await;
    let head = |length: &str| {
        format!("POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: {FORM}\r\n{length}\r\n\r\n", emulator.address())
    };
    let announced = head("Content-Length: 4194305");
    // The body ends with the byte that exceeds the limit: no byte stays unread.
    let chunked = head("Transfer-Encoding: chunked") + "400001\r\n" + &"a".repeat((4 << 20) + 1);
    for request in [announced, chunked] {
        let answer = exchange(&emulator, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("RequestEntityTooLarge"), "{answer}");
    }
    assert_eq!(
        post_call(&emulator, "a".repeat(4 << 20)).await.status,
        400,
        "the body is read, but it has no action"
    );
}

#[tokio::test]
async fn refuses_a_call_with_too_many_parameters() {
    let emulator = emulator().await;
    let got = post_call(&emulator, "a&".repeat(1001)).await;
    assert_eq!((got.status, got.json()["Code"].clone()), (400, json!("InvalidParameter")));
    let got = post_call(&emulator, unsigned(&emulator) + &"&a".repeat(990)).await;
    assert_eq!(got.json()["Code"], "SignatureDoesNotMatch");
}

#[tokio::test]
async fn refuses_a_call_with_more_than_a_hundred_signed_headers() {
    let emulator = emulator().await;
    let code = async |headers: usize| {
        let signed = ["host", "x-acs-action", "x-acs-date", "x-acs-signature-nonce"].map(str::to_owned);
        let filling = (0..).map(|at| format!("x-filling-{at}"));
        let signed: Vec<_> = signed.into_iter().chain(filling).take(headers).collect();
        let signed = signed.join(";");
        let got = send(|http| {
            http.post(emulator.url())
                .header("x-acs-action", "X")
                .header("x-acs-date", emulator.clock().now().to_string())
                .header("x-acs-signature-nonce", "1")
                .header(
                    "authorization",
                    format!("ACS3-HMAC-SHA256 Credential=EMUtestid,SignedHeaders={signed},Signature=x"),
                )
        });
        got.await.json()["Code"].clone()
    };
    assert_eq!(code(100).await, "SignatureDoesNotMatch");
    assert_eq!(code(101).await, "IncompleteSignature");
}

#[tokio::test]
async fn refuses_a_text_over_eight_kib_in_calls_and_admin_requests() {
    let emulator = emulator().await;
    let shop = shop(&emulator).with(once);
    let bound = 8 << 10;
    for (name, field) in [
        ("ReturnUrl", "return_url"),
        ("CallbackToken", "callback_token"),
        ("CallbackUrl", "callback_url"),
        ("SceneId", "scene_id"),
    ] {
        let init = async |length: usize| {
            let fields = [
                ("SceneId", "1"),
                ("OuterOrderNo", "a"),
                ("ProductCode", "ID_PRO"),
                ("CertType", "IDENTITY_CARD"),
                ("CertName", "张三"),
                ("CertNo", "999999199001012003"),
                ("ReturnUrl", RETURN_URL),
                ("MetaInfo", "{}"),
            ];
            let long = "a".repeat(length);
            let mut call = RawOperation::new("InitFaceVerify", Effect::Write).unwrap();
            for (other, value) in fields.into_iter().filter(|(other, _)| *other != name) {
                call = call.param(ParamLocation::Body, other, value);
            }
            // A text within the limit may still be refused for another reason.
            let _ = shop.call(&call.param(ParamLocation::Body, name, &long)).await;
            admin(&emulator, "GET", "/journal", None).await.text
        };
        let begin = async |length: usize| {
            admin(&emulator, "POST", "/sessions", Some(json!({ field: "a".repeat(length) }))).await.text
        };
        let words = format!("{name} is longer than 8 KiB");
        assert!(!init(bound).await.contains(&words), "{name}");
        assert!(init(bound + 1).await.contains(&words), "{name}");
        assert!(begin(bound + 1).await.contains("a text is longer than 8 KiB"), "{field}");
        assert!(!begin(bound).await.contains("8 KiB"), "{field}");
    }
}

#[tokio::test]
async fn cuts_a_long_string_to_sign_in_the_error_message() {
    let emulator = emulator().await;
    let got = post_call(&emulator, format!("{}&b={}", unsigned(&emulator), "\0".repeat(1 << 20))).await;
    assert_eq!(got.json()["Code"], "SignatureDoesNotMatch");
    assert!(got.text.len() < 80 << 10, "{} bytes", got.text.len());
}

#[tokio::test]
async fn keeps_only_the_latest_small_refused_requests() {
    let emulator = emulator().await;
    let explained =
        async |number: u64| admin(&emulator, "GET", &format!("/journal/{number}/explain"), None).await.status;
    post_call(&emulator, format!("{}&b={}", unsigned(&emulator), "b".repeat(64 << 10))).await;
    for _ in 0..33 {
        post_call(&emulator, unsigned(&emulator)).await;
    }
    assert_eq!([explained(1).await, explained(2).await], [410, 410], "one is too large, the other too old");
    assert_eq!([explained(3).await, explained(34).await, explained(35).await], [200, 200, 404]);
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_call_the_api() {
    let emulator = emulator().await;
    let from = async |origin: String| {
        let body = unsigned(&emulator);
        let request =
            |http: &reqwest::Client| http.post(emulator.url()).header("content-type", FORM).body(body);
        send(|http| request(http).header("origin", origin)).await.status
    };
    assert_eq!(from("http://evil.example".into()).await, 403);
    assert_eq!(from("null".into()).await, 403);
    assert_eq!(from(emulator.url().to_owned()).await, 400);
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let fault = Fault::new(FaultKind::CloseUnread).times(1);
    let emulator = start(Emulator::builder().fault(fault)).await;
    let state = || {
        let state: Value = serde_json::from_str(&emulator.snapshot()).unwrap();
        (state["made"].clone(), state["faults"].clone())
    };
    let before = state();
    let got = send(|http| http.post(emulator.url()).header("origin", "http://evil.example")).await;
    assert_eq!((got.status, got.json()["Code"].clone()), (403, json!("Forbidden.Origin")));
    assert_eq!(state(), before, "no fault and no id is used");
    let journal = admin(&emulator, "GET", "/journal", None).await.json();
    assert_eq!(journal["entries"].as_array().unwrap().len(), 0, "{journal}");
}

#[tokio::test]
async fn refuses_a_large_content_length_with_json() {
    let emulator = emulator().await;
    let mib = |count: u64| count << 20;
    for (method, path, limit) in
        [("POST", "/", mib(4)), ("POST", "/_emu/v1/faults", mib(1)), ("PUT", "/_emu/v1/snapshot", mib(512))]
    {
        let head = |length: u64| {
            format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: \
                 {length}\r\nExpect: 100-continue\r\n\r\n",
                emulator.address()
            )
        };
        // A body of the limit is asked for.
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        stream.write_all(head(limit).as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer), Ok("HTTP/1.1 100"), "{path}");
        for length in [limit + 1, 1_000_000_000_000] {
            let answer = exchange(&emulator, head(length).as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("larger than"), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn refuses_a_head_over_the_limit() {
    let emulator = emulator().await;
    // No byte beyond the limit: an unread byte could reset the connection before the answer is read.
    let mut head = "POST / HTTP/1.1\r\nHost: x\r\nA: ".to_owned();
    head.push_str(&"a".repeat((128 << 10) - head.len()));
    let answer = exchange(&emulator, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}
