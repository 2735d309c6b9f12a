//! Memory use of 100,000 calls, 256 of them concurrent, and the uniqueness of 10 million nonces.

use std::time::Instant;

use cloudauth::{
    CertifyId, Client, Credentials, DescribeFaceVerify, Nonce, Outcome, ReqwestTransport, SceneId,
};

use crate::resources::resident;
use crate::stand_in::StandIn;

const AT_ONCE: usize = 256;

pub(crate) async fn soak(calls: usize) {
    let server = StandIn::start();
    let by = Credentials::new("testid", "testsecret").unwrap();
    let client =
        Client::builder(ReqwestTransport::new().unwrap(), by).endpoint(server.url.parse().unwrap()).build();
    let begun = Instant::now();
    // The first two fifths warm up: connections, buffers, the allocator.
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
    let (warm, last) = (memory.get(1).unwrap(), memory.last().unwrap());
    println!(
        "{made} calls, {AT_ONCE} concurrent, no error, in {:?}; KiB resident after each fifth: {memory:?}",
        begun.elapsed()
    );
    assert!(*last <= warm + warm / 10 + 1024, "the memory grows");
}

/// As the client makes them: 16 bytes of the system's randomness each.
pub(crate) fn never_twice(count: usize) {
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
