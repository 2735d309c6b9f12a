//! The sender against a scripted receiver.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_client::Client;
use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{Body, CallbackKeys, Credentials, UnixTime};
use cloudauth_transport::{BodyBuffer, Limits, Sent, Transport, TransportError, TransportErrorKind};
use http::{Request, Response};
use pollster::block_on;

use self::bare::Bare;
use crate::testing::{MemoryStore, samples};
use crate::{
    BlockingFlow, ClockAndRandom, EndpointId, Flow, FlowError, FlowSettings, Input, Machine, RefKey,
    Snapshot, Store, Urls, Usage, WebhookEndpoint, WebhookHeaders, WebhookSecret, Webhooks,
};

thread_local! {
    static WALL: Cell<u64> = const { Cell::new(samples::BEGIN.as_millis()) };
}

fn now() -> UnixTime {
    UnixTime::from_millis(WALL.get())
}

fn later(seconds: u64) {
    WALL.set(WALL.get() + 1_000 * seconds);
}

/// A receiver that gives the scripted answers, and keeps the requests. Without an answer, no connection succeeds.
#[derive(Clone, Debug, Default)]
struct Receiver(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Response<Body>>,
    requests: Vec<Request<Body>>,
    /// The pauses that end immediately.
    naps: usize,
    slept: Vec<Duration>,
}

impl Receiver {
    fn answers(&self, status: u16, retry_after: Option<&str>) {
        self.answers_at_length(status, retry_after, 0);
    }

    fn answers_at_length(&self, status: u16, retry_after: Option<&str>, length: usize) {
        let mut response = Response::builder().status(status);
        if let Some(value) = retry_after {
            response = response.header("retry-after", value);
        }
        self.0.lock().unwrap().answers.push_back(response.body(Body::from(vec![b'x'; length])).unwrap());
    }

    /// Keeps a pause. Returns whether it ends.
    fn naps(&self, time: Duration) -> bool {
        let mut script = self.0.lock().unwrap();
        script.slept.push(time);
        script.slept.len() <= script.naps
    }

    fn requests(&self) -> Vec<Request<Body>> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }
}

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        assert_eq!((limits.attempt, limits.body), (Duration::from_secs(15), 64 << 10));
        let mut script = self.0.lock().unwrap();
        script.requests.push(request);
        let no_connection = || TransportError::new(TransportErrorKind::Connect, Sent::No);
        let answer = script.answers.pop_front().ok_or_else(no_connection)?;
        // As the transports of the workspace read it.
        BodyBuffer::new(answer.headers(), limits).push(answer.body().as_bytes())?;
        Ok(answer)
    }

    /// No test waits for the end of a pause.
    async fn sleep(&self, time: Duration) {
        if !self.naps(time) {
            std::future::pending().await
        }
    }
}

fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::new(&WebhookSecret::text(&[byte; 32])).unwrap()
}

fn flow<S: Store>(receiver: &Receiver, store: S) -> Result<Flow<S>, FlowError> {
    let client = Client::builder(receiver.clone(), Credentials::new("testid", "testsecret").unwrap()).build();
    let policy = Arc::new(LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap()));
    let urls = Urls::new("https://shop.example/callback", "https://shop.example/back").unwrap();
    let keys = CallbackKeys::new(&[1; 32]).unwrap();
    let refs = RefKey::new(&[2; 32]).unwrap();
    let settings = FlowSettings::new(urls, keys, refs, samples::retention());
    let inputs = ClockAndRandom {
        wall: now,
        steady: || Duration::from_millis(WALL.get()),
        random: |bytes| {
            bytes.fill(7);
            true
        },
    };
    let endpoint =
        WebhookEndpoint::new(EndpointId::new("crm").unwrap(), "https://crm.example/hook?token=1", secret(2));
    let webhooks = Webhooks::new(receiver.clone(), [endpoint.unwrap().with_previous(secret(1))]);
    block_on(Flow::new(client, policy, store, settings).with_inputs(inputs).with_webhooks(webhooks))
}

