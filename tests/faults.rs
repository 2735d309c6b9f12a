//! The client against an emulator with injected faults: retries, failover and errors.

#![cfg(test)]

use std::time::{Duration, Instant};

use async_trait::async_trait;
use cloudauth::{
    BlockingClient, Body, CertifyId, Client, Code, Credentials, DescribeFaceVerify, Endpoints, Error,
    ErrorKind, Executed, GatewayCode, InitFaceVerify, Limits, ReqwestTransport, Settings, Transport,
    TransportError, TransportErrorKind, UreqTransport,
};
use cloudauth_emulator::{Builder, Emulator, Fault, FaultKind, Latency};
use cloudauth_transport::testing::{describe_face_verify, init_face_verify};
use http::{Request, Response};

fn credentials() -> Credentials {
    Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap()
}

fn client(emulators: &[&Emulator]) -> Client {
    let endpoints = Endpoints::new(emulators.iter().map(|emulator| emulator.url().parse().unwrap())).unwrap();
    Client::builder(ReqwestTransport::new().unwrap(), credentials()).endpoints(endpoints).build()
}

fn once(settings: &mut Settings) {
    settings.attempts = 1;
}

fn init(order: &str) -> InitFaceVerify {
    init_face_verify(order).unwrap()
}

fn describe(id: &CertifyId) -> DescribeFaceVerify {
    describe_face_verify(id.as_str()).unwrap()
}

async fn started(client: &Client, order: &str) -> Result<CertifyId, Error> {
    client.init_face_verify(&init(order)).await.map(|reply| reply.output.certify_id)
}

async fn with(fault: FaultKind) -> Emulator {
    Emulator::builder().fault(Fault::new(fault)).start().await.unwrap()
}

/// A transport that does not wait before a retry.
#[derive(Debug)]
struct WithoutWaits(ReqwestTransport);

#[async_trait]
impl Transport for WithoutWaits {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        self.0.send(request, limits).await
    }

    async fn sleep(&self, time: Duration) {
        // The client also times an attempt, which is longer than a wait.
        if time >= Limits::DEFAULT.attempt {
            self.0.sleep(time).await;
        }
    }
}

const MOMENT: Duration = Duration::from_millis(20);

#[tokio::test]
async fn each_fault_gives_its_kind_of_error() {
    use ErrorKind::{Gateway, Malformed, Transport};
    for (fault, kind, executed) in [
        (FaultKind::CloseUnread, Transport, Executed::Maybe),
        (FaultKind::CloseBeforeActing, Transport, Executed::Maybe),
        (FaultKind::CloseAfterActing, Transport, Executed::Maybe),
        (FaultKind::Reset, Transport, Executed::Maybe),
        (FaultKind::TruncatedAt(10), Transport, Executed::Maybe),
        (FaultKind::TruncatedAt(180), Transport, Executed::Maybe),
        (FaultKind::Dribble(Duration::from_secs(3600)), Transport, Executed::Maybe),
        (FaultKind::Latency(Latency::Fixed(Duration::from_secs(3600))), Transport, Executed::Maybe),
        (FaultKind::Padded(10 << 20), Transport, Executed::Maybe),
        (FaultKind::Status(500), Gateway, Executed::Maybe),
        (FaultKind::Status(503), Gateway, Executed::Maybe),
        (FaultKind::Throttle(MOMENT), Gateway, Executed::No),
        (FaultKind::HtmlBadGateway, Malformed, Executed::Maybe),
        (FaultKind::Empty, Malformed, Executed::Maybe),
        (FaultKind::MalformedJson, Malformed, Executed::Maybe),
        (FaultKind::InvalidUtf8, Malformed, Executed::Maybe),
        (FaultKind::DuplicateKeys, Malformed, Executed::Maybe),
    ] {
        let emulator = with(fault).await;
        let client = client(&[&emulator]).with(|settings| {
            once(settings);
            // Only a reply that never comes, or comes byte by byte, may meet the limit: a busy machine is slow too.
            if matches!(fault, FaultKind::Latency(_) | FaultKind::Dribble(_)) {
                settings.limits = settings.limits.with_attempt(Duration::from_millis(500));
            }
        });
        let error = started(&client, "order1").await.unwrap_err();
        assert_eq!((error.kind(), error.executed()), (kind, executed), "{fault:?}: {error:?}");
    }
    for harmless in [FaultKind::WrongContentType, FaultKind::WrongDate(-86_000), FaultKind::Padded(1000)] {
        let emulator = with(harmless).await;
        started(&client(&[&emulator]), "order1").await.unwrap();
    }
}

