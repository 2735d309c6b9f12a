//! Captured requests of the vendor's SDKs, sent byte for byte to an emulator whose clock shows the time of the signature. The
//! emulator must accept all of them.

#![cfg(test)]

use std::time::Duration;

use cloudauth::UnixTime;
use cloudauth_emulator::{Clock, Emulator};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The time of the first signature: 2026-11-23T19:38:42Z.
const SIGNED: UnixTime = UnixTime::from_secs(1_795_462_722);

fn captures() -> Vec<Value> {
    include_str!("wire/captures.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn emulator(clock: Clock) -> Emulator {
    Emulator::builder().clock(clock).key("testid", "testsecret").start().await.unwrap()
}

/// Sends a captured request unchanged, and returns the body of the response.
async fn replay(emulator: &Emulator, capture: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut request = format!("{} {} HTTP/1.1\r\n", text(&capture["method"]), text(&capture["path"]));
    // The recording server did not read chunked bodies. The signed hash of the one such request is that of this text, which
    // the Python SDK sends for the same call.
    let unread = capture["body"] == ""
        && capture.to_string().contains("b561232652e63af74f47982f872bde87585b3265248c7d9515d83e6be0a1d6e0");
    let body = if unread { "Model=LIVENESS".to_owned() } else { text(&capture["body"]) };
    for header in capture["headers"].as_array().unwrap() {
        let (name, value) = (text(&header[0]), text(&header[1]));
        let framing = ["connection", "content-length", "transfer-encoding"];
        if !framing.contains(&name.to_lowercase().as_str()) {
            request += &format!("{name}: {value}\r\n");
        }
    }
    request += &format!("Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    send(emulator, &request).await
}

/// Sends the bytes of a request, and returns what comes back. The request closes the connection, or its sender does.
async fn send(emulator: &Emulator, request: &str) -> String {
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Returns a signed call without a body, framed as the vendor's Java SDK does by its source (tea-java, OkHttp 4.12): the length of a
/// missing body is unknown to it, so it sends an empty body in chunks.
fn as_java(capture: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut request = format!("{} {} HTTP/1.1\r\n", text(&capture["method"]), text(&capture["path"]));
    for header in capture["headers"].as_array().unwrap().iter().rev() {
        let (name, value) = (text(&header[0]), text(&header[1]));
        if !["accept-encoding", "content-length"].contains(&name.to_lowercase().as_str()) {
            request += &format!("{name}: {value}\r\n");
        }
    }
    request + "Transfer-Encoding: chunked\r\nConnection: Keep-Alive\r\nAccept-Encoding: gzip\r\n\r\n0\r\n\r\n"
}

/// Returns whether a request was signed with the temporary key of the captures.
fn is_temporary(capture: &Value) -> bool {
    capture.to_string().to_lowercase().contains("security-token")
        || capture.to_string().contains("SecurityToken=")
}

#[tokio::test]
async fn accepts_the_signatures_of_the_vendors_sdks() {
    let plain = emulator(Clock::frozen(SIGNED)).await;
    let temporary = Emulator::builder()
        .clock(Clock::frozen(SIGNED))
        .temporary_key("testid", "testsecret", "STS-TOKEN/+=")
        .start()
        .await
        .unwrap();
    let all = captures();
    assert_eq!(all.len(), 20);
    for capture in &all {
        let emulator = if is_temporary(capture) { &temporary } else { &plain };
        let answer = replay(emulator, capture).await;
        // The product refuses the masked identity or the unknown session, after the check of the signature.
        let refused = answer.contains(r#""Code":"401""#) || answer.contains(r#""Code":"406""#);
        assert!(answer.starts_with("HTTP/1.1 200") && refused, "{capture}\n{answer}");
    }
}

#[tokio::test]
async fn accepts_an_empty_body_in_chunks_as_the_java_sdk_sends_it() {
    let emulator = emulator(Clock::frozen(SIGNED)).await;
    let all = captures();
    let without_body = |capture: &&Value| {
        capture["body"] == "" && capture.to_string().contains("DescribeFaceVerify") && !is_temporary(capture)
    };
    let mut tried = 0;
    for capture in all.iter().filter(without_body).filter(|capture| capture["method"] == "POST") {
        let answer = send(&emulator, &as_java(capture)).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""Code":"406""#), "{answer}");
        tried += 1;
    }
    assert!(tried >= 2, "{tried}");
}

#[tokio::test]
async fn rejects_any_other_secret() {
    let emulator =
        Emulator::builder().clock(Clock::frozen(SIGNED)).key("testid", "othersecret").start().await.unwrap();
    for capture in captures().iter().filter(|capture| !is_temporary(capture)) {
        let answer = replay(&emulator, capture).await;
        assert!(answer.contains(r#""Code":"SignatureDoesNotMatch""#), "{capture}\n{answer}");
    }
}

#[tokio::test]
async fn accepts_a_request_once_and_for_fifteen_minutes() {
    let clock = Clock::frozen(SIGNED);
    let emulator = emulator(clock.clone()).await;
    let all = captures();
    assert!(replay(&emulator, &all[0]).await.contains(r#""Code":"401""#));
    assert!(replay(&emulator, &all[0]).await.contains(r#""Code":"SignatureNonceUsed""#));
    clock.advance(Duration::from_secs(16 * 60));
    for capture in all.iter().filter(|capture| !is_temporary(capture)) {
        assert!(
            replay(&emulator, capture).await.contains(r#""Code":"InvalidTimeStamp.Expired""#),
            "{capture}"
        );
    }
}

/// Returns a capture with every occurrence of a text replaced.
fn changed(capture: &Value, from: &str, to: &str) -> Value {
    let text = capture.to_string();
    assert!(text.contains(from), "{from} is not in {text}");
    serde_json::from_str(&text.replace(from, to)).unwrap()
}

#[tokio::test]
async fn detects_every_change_in_transit() {
    let emulator = emulator(Clock::frozen(SIGNED)).await;
    let all = captures();
    let plain = || all.iter().filter(|capture| !is_temporary(capture));
    let (mut parameters, mut bodies) = (0, 0);
    for capture in plain() {
        let texts = capture.to_string();
        let parameter = if texts.contains("1000000006") { ("1000000006", "1000000007") } else { continue };
        let answer = replay(&emulator, &changed(capture, parameter.0, parameter.1)).await;
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains(r#""Code":"SignatureDoesNotMatch""#),
            "{answer}"
        );
        assert!(
            answer.contains(r#""HostId":"127.0.0.1"#)
                && answer.contains(r#""Recommend":"https://api.aliyun.com/"#)
        );
        parameters += 1;
        if capture["body"] == "Model=LIVENESS" {
            let answer = replay(&emulator, &changed(capture, "Model=LIVENESS", "Model=LIVENESX")).await;
            assert!(answer.contains(r#""Code":"SignatureDoesNotMatch""#), "{answer}");
            bodies += 1;
        }
    }
    assert!(parameters >= 12 && bodies >= 3, "{parameters} parameters, {bodies} bodies");
}

#[tokio::test]
async fn a_header_that_is_not_signed_under_v3_is_refused() {
    let emulator = emulator(Clock::frozen(SIGNED)).await;
    let all = captures();
    let v3 = |capture: &&Value| capture.to_string().contains("ACS3-HMAC-SHA256") && !is_temporary(capture);
    let mut tried = 0;
    for capture in all.iter().filter(v3) {
        let mut added = capture.clone();
        added["headers"].as_array_mut().unwrap().push(serde_json::json!(["x-acs-foo", "bar"]));
        let answer = replay(&emulator, &added).await;
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains(r#""Code":"IncompleteSignature""#),
            "{answer}"
        );
        tried += 1;
    }
    assert!(tried >= 5, "{tried}");
}
