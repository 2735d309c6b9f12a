//! What a call costs over the bare HTTP client that carries the same bytes: CPU time of this process, side by side.
//!
//! `cargo xtask bench cpu`, bound to one core, or `cargo bench -p cloudauth-tests --bench cpu`: the ratio of each batch to the one
//! beside it, and the median of those. With `-- --test`, a few calls of each, to see that it works. `-- --only reqwest-1 bare 1000`
//! makes the calls of one client alone, to count its instructions.
//!
//! The bare client has the same time limit and the same limit for the body, because no service should go without them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may panic")]

#[path = "stand_in.rs"]
mod stand_in;

use std::sync::Arc;
use std::time::Duration;

use cloudauth::{
    BlockingClient, CertifyId, Client, Credentials, DescribeFaceVerify, Endpoint, FaceVerifyStatus,
    IsahcTransport, Limits, Nonce, ReqwestTransport, SceneId, Signing, Stamp, Transport, UnixTime,
    UreqTransport, prepare,
};
use cpu_time::ProcessTime;
use futures_lite::AsyncReadExt as _;
use isahc::config::Configurable as _;
use stand_in::StandIn;
use tokio::runtime::Runtime;

/// One batch of calls.
type Batch<'a> = Box<dyn Fn(usize) + 'a>;

fn main() {
    stand_in::serve_if_told();
    let smoke = std::env::args().any(|arg| arg == "--test");
    let server = StandIn::start();
    let (calls, rounds) = if smoke { (4, 1) } else { (1000, 12) };
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--only") {
        let Some([pair, who, calls]) = args.get(at + 1..at + 4) else {
            panic!("--only CLIENT-NUMBER bare|ours CALLS")
        };
        let all = pairs(&server.url);
        let (.., bare, ours) =
            all.iter().find(|(name, at_once, ..)| *pair == format!("{name}-{at_once}")).unwrap();
        return match &**who {
            "bare" => bare(calls.parse().unwrap()),
            "ours" => ours(calls.parse().unwrap()),
            _ => panic!("`bare` or `ours`, not `{who}`"),
        };
    }
    for (name, at_once, bare, ours) in pairs(&server.url) {
        bare(calls);
        ours(calls);
        let mut ratios: Vec<f64> = (0..rounds)
            .map(|_| {
                let bare = cost(&bare, calls);
                cost(&ours, calls).as_secs_f64() / bare.as_secs_f64()
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!("figure {name}-{at_once} {:.4}", ratios.get(rounds / 2).unwrap());
    }
}

fn cost(batch: &Batch<'_>, calls: usize) -> Duration {
    let begun = ProcessTime::now();
    batch(calls);
    begun.elapsed()
}

fn describe() -> DescribeFaceVerify {
    let id = CertifyId::new("03a081bd96328aedf83f635f39a50c57").unwrap();
    DescribeFaceVerify::new(SceneId::new(1_000_000_006).unwrap(), id)
}

fn credentials() -> Credentials {
    Credentials::new("testid", "testsecret").unwrap()
}

/// For each HTTP client, one call and 32 concurrent calls: the bare client, then ours over it.
fn pairs(url: &str) -> Vec<(&'static str, usize, Batch<'static>, Batch<'static>)> {
    let endpoint: Endpoint = url.parse().unwrap();
    let stamp = Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]));
    let request = prepare(&describe(), &endpoint, &credentials(), Signing::V1, stamp).unwrap();
    let (head, body) = request.into_http().into_parts();
    let body = body.into_bytes();
    let request = Arc::new(move || {
        let mut request = http::Request::post(head.uri.clone()).body(body.clone()).unwrap();
        *request.headers_mut() = head.headers.clone();
        request
    });

    let runtime = Arc::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    let mut all: Vec<(&'static str, usize, Batch<'static>, Batch<'static>)> = Vec::new();
    for at_once in [1, 32] {
        let bare = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let make = Arc::clone(&request);
        let bare_batch = batch(&runtime, at_once, move || {
            let (bare, request) = (bare.clone(), make());
            async move {
                let mut request = reqwest::Request::try_from(request.map(reqwest::Body::from)).unwrap();
                *request.timeout_mut() = Some(Limits::DEFAULT.attempt);
                let mut answer = bare.execute(request).await.unwrap();
                let mut bytes = Vec::new();
                while let Some(chunk) = answer.chunk().await.unwrap() {
                    assert!(bytes.len() + chunk.len() <= Limits::DEFAULT.body);
                    bytes.extend_from_slice(&chunk);
                }
                assert_eq!(bytes.len(), stand_in::REPLY.len());
            }
        });
        all.push((
            "reqwest",
            at_once,
            bare_batch,
            ours(&runtime, at_once, &endpoint, ReqwestTransport::new().unwrap()),
        ));

        let bare = isahc::HttpClient::builder().proxy(None).timeout(Limits::DEFAULT.attempt).build().unwrap();
        let make = Arc::clone(&request);
        let bare_batch = batch(&runtime, at_once, move || {
            let (bare, request) = (bare.clone(), make());
            async move {
                let (head, body) = request.into_parts();
                let request = http::Request::from_parts(head, isahc::AsyncBody::from(body.to_vec()));
                let mut bytes = Vec::new();
                let answer = bare.send_async(request).await.unwrap().into_body();
                answer.take(Limits::DEFAULT.body as u64).read_to_end(&mut bytes).await.unwrap();
                assert_eq!(bytes.len(), stand_in::REPLY.len());
            }
        });
        all.push((
            "isahc",
            at_once,
            bare_batch,
            ours(&runtime, at_once, &endpoint, IsahcTransport::new().unwrap()),
        ));

        let bare = ureq::Agent::config_builder()
            .proxy(None)
            .max_idle_connections_per_host(32)
            .max_idle_connections(32);
        let bare = bare.timeout_global(Some(Limits::DEFAULT.attempt)).build().new_agent();
        let transport = UreqTransport::from(bare.clone());
        let client = BlockingClient::builder(transport, credentials()).endpoint(endpoint.clone()).build();
        let make = Arc::clone(&request);
        let bare_batch = threads(at_once, move || {
            let (head, body) = make().into_parts();
            let mut answer = bare.run(http::Request::from_parts(head, body.to_vec())).unwrap();
            let body = answer.body_mut().with_config().limit(Limits::DEFAULT.body as u64);
            assert_eq!(body.read_to_vec().unwrap().len(), stand_in::REPLY.len());
        });
        let our_batch = threads(at_once, move || {
            let answer = client.describe_face_verify(&describe()).unwrap();
            assert!(matches!(answer.output, FaceVerifyStatus::Finished(_)));
        });
        all.push(("ureq", at_once, bare_batch, our_batch));
    }
    all
}

