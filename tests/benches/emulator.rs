//! How fast the emulator starts, answers, is reset and travels in time; client and emulator share the machine.
//!
//! `cargo xtask bench emulator`, or `cargo bench -p cloudauth-tests --bench emulator`: nanoseconds and numbers a second. With
//! `-- --test`, a hundredth of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may panic")]

use std::time::{Duration, Instant};

use cloudauth::{
    CertName, CertNo, Client, Credentials, DescribeFaceVerify, Identity, InitFaceVerify, MetaInfo, Nonce,
    Outcome, OuterOrderNo, ReqwestTransport, ReturnUrl, SceneId, Signing, Stamp, UnixTime, prepare,
};
use cloudauth_emulator::{Clock, Emulator};
use cpu_time::ProcessTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const AT_ONCE: usize = 32;

#[tokio::main]
async fn main() {
    let smoke = std::env::args().any(|arg| arg == "--test");
    let (starts, calls) = if smoke { (10, 320) } else { (200, 32_000) };
    started(starts).await;
    let emulator = Emulator::builder().calls_per_second(None).start().await.unwrap();
    answered(&emulator, calls).await;
    signed(&emulator, calls).await;
    let begun = Instant::now();
    emulator.reset();
    println!("figure reset {}", begun.elapsed().as_nanos());
    travelled().await;
}

async fn started(times: usize) {
    let mut took = Vec::new();
    for _ in 0..times {
        let begun = Instant::now();
        let emulator = Emulator::builder().start().await.unwrap();
        took.push(begun.elapsed());
        drop(emulator);
    }
    took.sort_unstable();
    println!("figure start {}", took.get(times / 2).unwrap().as_nanos());
}

/// Init and Describe, each a signed call over HTTP.
async fn answered(emulator: &Emulator, pairs: usize) {
    let client = Client::builder(ReqwestTransport::new().unwrap(), credentials())
        .endpoint(emulator.url().parse().unwrap())
        .build();
    let measured = Measured::start();
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for at in 0..pairs / AT_ONCE {
                    let op = init(&format!("order{task}x{at}"));
                    let id = client.init_face_verify(&op).await.unwrap().output.certify_id;
                    let asked =
                        client.describe_face_verify(&DescribeFaceVerify::new(scene(), id)).await.unwrap();
                    assert_eq!(asked.output.outcome(), Outcome::Pending);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    measured.print("pairs", "pair-cpu", pairs);
}

/// Init calls that are signed before the time starts, over connections without an HTTP client.
async fn signed(emulator: &Emulator, calls: usize) {
    let requests: Vec<Vec<Vec<u8>>> = (0..AT_ONCE)
        .map(|task| (0..calls / AT_ONCE).map(|at| request(emulator, &format!("signed{task}x{at}"))).collect())
        .collect();
    let address = emulator.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let measured = Measured::start();
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|requests| {
            let address = address.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = Vec::new();
                for request in requests {
                    stream.write_all(&request).await.unwrap();
                    assert!(answer(&mut stream, &mut buffer).await.contains("CertifyId"));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    measured.print("signed", "signed-cpu", calls);
}

/// The bytes of a signed Init.
fn request(emulator: &Emulator, order: &str) -> Vec<u8> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).unwrap();
    let stamp = Stamp::new(UnixTime::from(std::time::SystemTime::now()), Nonce::from_entropy(entropy));
    let endpoint = emulator.url().parse().unwrap();
    let request = prepare(&init(order), &endpoint, &credentials(), Signing::V1, stamp).unwrap();
    let (head, body) = request.into_http().into_parts();
    let mut bytes = format!("POST {} HTTP/1.1\r\nhost: localhost\r\n", head.uri.path()).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", body.as_bytes().len()).into_bytes());
    bytes.extend(body.as_bytes());
    bytes
}

/// Reads one answer.
async fn answer<'a>(stream: &mut TcpStream, buffer: &'a mut Vec<u8>) -> &'a str {
    buffer.clear();
    loop {
        assert_ne!(stream.read_buf(buffer).await.unwrap(), 0, "the connection ended");
        let text = std::str::from_utf8(buffer).unwrap_or_default();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            break;
        }
    }
    std::str::from_utf8(buffer).unwrap()
}

/// The time since the start, and the CPU time of this process.
struct Measured(Instant, ProcessTime);

impl Measured {
    fn start() -> Self {
        Self(Instant::now(), ProcessTime::now())
    }

    fn print(&self, rate: &str, cpu: &str, count: usize) {
        println!("figure {rate} {:.0}", count as f64 / self.0.elapsed().as_secs_f64());
        println!("figure {cpu} {:.0}", self.1.elapsed().as_secs_f64() * 1e9 / count as f64);
    }
}

fn credentials() -> Credentials {
    Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap()
}

fn scene() -> SceneId {
    SceneId::new(1_000_000_006).unwrap()
}

fn init(order: &str) -> InitFaceVerify {
    InitFaceVerify::new(
        scene(),
        OuterOrderNo::new(order).unwrap(),
        Identity::plain(CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap()),
        ReturnUrl::new("https://shop.example/back").unwrap(),
        MetaInfo::new(r#"{"zimVer":"3.0.0"}"#).unwrap(),
    )
}

async fn travelled() {
    let emulator =
        Emulator::builder().clock(Clock::frozen(std::time::SystemTime::now().into())).start().await.unwrap();
    for (what, by) in [("30 minutes", 30 * 60), ("24 hours", 24 * 3600), ("a year", 365 * 24 * 3600)] {
        let begun = Instant::now();
        emulator.advance(Duration::from_secs(by)).await;
        println!("{what} pass in {:?}", begun.elapsed());
    }
}
