//! A service in one process, for as long as asked: the client against an emulator with faults, three instances of the flow
//! over one database, and the lab beside them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::extract::{Path as UrlPath, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use cloudauth::flow::{
    Consent, ConsentText, Flow, FlowSettings, IdempotencyKey, NewVerification, OrderRef, Purpose, RefKey,
    Retention, Urls,
};
use cloudauth::flow_sqlite::SqliteStore;
use cloudauth::policy::{LivePolicy, Policy, builtin};
use cloudauth::{
    CallbackKeys, CertName, CertNo, Client, Credentials, DescribeFaceVerify, Identity, InitFaceVerify,
    MetaInfo, OuterOrderNo, ReqwestTransport, ReturnUrl, SceneId,
};
use cloudauth_emulator::{Emulator, Fault, FaultKind, Latency, id_number};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::flat::{SAMPLES, Sample, not_flat};
use crate::lab;
use crate::resources::{descriptors, resident};

/// Instances of the flow, verifications at the same time, and callers without a flow.
const INSTANCES: usize = 3;
const LIVES: usize = 12;
const CALLERS: usize = 16;

type Service = Flow<SqliteStore>;

/// What the tasks count.
#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    number: AtomicU64,
    decided: AtomicU64,
    failed: AtomicU64,
    replayed: AtomicU64,
    /// The calls that succeeded.
    calls: Mutex<Vec<Duration>>,
}

