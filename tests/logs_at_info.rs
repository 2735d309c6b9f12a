//! The logs of a client at INFO, the usual level of a service: one event per retry, one warning per failed call, each field
//! once. It is a process of its own, because a process has one log.

#![cfg(test)]

#[allow(dead_code, reason = "other tests use the rest")]
mod planted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use cloudauth::{
    BlockingClient, BlockingTransport, Body, Client, ErrorKind, Sent, Signing, TransportError,
    TransportErrorKind,
};
use cloudauth_transport::testing::Scripted;
use http::Response;
use planted::{assert_clean, credentials, init, listen};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

fn answer(status: u16, body: &'static str) -> Result<Response<Body>, TransportError> {
    Ok(Response::builder().status(status).body(Body::from(body)).unwrap())
}

const STARTED: &str = r#"{"Code":"200","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","ResultObject":{"CertifyId":"91707dc296d469ad38e4c5efa6a0f24b","CertifyUrl":"https://t.aliyun.com/x"}}"#;
const BUSY: &str = r#"{"Code":"InternalError","RequestId":"230A2C10-B9EE-4D84-88E3-5384FF039795"}"#;
const REFUSED: &str =
    r#"{"Code":"417","RequestId":"330A2C10-B9EE-4D84-88E3-5384FF039795","Message":"planted-user-id"}"#;

/// Returns the lines of one level.
fn lines<'a>(log: &'a str, level: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.split_whitespace().nth(1) == Some(level)).collect()
}

#[tokio::test]
async fn one_event_per_attempt_with_each_field_once() {
    span_and_events_have_the_documented_fields_and_no_others();
    let log = listen(tracing::Level::INFO);
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

/// The names of the fields of the span, and of each event by its level and message.
#[derive(Default)]
struct Fields {
    span: BTreeSet<String>,
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
    let docs = include_str!("../docs/observability.md");
    let (_, section) = docs.split_once(&format!("\n## {title}")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// No other test may log at the same time: `tracing` asks each subscriber only once whether it wants an event.
fn span_and_events_have_the_documented_fields_and_no_others() {
    let listener = Listener::default();
    let transport = Answers::default();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(listener.clone()), || {
        for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
            // A success at the second attempt, and a refusal.
            transport.0.lock().unwrap().0 = vec![(200, REFUSED), (200, STARTED), (500, BUSY)];
            let client = BlockingClient::builder(transport.clone(), credentials()).signing(signing).build();
            client.init_face_verify(&init()).unwrap();
            let values = std::mem::take(&mut listener.0.lock().unwrap().values);
            assert!(
                !values.contains_key("otel.status_code"),
                "a success leaves the status unset: {values:?}"
            );
            assert_eq!(values["http.request.resend_count"], "1");
            client.init_face_verify(&init()).unwrap_err();
            let values = std::mem::take(&mut listener.0.lock().unwrap().values);
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