/// Commits the start of an order: the events `verification.created` and `verification.processing`.
fn begin(store: &impl Store, order: u64) {
    let snapshot = Snapshot { stored: None, usage: Usage::default() };
    let start = Input::Start(samples::start(order, 1).unwrap());
    let commit = Machine::new(samples::rules()).step(&snapshot, start, now()).unwrap();
    block_on(store.commit(&commit)).unwrap();
}

fn header<'a>(request: &'a Request<Body>, name: &str) -> &'a str {
    request.headers()[name].to_str().unwrap()
}

#[test]
fn a_response_over_64_kib_is_a_failure_and_the_message_is_sent_again() {
    let receiver = Receiver::default();
    let flow = flow(&receiver, MemoryStore::default()).unwrap();
    begin(flow.store(), 1);
    for length in [64 << 10, (64 << 10) + 1] {
        receiver.answers_at_length(200, None, length);
    }
    assert_eq!(block_on(flow.deliver()).unwrap(), 2);
    let first: Vec<String> =
        receiver.requests().iter().map(|sent| header(sent, "webhook-id").into()).collect();
    later(3600);
    receiver.answers(200, None);
    assert_eq!(block_on(flow.deliver()).unwrap(), 1);
    assert_eq!(header(&receiver.requests()[0], "webhook-id"), first[1]);
}

#[test]
fn a_message_is_signed_by_both_secrets_and_has_no_personal_data() {
    let receiver = Receiver::default();
    let flow = flow(&receiver, MemoryStore::default()).unwrap();
    begin(flow.store(), 1);
    receiver.answers(200, None);
    receiver.answers(204, None);
    assert_eq!(block_on(flow.deliver()).unwrap(), 2);
    let requests = receiver.requests();
    let bodies = requests.iter().map(|request| std::str::from_utf8(request.body().as_bytes()).unwrap());
    let verification = samples::start(1, 1).unwrap().id;
    let data = format!(r#""data":{{"order":"order-1","verification":"{verification}""#);
    assert_eq!(
        bodies.collect::<Vec<_>>(),
        [
            format!(r#"{{"type":"verification.created","timestamp":"2026-01-02T02:50:45Z",{data},"n":1}}}}"#),
            format!(
                r#"{{"type":"verification.processing","timestamp":"2026-01-02T02:50:45Z",{data},"n":3,"state":"processing"}}}}"#
            ),
        ]
    );
    for (request, n) in requests.iter().zip([1, 3]) {
        assert_eq!(request.uri(), "https://crm.example/hook?token=1");
        assert_eq!(header(request, "content-type"), "application/json");
        assert_eq!(header(request, "webhook-id"), format!("evt_{verification}_{n}"));
        let headers = WebhookHeaders {
            id: header(request, "webhook-id"),
            timestamp: header(request, "webhook-timestamp"),
            signature: header(request, "webhook-signature"),
        };
        for byte in [1, 2] {
            assert_eq!(headers.verify(&[secret(byte)], request.body().as_bytes(), now()), Ok(()));
        }
        assert!(headers.verify(&[secret(3)], request.body().as_bytes(), now()).is_err());
    }
    assert_eq!(block_on(flow.deliver()).unwrap(), 0, "what was delivered is not sent again");
}

#[test]
fn a_failure_is_retried_with_the_same_id_and_body_and_a_new_time() {
    let receiver = Receiver::default();
    let flow = flow(&receiver, MemoryStore::default()).unwrap();
    begin(flow.store(), 1);
    // A redirect is a failure; the second message finds no connection.
    receiver.answers(301, None);
    assert_eq!(block_on(flow.deliver()).unwrap(), 2);
    let first = receiver.requests();
    later(4);
    assert_eq!(block_on(flow.deliver()).unwrap(), 0);
    later(2);
    receiver.answers(200, None);
    receiver.answers(200, None);
    assert_eq!(block_on(flow.deliver()).unwrap(), 2);
    let mut second = receiver.requests();
    second.sort_by_key(|request| header(request, "webhook-id").to_owned());
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first.body().as_bytes(), second.body().as_bytes());
        assert_eq!(header(first, "webhook-id"), header(second, "webhook-id"));
        assert_ne!(header(first, "webhook-timestamp"), header(second, "webhook-timestamp"));
        assert_ne!(header(first, "webhook-signature"), header(second, "webhook-signature"));
    }
}

