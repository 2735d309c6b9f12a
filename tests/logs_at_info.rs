//! The logs of a client, and of the transports, under the filter for production of `docs/observability.md`: one event per
//! retry, one warning per failed call, each field once, and nothing of an HTTP client. It is a process of its own, because a
//! process has one log.

#![cfg(test)]

#[allow(dead_code, reason = "other tests use the rest")]
mod planted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use cloudauth::{
    BlockingClient, BlockingTransport, Body, Client, DescribeFaceVerify, ErrorKind, IsahcTransport,
    ReqwestTransport, Sent, Signing, TransportError, TransportErrorKind, UreqTransport,
};
use cloudauth_emulator::Emulator;
use cloudauth_transport::testing::Scripted;
use http::Response;
use planted::{
    Kept, WithoutPauses, assert_clean, attempt, attempt_blocking, credentials, init, listen_through, scene,
    shown,
};
use tokio::task::block_in_place;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

fn answer(status: u16, body: &'static str) -> Result<Response<Body>, TransportError> {
    Ok(Response::builder().status(status).body(Body::from(body)).unwrap())
}

const STARTED: &str = r#"{"Code":"200","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","ResultObject":{"CertifyId":"91707dc296d469ad38e4c5efa6a0f24b","CertifyUrl":"https://t.aliyun.com/x"}}"#;
const BUSY: &str = r#"{"Code":"InternalError","RequestId":"230A2C10-B9EE-4D84-88E3-5384FF039795"}"#;
const PENDING: &str = r#"{"Code":"424"}"#;
const REFUSED: &str =
    r#"{"Code":"417","RequestId":"330A2C10-B9EE-4D84-88E3-5384FF039795","Message":"planted-user-id"}"#;

/// Returns the lines of one level.
fn lines<'a>(log: &'a str, level: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.split_whitespace().nth(1) == Some(level)).collect()
}

const DOCS: &str = include_str!("../docs/observability.md");

/// The filter of the section about production.
fn filter() -> EnvFilter {
    let (_, section) = DOCS.split_once("\n## A filter for production\n").unwrap();
    let filter = section.split("```").nth(1).unwrap().strip_prefix("text\n").unwrap();
    EnvFilter::builder().parse(filter.trim()).unwrap()
}

/// One test, because a process has one log.
#[tokio::test(flavor = "multi_thread")]
async fn the_filter_for_production_shows_calls_and_no_person() {
    span_and_events_have_the_documented_fields_and_no_others();
    let log = listen_through(filter());
    one_event_per_attempt_with_each_field_once(&log).await;
    transports_send_and_show_nothing(&log).await;
}

async fn one_event_per_attempt_with_each_field_once(log: &Kept) {
    let lost = || Err(TransportError::new(TransportErrorKind::Connect, Sent::No));

    let client = Client::new(Scripted::new([lost(), answer(500, BUSY), answer(200, STARTED)]), credentials());
    client.init_face_verify(&init()).await.unwrap();
    let text = log.text();
    let retries = lines(&text, "INFO");
    assert_eq!((retries.len(), lines(&text, "WARN").len()), (2, 0), "{text}");
    for (line, (resend, reason)) in retries.iter().zip([(1, "no connection"), (2, "InternalError")]) {
        assert!(
            line.contains("retrying") && line.contains(&format!("http.request.resend_count={resend} ")),
            "{line}"
        );
        assert!(line.contains(reason), "{line}");
    }

    let client = Client::new(Scripted::new([lost(), answer(200, REFUSED)]), credentials());
    client.init_face_verify(&init()).await.unwrap_err();
    let text = log.text();
    assert_eq!((lines(&text, "INFO").len(), lines(&text, "WARN").len()), (3, 1), "{text}");
    let failed = lines(&text, "WARN").concat();
    for part in [
        "call failed",
        "otel.kind=\"client\"",
        "otel.name=\"POST InitFaceVerify\"",
        "otel.status_code=\"ERROR\"",
        "http.request.method=\"POST\"",
        "rpc.system.name=\"alibaba_cloud\"",
        "rpc.method=\"Cloudauth/InitFaceVerify\"",
        // The endpoint that was tried first, and the last one; both have the same port.
        "server.address=\"cloudauth.cn-shanghai.aliyuncs.com\"",
        "server.address=\"cloudauth.cn-beijing.aliyuncs.com\"",
        "server.port=443",
        "http.request.resend_count=1",
        "http.response.status_code=200",
        "cloudauth.code=\"417\"",
        "cloudauth.request_id=330A2C10",
        "cloudauth.executed=No",
    ] {
        assert_eq!(failed.matches(part).count(), 1, "{part} in {failed}");
    }
    // On the event, for logs, and on the span, for traces.
    assert_eq!(failed.matches("error.type=\"Refused\"").count(), 2, "{failed}");

    // The same for a blocking client.
    #[derive(Debug)]
    struct Lost;
    impl BlockingTransport for Lost {
        fn send(
            &self,
            _: http::Request<Body>,
            _: &cloudauth::Limits,
        ) -> Result<Response<Body>, TransportError> {
            Err(TransportError::new(TransportErrorKind::Broken, Sent::Maybe))
        }
    }
    let client = BlockingClient::builder(Lost, credentials()).build();
    client.init_face_verify(&init()).unwrap_err();
    let text = log.text();
    assert_eq!((lines(&text, "INFO").len(), lines(&text, "WARN").len()), (4, 2), "{text}");
    assert!(
        lines(&text, "WARN").last().is_some_and(|line| line.contains("cloudauth.executed=Maybe")),
        "{text}"
    );
    assert_clean("the log", &text);
}