fn ours(
    runtime: &Arc<Runtime>,
    at_once: usize,
    endpoint: &Endpoint,
    transport: impl Transport + 'static,
) -> Batch<'static> {
    let client = Client::builder(transport, credentials()).endpoint(endpoint.clone()).build();
    batch(runtime, at_once, move || {
        let client = client.clone();
        async move {
            let answer = client.describe_face_verify(&describe()).await.unwrap();
            assert!(matches!(answer.output, FaceVerifyStatus::Finished(_)));
        }
    })
}

/// Runs the calls in the given number of concurrent tasks.
fn batch<F: Future<Output = ()> + Send + 'static>(
    runtime: &Arc<Runtime>,
    at_once: usize,
    call: impl Fn() -> F + Clone + Send + 'static,
) -> Batch<'static> {
    let runtime = Arc::clone(runtime);
    Box::new(move |calls| {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..at_once)
                .map(|_| {
                    let call = call.clone();
                    tokio::spawn(async move {
                        for _ in 0..calls / at_once.min(calls) {
                            call().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    })
}

/// The same on threads.
fn threads(at_once: usize, call: impl Fn() + Send + Sync + 'static) -> Batch<'static> {
    Box::new(move |calls| {
        std::thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| (0..calls / at_once.min(calls)).for_each(|_| call()));
            }
        });
    })
}