#[test]
fn after_ten_attempts_in_75_hours_a_delivery_is_dead() {
    let receiver = Receiver::default();
    let flow = flow(&receiver, MemoryStore::default()).unwrap();
    begin(flow.store(), 1);
    let mut hours = 0;
    while hours < 75 {
        block_on(flow.deliver()).unwrap();
        later(600);
        hours = (now().since(samples::BEGIN).as_secs()) / 3_600;
    }
    assert_eq!(receiver.requests().len(), 18, "nine attempts each before the last");
    later(10 * 3_600);
    assert_eq!(block_on(flow.deliver()).unwrap(), 2);
    later(1_000_000);
    assert_eq!(block_on(flow.deliver()).unwrap(), 0);
    let crm = EndpointId::new("crm").unwrap();
    let outbox = flow.store().outbox().unwrap();
    assert_eq!(block_on(outbox.revive_deliveries(&crm, now(), 99)).unwrap(), 2);
    assert_eq!(block_on(flow.deliver()).unwrap(), 2);
}

#[test]
fn a_receiver_that_is_gone_is_not_asked_again_and_one_that_is_busy_later() {
    let receiver = Receiver::default();
    let flow = flow(&receiver, MemoryStore::default()).unwrap();
    begin(flow.store(), 1);
    receiver.answers(410, None);
    receiver.answers(503, Some("3600"));
    assert_eq!(block_on(flow.deliver()).unwrap(), 2);
    later(3_599);
    assert_eq!(block_on(flow.deliver()).unwrap(), 0);
    later(1);
    assert_eq!(block_on(flow.deliver()).unwrap(), 1);
}

#[test]
fn a_flow_delivers_beside_the_sweep_until_its_shutdown() {
    let receiver = Receiver::default();
    let flow = flow(&receiver, MemoryStore::default()).unwrap();
    begin(flow.store(), 1);
    receiver.answers(200, None);
    receiver.answers(200, None);
    let mut polls = 0;
    block_on(flow.run(std::future::poll_fn(|context| {
        polls += 1;
        context.waker().wake_by_ref();
        if polls > 3 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })));
    assert_eq!(receiver.requests().len(), 2);
}

#[test]
fn a_receiver_that_names_a_date_is_asked_again_then() {
    let receiver = Receiver::default();
    let flow = flow(&receiver, MemoryStore::default()).unwrap();
    begin(flow.store(), 1);
    receiver.answers(503, Some("Fri, 02 Jan 2026 02:55:45 GMT"));
    receiver.answers(200, None);
    assert_eq!(block_on(flow.deliver()).unwrap(), 2);
    later(298);
    assert_eq!(block_on(flow.deliver()).unwrap(), 0);
    later(2);
    receiver.answers(200, None);
    assert_eq!(block_on(flow.deliver()).unwrap(), 1);
}

/// The old code paused as usual after a date, and a date of the past must not shorten the pause.
#[test]
fn a_date_that_is_over_or_no_date_changes_no_pause() {
    for value in ["Fri, 02 Jan 2026 02:50:40 GMT", "soon", "-1"] {
        let receiver = Receiver::default();
        let flow = flow(&receiver, MemoryStore::default()).unwrap();
        begin(flow.store(), 1);
        receiver.answers(503, Some(value));
        receiver.answers(200, None);
        assert_eq!(block_on(flow.deliver()).unwrap(), 2);
        later(4);
        assert_eq!(block_on(flow.deliver()).unwrap(), 0, "{value}");
        later(2);
        assert_eq!(block_on(flow.deliver()).unwrap(), 1, "{value}");
    }
}

/// The old blocking loop sent nothing.
#[test]
fn a_blocking_loop_sends_webhooks() {
    let receiver = Receiver::default();
    receiver.0.lock().unwrap().naps = usize::MAX;
    let flow = BlockingFlow::new(flow(&receiver, MemoryStore::default()).unwrap());
    begin(flow.inner().store(), 1);
    receiver.answers(200, None);
    receiver.answers(200, None);
    let mut asked = 0;
    flow.run(|| {
        asked += 1;
        std::thread::yield_now();
        asked > 1_000_000 || receiver.0.lock().unwrap().requests.len() == 2
    });
    assert_eq!(receiver.requests().len(), 2);
}

