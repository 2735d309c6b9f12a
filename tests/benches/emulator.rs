//! How fast the emulator starts, answers, is reset and travels in time; client and emulator share the machine.
//!
//! `cargo bench -p cloudauth-tests --bench emulator`; with `-- --test`, a hundredth of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may panic")]

use std::time::{Duration, Instant};

use cloudauth::{
    CertName, CertNo, Client, Credentials, DescribeFaceVerify, Identity, InitFaceVerify, MetaInfo, Outcome,
    OuterOrderNo, ReqwestTransport, ReturnUrl, SceneId,
};
use cloudauth_emulator::{Clock, Emulator};

const AT_ONCE: usize = 32;

#[tokio::main]
async fn main() {
    let smoke = std::env::args().any(|arg| arg == "--test");
    let (starts, pairs) = if smoke { (10, 320) } else { (200, 64_000) };
    started(starts).await;
    answered(pairs).await;
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
    println!(
        "start: {:?} (median of {times}), the slowest {:?}",
        took.get(times / 2).unwrap(),
        took.last().unwrap()
    );
}

/// Init and Describe, each a signed call over HTTP.
async fn answered(pairs: usize) {
    let emulator = Emulator::builder().calls_per_second(None).start().await.unwrap();
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    let client = Client::builder(ReqwestTransport::new().unwrap(), by)
        .endpoint(emulator.url().parse().unwrap())
        .build();
    let scene = SceneId::new(1_000_000_006).unwrap();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for at in 0..pairs / AT_ONCE {
                    let op = InitFaceVerify::new(
                        scene,
                        OuterOrderNo::new(&format!("order{task}x{at}")).unwrap(),
                        Identity::plain(
                            CertName::new("张三").unwrap(),
                            CertNo::new("999999199001012003").unwrap(),
                        ),
                        ReturnUrl::new("https://shop.example/back").unwrap(),
                        MetaInfo::new(r#"{"zimVer":"3.0.0"}"#).unwrap(),
                    );
                    let id = client.init_face_verify(&op).await.unwrap().output.certify_id;
                    let asked =
                        client.describe_face_verify(&DescribeFaceVerify::new(scene, id)).await.unwrap();
                    assert_eq!(asked.output.outcome(), Outcome::Pending);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let took = begun.elapsed();
    println!(
        "{pairs} pairs of Init and Describe, {AT_ONCE} concurrent: {:.0} a second",
        pairs as f64 / took.as_secs_f64()
    );
    let begun = Instant::now();
    emulator.reset();
    println!("reset, with {pairs} verifications: {:?}", begun.elapsed());
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