/// Every transport sends under the filter, and neither it nor its HTTP client logs anything of a request, whether the call
/// succeeds or fails.
async fn transports_send_and_show_nothing(log: &Kept) {
    for target in ["ureq::run", "ureq_proto::client", "isahc::handler", "hyper_util::client", "hyper::proto"]
    {
        hear(target);
    }
    assert!(!log.text().contains("heard"), "{}", log.text());
    hear("elsewhere");
    assert_eq!(log.text().matches("heard").count(), 1, "other errors are logged");

    let emulator = Emulator::builder()
        .temporary_key(Emulator::ACCESS_KEY_ID, "planted-access-secret", "planted-security-token")
        .start()
        .await
        .unwrap();
    let broken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broken_url = format!("http://{}", broken.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = broken.accept().await {
            drop(stream);
        }
    });
    let isahc = IsahcTransport::new().unwrap();
    for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
        for (url, is_well) in [(emulator.url(), true), (&*broken_url, false)] {
            for result in [
                attempt(WithoutPauses(ReqwestTransport::new().unwrap()), url, signing).await,
                attempt(WithoutPauses(isahc.clone()), url, signing).await,
                block_in_place(|| attempt_blocking(UreqTransport::new(), url, signing)),
                block_in_place(|| attempt_blocking(isahc.clone(), url, signing)),
            ] {
                assert_eq!(result.is_ok(), is_well, "{signing:?}: {result:?}");
                if let Err(error) = result {
                    assert!(
                        error.attempts() > 0 && !shown(&error).contains("would log"),
                        "{}",
                        shown(&error)
                    );
                }
            }
        }
    }
    let text = log.text();
    assert!(lines(&text, "WARN").len() >= 20, "{text}");
    for library in ["ureq", "isahc", "hyper", "reqwest"] {
        // As the target of an event of `tracing`, or of `log`.
        let targets = [format!(" {library}"), format!("log.target=\"{library}")];
        let is_of_the_library = |line: &&str| targets.iter().any(|target| line.contains(target));
        assert_eq!(text.lines().find(is_of_the_library), None);
    }
    assert_clean("the log", &text);
}

/// Logs an error of a target, through the crate `log` as the HTTP clients do.
fn hear(target: &str) {
    tracing_log::log::error!(target: target, "heard");
}

/// The names of the fields of the span, and of each event by its level and message.
#[derive(Default)]
struct Fields {
    span: BTreeSet<String>,
    /// The values that the span has when it is created, and those that it has at its end.
    created: BTreeMap<String, String>,
    values: BTreeMap<String, String>,
    events: BTreeMap<String, BTreeSet<String>>,
}

/// The fields of one span or event, with their values.
#[derive(Default)]
struct Values(BTreeMap<String, String>);

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, _: u64) {
        panic!("{field}: tracing-opentelemetry makes a string of it");
    }
}

#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Fields>>);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if span.metadata().target().starts_with("cloudauth_client") {
            assert_eq!(
                (span.metadata().name(), span.metadata().level()),
                ("cloudauth", &tracing::Level::INFO)
            );
            let mut values = Values::default();
            span.record(&mut values);
            let mut fields = self.0.lock().unwrap();
            fields.span.extend(span.metadata().fields().iter().map(|field| field.name().to_owned()));
            fields.created = values.0.clone();
            fields.values = values.0;
        }
    }

    fn on_record(&self, _: &Id, record: &Record<'_>, _: Context<'_, S>) {
        let mut values = Values::default();
        record.record(&mut values);
        self.0.lock().unwrap().values.extend(values.0);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target().starts_with("cloudauth_client") {
            let mut values = Values::default();
            event.record(&mut values);
            let message = values.0.remove("message").unwrap();
            let name = format!("{} {message}", event.metadata().level());
            self.0.lock().unwrap().events.insert(name, values.0.into_keys().collect());
        }
    }
}

