//! The emulator's HTTP: the API with signed and unsigned calls, the end user's page, the admin API, and bytes that are not HTTP.

use std::time::Duration;

use cloudauth_emulator::{Clock, Emulator};
use cloudauth_protocol::{
    Credentials, Effect, Nonce, ParamLocation, RawOperation, Signing, Stamp, UnixTime, prepare,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const NOW: UnixTime = UnixTime::from_secs(1_767_323_045);

/// The most requests of one input.
const REQUESTS: usize = 6;

/// Blocks with an empty line between them. The first line of a block is `CALL Action` (signed; lines of `name=value` follow),
/// `METHOD /path` (a body follows) or `RAW` (bytes follow). `$ID` is the CertifyId of the last session.
pub(super) fn http(data: &[u8]) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let emulator = Emulator::builder().clock(Clock::frozen(NOW)).start().await.unwrap();
        // Nothing is sent to an address that the fuzzer makes up.
        send(&emulator, &request("PATCH", "/_emu/v1/callbacks", br#"{"hold":true}"#)).await;
        let mut id = String::new();
        for (number, block) in blocks(data).take(REQUESTS).enumerate() {
            let (line, body) = split(block, b"\n");
            let line = String::from_utf8_lossy(line).replace("$ID", &id);
            let bytes = match line.split_once(' ') {
                Some(("CALL", action)) => match call(&emulator, action, body, &id, number) {
                    Some(bytes) => bytes,
                    None => continue,
                },
                Some((method, path)) if may_send(method, path) => request(method, path, body),
                None if line == "RAW" => body.to_vec(),
                _ => continue,
            };
            let answer = send(&emulator, &bytes).await;
            if let Some(answer) = &answer {
                assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 "), "no HTTP");
                assert!(answer.len() < 9 << 20, "an answer of {} bytes", answer.len());
                if line.starts_with("CALL ") {
                    assert!(!answer.contains("SignatureDoesNotMatch"), "a right signature is refused");
                }
                id = certify_id(answer).unwrap_or(id);
            }
        }
        let journal = send(&emulator, &request("GET", "/_emu/v1/journal", b"")).await.unwrap_or_default();
        assert!(!journal.contains("99999919") && !journal.contains("张三"), "the journal shows a person");
    });
}

fn blocks(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let (block, after) = split(rest?, b"\n\n");
        rest = (!after.is_empty()).then_some(after);
        Some(block)
    })
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> (&'a [u8], &'a [u8]) {
    match bytes.windows(by.len()).position(|window| window == by) {
        Some(at) => (&bytes[..at], &bytes[at + by.len()..]),
        None => (bytes, &[]),
    }
}

/// False for requests after which the emulator could send callbacks, and for those that choose how long the answer takes.
fn may_send(method: &str, path: &str) -> bool {
    let is_token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    let sends = ["callbacks", "snapshot", "reset", "events"].iter().any(|name| path.contains(name));
    is_token && is_path && !path.contains('%') && (!sends || method == "GET" && !path.contains("events"))
}

fn call(emulator: &Emulator, action: &str, body: &[u8], id: &str, number: usize) -> Option<Vec<u8>> {
    let (action, how) = match action.split_once(' ') {
        Some((action, "V3")) => (action, Signing::V3),
        Some((action, _)) => (action, Signing::V1Get),
        None => (action, Signing::V1),
    };
    let mut op = RawOperation::new(action, Effect::Read).ok()?;
    for line in String::from_utf8_lossy(body).lines() {
        let (name, value) = line.split_once('=')?;
        op = op.param(ParamLocation::Query, name, &value.replace("$ID", id));
    }
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).ok()?;
    let stamp = Stamp::new(NOW, Nonce::from_entropy([u8::try_from(number).ok()?; 16]));
    let signed = prepare(&op, &emulator.url().parse().ok()?, &by, how, stamp).ok()?.into_http();
    let mut head =
        format!("{} {} HTTP/1.1\r\nConnection: close\r\n", signed.method(), signed.uri().path_and_query()?);
    for (name, value) in signed.headers().iter().filter(|(name, _)| *name != "host") {
        head += &format!("{name}: {}\r\n", value.to_str().ok()?);
    }
    let body = signed.body().as_bytes();
    head += &format!("host: {}\r\ncontent-length: {}\r\n\r\n", emulator.address(), body.len());
    Some([head.as_bytes(), body].concat())
}

fn request(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let kind = if body.trim_ascii_start().starts_with(b"{") { "json" } else { "x-www-form-urlencoded" };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/{kind}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Sends the bytes and reads to the end. `None` if no answer comes; the time is simulated.
async fn send(emulator: &Emulator, bytes: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(emulator.address()).await.ok()?;
    let (mut read, mut write) = stream.split();
    let mut answer = Vec::new();
    let both = async {
        // The emulator may answer and close before it has read everything.
        let _ = tokio::join!(
            async {
                let _ = write.write_all(bytes).await;
                if !bytes.starts_with(b"GET") && !bytes.starts_with(b"P") {
                    let _ = write.shutdown().await;
                }
            },
            read.read_to_end(&mut answer)
        );
    };
    let ended = tokio::time::timeout(Duration::from_secs(120), both).await.is_ok();
    ended.then(|| String::from_utf8_lossy(&answer).into_owned())
}

fn certify_id(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once(r#""CertifyId":""#)?;
    Some(rest.split('"').next()?.to_owned())
}
