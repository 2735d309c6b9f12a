//! The emulator's HTTP: the API with signed and unsigned calls, the end user's page, the admin API, and bytes that are not HTTP.

use std::time::Duration;

use cloudauth_emulator::{Clock, Emulator};
use cloudauth_protocol::{
    Credentials, Effect, Nonce, ParamLocation, RawOperation, Signing, Stamp, UnixTime, prepare,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::reach::reached;

const NOW: UnixTime = UnixTime::from_secs(1_767_323_045);

/// The most requests of one input.
const REQUESTS: usize = 8;

/// A request with a longer body may be refused before it is read, and then its answer may be lost.
const ANSWERED: usize = 256 << 10;

/// What shows that a seed reached the code it is for: the begin of a request's line, the status, and a part of the answer.
#[rustfmt::skip]
const PLACES: &[(&str, u16, &str, &str)] = &[
    ("CALL InitFaceVerify", 200, r#""CertifyId":""#, "a session of a call"),
    ("CALL DescribeFaceVerify V3", 200, r#""SubCode":"204""#, "a result"),
    ("CALL DescribeFaceVerify GET", 200, r#""Code":""#, "a call by GET"),
    ("CALL DeleteFaceVerifyResult", 200, r#""Code":"200""#, "a deleted result"),
    ("POST /_emu/v1/sessions", 201, r#""certify_id":""#, "a session of the admin API"),
    ("GET /h5/", 200, "<html", "the page of a session"),
    ("POST /s/", 303, "https://shop.example/verified", "the way back from the page"),
    ("POST /_emu/v1/callbacks/check", 200, "genuine", "a genuine callback"),
    ("GET /_emu/v1/journal/1/explain", 200, r#""hint":"#, "an explained signature"),
    ("POST /_emu/v1/faults", 201, "", "a fault"),
    ("PATCH /_emu/v1/clock", 200, "now", "a moved clock"),
    ("PUT /_emu/v1/snapshot", 204, "", "a snapshot"),
    ("RAW", 400, "", "bytes that are not HTTP"),
    ("RAW", 408, "", "a body that does not end"),
];

/// Blocks with an empty line between them. The first line of a block is `CALL Action` (signed; lines of `name=value` follow),
/// `METHOD /path` (a body follows) or `RAW` (bytes follow). `$ID` is the CertifyId of the last session, and `$LINK` the end of its
/// link.
pub(super) fn http(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let emulator = Emulator::builder().clock(Clock::frozen(NOW)).start().await.unwrap();
        // Nothing is sent to an address that the fuzzer makes up.
        let hold = send(&emulator, &request("PATCH", "/_emu/v1/callbacks", br#"{"hold":true}"#)).await;
        assert!(hold.is_some_and(|answer| answer.contains(r#""hold":true"#)), "callbacks are not held");
        let (id, link) = (String::new(), String::new());
        let mut run = Run { emulator, id, link, is_faulty: false, is_simulated: false };
        for (number, block) in blocks(data).take(REQUESTS).enumerate() {
            run.block(number, block).await;
        }
        run.simulate(false);
        let journal = send(&run.emulator, &request("GET", "/_emu/v1/journal", b"")).await;
        let journal = journal.expect("the journal is answered");
        assert!(!journal.contains("99999919") && !journal.contains("张三"), "the journal shows a person");
    });
}

/// What is known between the requests.
struct Run {
    emulator: Emulator,
    id: String,
    link: String,
    /// Whether an answer may be any: the input adds a fault, or a snapshot with faults.
    is_faulty: bool,
    /// Whether the runtime's time jumps to the end of each wait.
    is_simulated: bool,
}

impl Run {
    async fn block(&mut self, number: usize, block: &[u8]) {
        let (line, body) = split(block, b"\n");
        let line = self.filled(&String::from_utf8_lossy(line));
        let body = match std::str::from_utf8(body) {
            Ok(text) => self.filled(text).into_bytes(),
            Err(_) => body.to_vec(),
        };
        let is_raw = line == "RAW";
        let signed =
            line.strip_prefix("CALL ").and_then(|action| Signed::new(&self.emulator, action, &body, number));
        let bytes = match (&signed, line.split_once(' ')) {
            (Some(signed), _) => signed.bytes.clone(),
            (None, Some((method, path))) if may_send(method, path, &body) => request(method, path, &body),
            _ if is_raw => body,
            _ => return,
        };
        let must_answer = !is_raw && !self.is_faulty && bytes.len() < ANSWERED;
        // On a busy machine, a wait for the network may look idle, and simulated time would jump over its answer.
        self.simulate(!must_answer);
        let answer = send(&self.emulator, &bytes).await;
        let Some(answer) = answer.filter(|answer| !answer.is_empty()) else {
            assert!(!must_answer, "no answer");
            return;
        };
        let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
        let status = status.expect("the status of HTTP");
        assert!(answer.len() < 9 << 20, "an answer of {} bytes", answer.len());
        assert!(self.is_faulty || status < 500, "status {status} without a fault");
        if let Some(signed) = signed.filter(|_| !self.is_faulty) {
            signed.check(status, &answer);
        }
        let is_there = |(begin, expected, part, _): &&(&str, u16, &str, &str)| {
            line.starts_with(begin) && status == *expected && answer.contains(part)
        };
        PLACES.iter().filter(is_there).for_each(|(.., place)| reached(place));
        let has_faults = line.contains("/_emu/v1/faults") || line.contains("/_emu/v1/snapshot");
        self.is_faulty |= has_faults && !line.starts_with("GET ") && status < 300;
        let found =
            |names: [&str; 2]| names.into_iter().find_map(|name| value(&answer, name)).map(str::to_owned);
        if let Some(id) = found(["CertifyId", "certify_id"]) {
            self.id = id;
        }
        if let Some(link) = found(["CertifyUrl", "link"]) {
            self.link = link.rsplit('/').next().unwrap_or_default().to_owned();
        }
    }

    fn simulate(&mut self, is_simulated: bool) {
        match (self.is_simulated, is_simulated) {
            (false, true) => tokio::time::pause(),
            (true, false) => tokio::time::resume(),
            _ => {}
        }
        self.is_simulated = is_simulated;
    }

    fn filled(&self, text: &str) -> String {
        text.replace("$ID", &self.id).replace("$LINK", &self.link)
    }
}

/// The text of a member of a JSON document.
fn value<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = answer.split_once(&format!(r#""{name}":""#))?;
    rest.split('"').next()
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
fn may_send(method: &str, path: &str, body: &[u8]) -> bool {
    let is_token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    // Without a slash or an escape, a snapshot has no address.
    let has_address = body.windows(2).any(|pair| pair == b"//") || body.contains(&b'\\');
    let sends = match (method, path) {
        ("POST", "/_emu/v1/callbacks/check") => false,
        ("PUT", "/_emu/v1/snapshot") => has_address,
        ("GET", _) => path.contains("events"),
        _ => ["callbacks", "snapshot", "reset", "events"].iter().any(|name| path.contains(name)),
    };
    is_token && method != "CALL" && is_path && !path.contains('%') && !sends
}

/// A request with a right signature.
struct Signed {
    bytes: Vec<u8>,
    action: String,
    /// Whether the gateway may refuse it for another reason than its signature.
    is_odd: bool,
}

impl Signed {
    fn new(emulator: &Emulator, action: &str, body: &[u8], number: usize) -> Option<Self> {
        let (action, how) = match action.split_once(' ') {
            Some((action, "V3")) => (action, Signing::V3),
            Some((action, _)) => (action, Signing::V1Get),
            None => (action, Signing::V1),
        };
        let mut op = RawOperation::new(action, Effect::Read).ok()?;
        let text = String::from_utf8_lossy(body);
        let mut names = Vec::new();
        for line in text.lines() {
            let (name, value) = line.split_once('=')?;
            op = op.param(ParamLocation::Query, name, value);
            names.push(name);
        }
        let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).ok()?;
        let stamp = Stamp::new(emulator.clock().now(), Nonce::from_entropy([u8::try_from(number).ok()?; 16]));
        let signed = prepare(&op, &emulator.url().parse().ok()?, &by, how, stamp).ok()?.into_http();
        let mut head = format!(
            "{} {} HTTP/1.1\r\nConnection: close\r\n",
            signed.method(),
            signed.uri().path_and_query()?
        );
        for (name, value) in signed.headers().iter().filter(|(name, _)| *name != "host") {
            head += &format!("{name}: {}\r\n", value.to_str().ok()?);
        }
        let body = signed.body().as_bytes();
        head += &format!("host: {}\r\ncontent-length: {}\r\n\r\n", emulator.address(), body.len());
        // More parameters and bytes than a call may have, a token that the key does not have, a clock that runs, and one after the
        // year 9999, which no timestamp has.
        let is_odd = names.len() > 950
            || head.len() > 60_000
            || body.len() > 4 << 20
            || names.contains(&"SecurityToken")
            || emulator.clock().rate() > 0.0
            || emulator.clock().now().as_secs() > 253_402_300_799;
        Some(Self { bytes: [head.as_bytes(), body].concat(), action: action.to_owned(), is_odd })
    }

    /// The gateway lets the call pass: it refuses an unknown action, and nothing else.
    fn check(&self, status: u16, answer: &str) {
        let code = value(answer, "Code").unwrap_or_default();
        assert!(code != "SignatureDoesNotMatch", "a right signature is refused");
        let is_known =
            ["InitFaceVerify", "DescribeFaceVerify", "DeleteFaceVerifyResult"].contains(&&*self.action);
        match (status, code) {
            _ if self.is_odd => {}
            (200, _) if is_known => {}
            (404, "InvalidAction.NotFound") if !is_known => reached("an unknown action"),
            _ => panic!("status {status} for a call with a right signature, {} bytes of code", code.len()),
        }
    }
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

/// Sends the bytes and reads to the end. `None` if no answer comes.
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