/// A transport that gives a list of answers, and keeps the methods of the requests.
#[derive(Clone, Debug, Default)]
struct Answers(Arc<Mutex<(Vec<Answer>, Vec<String>)>>);

/// Status and body.
type Answer = (u16, &'static str);

impl BlockingTransport for Answers {
    fn send(
        &self,
        request: http::Request<Body>,
        _: &cloudauth::Limits,
    ) -> Result<Response<Body>, TransportError> {
        let mut answers = self.0.lock().unwrap();
        answers.1.push(request.method().to_string());
        let (status, body) = answers.0.pop().unwrap();
        answer(status, body)
    }

    fn sleep(&self, _: std::time::Duration) {}
}

/// The words in backticks in a cell of a table that are names of fields.
fn names(cell: &str) -> BTreeSet<String> {
    let words = cell.split('`').skip(1).step_by(2);
    words
        .filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()))
        .map(str::to_owned)
        .collect()
}

/// The cells of the rows of a table of the documentation, in the section with this title.
fn table(title: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = DOCS.split_once(&format!("\n## {title}")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// No other test may log at the same time: `tracing` asks each subscriber only once whether it wants an event.
fn span_and_events_have_the_documented_fields_and_no_others() {
    let listener = Listener::default();
    let transport = Answers::default();
    let taken = || {
        let mut fields = listener.0.lock().unwrap();
        (std::mem::take(&mut fields.created), std::mem::take(&mut fields.values))
    };
    tracing::subscriber::with_default(tracing_subscriber::registry().with(listener.clone()), || {
        for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
            // A success at the second attempt, a call about it, and a refusal.
            transport.0.lock().unwrap().0 = vec![(200, REFUSED), (200, PENDING), (200, STARTED), (500, BUSY)];
            let client = BlockingClient::builder(transport.clone(), credentials()).signing(signing).build();
            let started = client.init_face_verify(&init()).unwrap().output;
            let (created, values) = taken();
            // Samplers see what the span has when it is created.
            assert_eq!(created["server.address"], "cloudauth.cn-shanghai.aliyuncs.com");
            assert_eq!(
                (&*created["server.port"], &*created["http.request.method"]),
                ("443", &*values["http.request.method"])
            );
            assert!(
                !values.contains_key("otel.status_code"),
                "a success leaves the status unset: {values:?}"
            );
            assert_eq!(values["http.request.resend_count"], "1");
            assert_eq!(values["server.address"], "cloudauth.cn-beijing.aliyuncs.com");
            client.describe_face_verify(&DescribeFaceVerify::new(scene(), started.certify_id)).unwrap();
            let (created, _) = taken();
            assert_eq!(created["server.address"], "cloudauth.cn-beijing.aliyuncs.com", "its origin");
            client.init_face_verify(&init()).unwrap_err();
            let (_, values) = taken();
            assert_eq!(values["otel.status_code"], "ERROR");
            assert!(!values.contains_key("http.request.resend_count"), "{values:?}");
            let sent = &transport.0.lock().unwrap().1;
            assert_eq!(Some(&values["http.request.method"]), sent.last());
        }
    });
    let fields = listener.0.lock().unwrap();
    let span: BTreeSet<_> = table("The span").iter().flat_map(|row| names(row[0])).collect();
    assert_eq!(fields.span, span);
    let events = table("The events").into_iter().map(|row| {
        let message: String = row[1].split('`').skip(1).step_by(2).collect();
        (format!("{} {message}", row[0]), names(row[3]))
    });
    assert_eq!(fields.events, events.collect());
}

#[test]
fn every_kind_of_failure_is_documented() {
    let kinds = [
        ErrorKind::Build,
        ErrorKind::Credentials,
        ErrorKind::Transport,
        ErrorKind::Gateway,
        ErrorKind::Refused,
        ErrorKind::Malformed,
        ErrorKind::Deadline,
    ];
    let rows = table("The span");
    let row = rows.iter().find(|row| row[0] == "`error.type`").unwrap();
    let documented: BTreeSet<_> = row[2].split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(documented, kinds.map(|kind| format!("{kind:?}")).into());
}