#[tokio::test]
async fn interrupted_start_is_retried_once() {
    let emulator = Emulator::builder()
        .fault(Fault::new(FaultKind::CloseAfterActing).action("InitFaceVerify").order("unlucky").times(1))
        .fault(Fault::new(FaultKind::CloseAfterActing).order("doomed"))
        .start()
        .await
        .unwrap();
    let transport = WithoutWaits(ReqwestTransport::new().unwrap());
    let endpoint = emulator.url().parse().unwrap();
    let client = Client::builder(transport, credentials()).endpoint(endpoint).build();
    started(&client, "lucky").await.unwrap();
    started(&client, "unlucky").await.unwrap();
    let error = started(&client, "doomed").await.unwrap_err();
    assert_eq!((error.attempts(), error.executed()), (2, Executed::Maybe));
    emulator.clear_faults();
    started(&client, "doomed").await.unwrap();
}

#[tokio::test]
async fn fails_over_and_ignores_an_instance_that_did_not_start_the_verification() {
    let (first, second) =
        (Emulator::builder().start().await.unwrap(), Emulator::builder().seed(1).start().await.unwrap());
    let client = client(&[&first, &second]);
    let here = started(&client, "order1").await.unwrap();
    first.inject(Fault::new(FaultKind::Status(503))).unwrap();
    let there = started(&client, "order2").await.unwrap();
    // The first endpoint fails, and the second does not know the verification. It may still exist.
    let error = client.describe_face_verify(&describe(&here)).await.unwrap_err();
    assert_eq!(error.gateway_code(), Some(&GatewayCode::ServiceUnavailable), "{error:?}");
    first.clear_faults();
    client.describe_face_verify(&describe(&here)).await.unwrap();
    client.describe_face_verify(&describe(&there)).await.unwrap();
    // A client that started neither of them asks both before it reports an unknown verification.
    let stranger = self::client(&[&first, &second]);
    stranger.describe_face_verify(&describe(&there)).await.unwrap();
    let unknown = CertifyId::new("unknown").unwrap();
    let error = stranger.describe_face_verify(&describe(&unknown)).await.unwrap_err();
    assert_eq!((error.code(), error.attempts()), (Some(&Code::InvalidCertifyId), 2));
}

#[tokio::test]
async fn calls_fail_over_from_a_dead_endpoint() {
    let second = Emulator::builder().start().await.unwrap();
    let gone = Emulator::builder().start().await.unwrap();
    let client = Client::builder(ReqwestTransport::new().unwrap(), credentials())
        .endpoints([gone.url().parse().unwrap(), second.url().parse().unwrap()])
        .build();
    drop(gone);
    for order in 0..20 {
        started(&client, &format!("order{order}")).await.unwrap();
    }
}

#[tokio::test]
async fn throttled_call_waits_as_long_as_the_server_asks() {
    let wait = Duration::from_millis(300);
    let emulator =
        Emulator::builder().fault(Fault::new(FaultKind::Throttle(wait)).times(1)).start().await.unwrap();
    let begun = Instant::now();
    started(&client(&[&emulator]), "order1").await.unwrap();
    assert!(begun.elapsed() >= wait, "{:?}", begun.elapsed());
}

async fn many(builder: Builder, calls: usize) -> usize {
    let emulator = builder.start().await.unwrap();
    let client = client(&[&emulator]).with(once);
    let mut throttled = 0;
    for order in 0..calls {
        match started(&client, &format!("order{order}")).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.gateway_code(), Some(&GatewayCode::ThrottlingUser));
                throttled += 1;
            }
        }
    }
    throttled
}

#[tokio::test]
async fn call_51_of_a_second_is_throttled() {
    let still =
        || Emulator::builder().clock(cloudauth_emulator::Clock::frozen(std::time::SystemTime::now().into()));
    assert_eq!(many(still(), 55).await, 5);
    assert_eq!(many(still().calls_per_second(None), 55).await, 0);
}

#[test]
fn blocking_client_fails_over_too() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (first, second) = runtime.block_on(async {
        let fault = Fault::new(FaultKind::Reset).action("InitFaceVerify");
        (Emulator::builder().fault(fault).start().await.unwrap(), Emulator::builder().start().await.unwrap())
    });
    let endpoints = [&first, &second].map(|emulator| emulator.url().parse().unwrap());
    let client = BlockingClient::builder(UreqTransport::new(), credentials()).endpoints(endpoints).build();
    client.init_face_verify(&init("order1")).unwrap();
    let error = client.with(once).init_face_verify(&init("order2")).unwrap_err();
    assert_eq!(error.transport().unwrap().kind(), TransportErrorKind::Broken);
}
