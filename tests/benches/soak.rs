//! Memory use of 100,000 calls, 256 of them concurrent, and the uniqueness of 10 million nonces.
//!
//! `cargo bench -p cloudauth-tests --bench soak`; with `-- --test`, a hundredth of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may panic")]

#[path = "stand_in.rs"]
mod stand_in;

use std::time::Instant;

use cloudauth::{
    CertifyId, Client, Credentials, DescribeFaceVerify, Nonce, Outcome, ReqwestTransport, SceneId,
};
use stand_in::StandIn;

const AT_ONCE: usize = 256;

fn main() {
    stand_in::serve_if_told();
    let smoke = std::env::args().any(|arg| arg == "--test");
    let (calls, nonces) = if smoke { (2_560, 100_000) } else { (100_096, 10_000_000) };
    let server = StandIn::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(soak(&server.url, calls));
    never_twice(nonces);
}

async fn soak(url: &str, calls: usize) {
    let by = Credentials::new("testid", "testsecret").unwrap();
    let client = Client::builder(ReqwestTransport::new().unwrap(), by).endpoint(url.parse().unwrap()).build();
    let begun = Instant::now();
    // The first fifth warms up: connections, buffers, the allocator.
    let part = calls / AT_ONCE / 5;
    let mut memory = Vec::new();
    for _ in 0..5 {
        let tasks: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move {
                    for _ in 0..part {
                        let id = CertifyId::new("03a081bd96328aedf83f635f39a50c57").unwrap();
                        let op = DescribeFaceVerify::new(SceneId::new(1).unwrap(), id);
                        let answer = client.describe_face_verify(&op).await.unwrap();
                        assert_eq!(answer.output.outcome(), Outcome::Passed);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        memory.push(resident());
    }
    let made = part * AT_ONCE * 5;
    let (first, last) = (memory.first().unwrap(), memory.last().unwrap());
    println!(
        "{made} calls, {AT_ONCE} concurrent, no error, in {:?}; KiB resident after each fifth: {memory:?}",
        begun.elapsed()
    );
    assert!(*last <= first + first / 10 + 1024, "the memory grows");
}

/// KiB that this process has in memory. Linux only; elsewhere it is not looked at.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// As the client makes them: 16 bytes of the system's randomness each.
fn never_twice(count: usize) {
    let mut nonces: Vec<u128> = (0..count)
        .map(|_| {
            let mut entropy = [0; 16];
            getrandom::fill(&mut entropy).unwrap();
            u128::from_str_radix(Nonce::from_entropy(entropy).as_str(), 16).unwrap()
        })
        .collect();
    nonces.sort_unstable();
    let twice = nonces.windows(2).filter(|pair| pair.first() == pair.last()).count();
    println!("{count} nonces, {twice} of them twice");
    assert_eq!(twice, 0);
}