/// Runs everything, prints what the process holds from time to time, and checks that it holds no more at the end.
pub(crate) async fn soak(time: Duration) {
    let emulator = Emulator::builder().calls_per_second(None).start().await.unwrap();
    for fault in
        [FaultKind::Status(503), FaultKind::Reset, FaultKind::TruncatedAt(200), FaultKind::HtmlBadGateway]
    {
        emulator.inject(Fault::new(fault).probability(0.01)).unwrap();
    }
    let median = Duration::from_millis(5);
    emulator.inject(Fault::new(FaultKind::Latency(Latency::LogNormal { median, sigma: 0.5 }))).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history");
    std::fs::create_dir(&history).unwrap();
    let counts = Arc::new(Counts::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let flows: Vec<_> = (0..INSTANCES).map(|_| Arc::new(flow(emulator.url(), &url, folder.path()))).collect();
    for flow in &flows {
        let flow = Arc::clone(flow);
        tokio::spawn(async move { flow.run(std::future::pending()).await });
    }
    let receiver = Router::new().route("/callback/{order_no}", get(called_back));
    let receiver = receiver.with_state(Arc::clone(flows.first().unwrap()));
    tokio::spawn(async move { axum::serve(listener, receiver).await });
    let mut tasks = tokio::task::JoinSet::new();
    for flow in flows.iter().cycle().take(LIVES) {
        tasks.spawn(verify(Arc::clone(flow), Arc::clone(&counts)));
    }
    for _ in 0..CALLERS {
        tasks.spawn(call(client(emulator.url()), Arc::clone(&counts)));
    }
    let stopped = Arc::clone(&counts);
    let files = tokio::task::spawn_blocking(move || lab::replay(&history, &stopped.stop, &stopped.replayed));

    let samples = sample(time, &counts).await;
    // A verification takes longer than a short run where the cores are busy.
    for _ in 0..60 {
        if counts.decided.load(Ordering::Relaxed) > 0 {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    counts.stop.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let (decided, failed) = (counts.decided.load(Ordering::Relaxed), counts.failed.load(Ordering::Relaxed));
    files.await.unwrap();
    let replayed = counts.replayed.load(Ordering::Relaxed);
    println!("{decided} verifications decided; {failed} starts failed; {replayed} files replayed");
    assert!(decided > 0, "no verification was decided");
    // A shorter run does not fill the emulator.
    if time >= Duration::from_secs(20 * 60) {
        let not_flat = not_flat(&samples);
        assert!(not_flat.is_empty(), "these grow, or stop: {not_flat:?}");
    }
}

/// What the process holds and how long the calls took, from time to time.
async fn sample(time: Duration, counts: &Counts) -> Vec<Sample> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    let (mut all_decided, mut all_replayed) = (0, 0);
    println!("seconds   KiB resident   descriptors      calls   p50 ms   p99 ms   decided   files");
    for _ in 0..SAMPLES {
        sleep(time / SAMPLES as u32).await;
        let mut calls = std::mem::take(&mut *counts.calls.lock().unwrap());
        calls.sort_unstable();
        let at =
            |share: usize| calls.get(calls.len() * share / 100).map_or(0, |took| took.as_micros() as u64);
        let (memory, descriptors, p50, p99) = (resident(), descriptors() as u64, at(50), at(99));
        let seconds = begun.elapsed().as_secs();
        let since = |all: &AtomicU64, before: &mut u64| {
            let now = all.load(Ordering::Relaxed);
            now - std::mem::replace(before, now)
        };
        let decided = since(&counts.decided, &mut all_decided);
        let replayed = since(&counts.replayed, &mut all_replayed);
        println!(
            "{seconds:7}   {memory:12}   {descriptors:11}   {:8}   {:6.1}   {:6.1}   {decided:7}   {replayed:5}",
            calls.len(),
            p50 as f64 / 1e3,
            p99 as f64 / 1e3
        );
        samples.push(Sample { memory, descriptors, p50, p99, calls: calls.len() as u64, decided, replayed });
    }
    samples
}

/// One verification after another: start, film at the emulator's page, return, decision.
async fn verify(flow: Arc<Service>, counts: Arc<Counts>) {
    let browser =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let refs = RefKey::new(&[2; 32]).unwrap();
    while !counts.stop.load(Ordering::Relaxed) {
        let number = counts.number.fetch_add(1, Ordering::Relaxed);
        let order = OrderRef::new(&format!("order{number}")).unwrap();
        let started = match flow.start(new(&refs, &order), identity(number), meta_info()).await {
            Ok(started) => started,
            Err(error) => {
                if counts.failed.fetch_add(1, Ordering::Relaxed) == 0 {
                    println!("a start failed: {error}");
                }
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // The emulator's faults meet the pages too: the person tries again.
        let submit = format!("{}/submit", started.link.expose());
        while !matches!(browser.post(&submit).send().await, Ok(answer) if answer.status().as_u16() < 500) {
            sleep(Duration::from_millis(100)).await;
        }
        while !flow.get(&order).await.unwrap().is_some_and(|verification| verification.state.is_final()) {
            if counts.stop.load(Ordering::Relaxed) {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
        counts.decided.fetch_add(1, Ordering::Relaxed);
    }
}

async fn called_back(
    State(flow): State<Arc<Service>>,
    order_no: UrlPath<String>,
    query: RawQuery,
) -> StatusCode {
    match flow.callback(&order_no, &query.0.unwrap_or_default()).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// One call after another, without a flow.
async fn call(client: Client, counts: Arc<Counts>) {
    let scene = SceneId::new(1_000_000_006).unwrap();
    while !counts.stop.load(Ordering::Relaxed) {
        let number = counts.number.fetch_add(1, Ordering::Relaxed);
        let order = OuterOrderNo::new(&format!("call{number}")).unwrap();
        let back = ReturnUrl::new("https://shop.example/back").unwrap();
        let op = InitFaceVerify::new(scene, order, identity(number), back, meta_info());
        let begun = Instant::now();
        if let Ok(started) = client.init_face_verify(&op).await {
            let describe = DescribeFaceVerify::new(scene, started.output.certify_id);
            if client.describe_face_verify(&describe).await.is_ok() {
                counts.calls.lock().unwrap().push(begun.elapsed());
            }
        }
        sleep(Duration::from_millis(5)).await;
    }
}

fn flow(emulator: &str, url: &str, folder: &Path) -> Service {
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::ONBOARDING).unwrap()));
    let urls = Urls::new(&format!("{url}/callback"), &format!("{url}/back")).unwrap();
    let (keys, refs) = (CallbackKeys::new(&[1; 32]).unwrap(), RefKey::new(&[2; 32]).unwrap());
    let settings = FlowSettings::new(urls, keys, refs, Retention::days(1).unwrap());
    Flow::new(client(emulator), policy, SqliteStore::open(folder.join("flow.db")).unwrap(), settings)
}

fn client(emulator: &str) -> Client {
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    Client::builder(ReqwestTransport::new().unwrap(), by).endpoint(emulator.parse().unwrap()).build()
}

fn new(refs: &RefKey, order: &OrderRef) -> NewVerification {
    NewVerification {
        order: order.clone(),
        subject: refs.subject(order.as_str()),
        scene: SceneId::new(1_000_000_006).unwrap(),
        purpose: Purpose::new("soak").unwrap(),
        key: IdempotencyKey::new("attempt-1").unwrap(),
        consent: Consent::new(SystemTime::now().into(), ConsentText::new("2026-11").unwrap()),
    }
}

/// Another person for each number, so that no person reaches the daily limit.
fn identity(number: u64) -> Identity {
    let (day, rest) = (number % 28, number / 28);
    let (month, rest) = (rest % 12, rest / 12);
    let (year, family) = (rest % 50, rest / 50);
    let born = format!("{:04}{:02}{:02}", 1930 + year, 1 + month, 1 + day);
    let name = format!("张三{}", "三".repeat(usize::try_from(family % 20).unwrap()));
    Identity::plain(CertName::new(&name).unwrap(), CertNo::new(&id_number(&born, 1).unwrap()).unwrap())
}

fn meta_info() -> MetaInfo {
    MetaInfo::new(r#"{"zimVer":"3.0.0"}"#).unwrap()
}