#[test]
fn a_blocking_delivery_counts_what_it_sent() {
    let receiver = Receiver::default();
    let flow = BlockingFlow::new(flow(&receiver, MemoryStore::default()).unwrap());
    begin(flow.inner().store(), 1);
    receiver.answers(200, None);
    receiver.answers(200, None);
    assert_eq!((flow.deliver().unwrap(), flow.deliver().unwrap()), (2, 0));
    assert_eq!(receiver.requests().len(), 2);
}

/// The old loop tried again every second.
#[test]
fn the_pauses_between_deliveries_grow_while_the_store_is_away() {
    let receiver = Receiver::default();
    let flow = flow(&receiver, Bare { outbox: true }).unwrap();
    assert!(matches!(block_on(flow.deliver()), Err(FlowError::Store(_))));
    receiver.0.lock().unwrap().naps = 3;
    let mut deliveries = pin!(flow.deliver_always());
    assert!(deliveries.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let slept = receiver.0.lock().unwrap().slept.clone();
    assert_eq!(slept.len(), 4);
    assert!(slept.windows(2).all(|pauses| pauses[1] == pauses[0] * 2), "{slept:?}");
}

#[test]
fn a_store_without_an_outbox_is_refused() {
    let refused = flow(&Receiver::default(), Bare { outbox: false });
    assert!(matches!(refused, Err(FlowError::NoOutbox)));
}

mod bare {
    use std::time::Duration;

    use async_trait::async_trait;
    use cloudauth_protocol::UnixTime;

    use crate::{
        ClaimedDeliveries, Delivery, DeliveryEnd, EndpointId, Outbox, Store, StoreError, StoreErrorKind,
        Usage,
    };

    /// A store that is empty. Its outbox takes endpoints; every other call fails.
    #[derive(Debug)]
    pub(super) struct Bare {
        pub(super) outbox: bool,
    }

    fn away<T>() -> Result<T, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unavailable))
    }

    #[async_trait]
    impl Outbox for Bare {
        async fn subscribe(&self, _: &EndpointId) -> Result<(), StoreError> {
            Ok(())
        }
        async fn unsubscribe(&self, _: &EndpointId) -> Result<(), StoreError> {
            away()
        }
        async fn claim_deliveries(
            &self,
            _: &EndpointId,
            _: UnixTime,
            _: Duration,
            _: usize,
        ) -> Result<ClaimedDeliveries, StoreError> {
            away()
        }
        async fn end_delivery(&self, _: &Delivery, _: DeliveryEnd) -> Result<bool, StoreError> {
            away()
        }
        async fn revive_deliveries(
            &self,
            _: &EndpointId,
            _: UnixTime,
            _: usize,
        ) -> Result<usize, StoreError> {
            away()
        }
    }

    #[async_trait]
    impl Store for Bare {
        fn outbox(&self) -> Option<&dyn Outbox> {
            self.outbox.then_some(self as _)
        }
        async fn load(&self, _: crate::Lookup<'_>) -> Result<Option<crate::Stored>, crate::StoreError> {
            Ok(None)
        }
        async fn usage(&self, _: &crate::UsageOf) -> Result<Usage, crate::StoreError> {
            Ok(Usage::default())
        }
        async fn commit(&self, _: &crate::Commit) -> Result<(), crate::StoreError> {
            Ok(())
        }
        async fn claim(
            &self,
            _: crate::Queue,
            _: UnixTime,
            _: Duration,
            _: usize,
        ) -> Result<Vec<crate::Stored>, crate::StoreError> {
            Ok(Vec::new())
        }
        async fn events_after(
            &self,
            _: crate::Cursor,
            _: usize,
        ) -> Result<Vec<crate::LoggedEvent>, crate::StoreError> {
            Ok(Vec::new())
        }
        async fn history(&self, _: &crate::VerificationId) -> Result<Vec<crate::Event>, crate::StoreError> {
            Ok(Vec::new())
        }
        async fn purge(&self, _: UnixTime, _: usize) -> Result<usize, crate::StoreError> {
            Ok(0)
        }
    }
}
