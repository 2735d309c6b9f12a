//! The metrics of calls: exactly what `docs/observability.md` lists, with exact counts, and no data of a person.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudauth_client::credentials::{CredentialExchange, ProvideCredentials, ProvideError};
use cloudauth_client::{BlockingClient, Client, Settings};
use cloudauth_protocol::{
    Body, CertifyId, Credentials, DeleteFaceVerifyResult, Effect, Operation, ParamLocation, RawOperation,
    UnixTime,
};
use cloudauth_transport::testing::{Scripted, describe_face_verify, init_face_verify};
use cloudauth_transport::{BlockingTransport, Limits, Sent, TransportError, TransportErrorKind};
use http::{Request, Response};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use pollster::block_on;

const DOCS: &str = include_str!("../../../docs/observability.md");
const DURATION: &str = "cloudauth_client_call_duration_seconds";
const RETRIES: &str = "cloudauth_client_retries_total";
const SCENARIOS: [fn(); 2] = [everything::<Async>, everything::<Blocking>];

#[test]
fn every_call_is_measured_once_and_every_retry_is_counted() {
    for scenario in SCENARIOS {
        let recorded = recorded(scenario);
        let (init, describe, delete) =
            ("Cloudauth/InitFaceVerify", "Cloudauth/DescribeFaceVerify", "Cloudauth/DeleteFaceVerifyResult");
        let expected = [
            (DURATION, vec![init, "200", ""], 1),
            (DURATION, vec![init, "200", "Refused"], 2),
            (DURATION, vec![describe, "400", "Gateway"], 1),
            (DURATION, vec![describe, "200", "Malformed"], 1),
            (DURATION, vec![describe, "", "Transport"], 1),
            (DURATION, vec![describe, "", "Deadline"], 1),
            (DURATION, vec![describe, "", "Credentials"], 1),
            (DURATION, vec![delete, "", "Transport"], 1),
            (DURATION, vec!["_OTHER", "", "Build"], 1),
            (DURATION, vec!["_OTHER", "200", ""], 1),
            (RETRIES, vec![init, "Gateway"], 2),
            (RETRIES, vec![describe, "Gateway"], 1),
            (RETRIES, vec![delete, "Transport"], 1),
        ];
        let found = recorded.iter().map(|(series, values)| {
            let labels = series.labels.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
            let count = match series.kind {
                "counter" => values.iter().sum::<f64>(),
                _ => values.len() as f64,
            };
            (series.name.clone(), labels, count as u64)
        });
        let expected = expected.map(|(name, labels, count)| {
            (name.to_owned(), labels.into_iter().map(str::to_owned).collect(), count)
        });
        assert_eq!(found.collect::<BTreeSet<_>>(), expected.into());
        assert!(recorded.values().flatten().all(|value| *value > 0.0), "{recorded:?}");
    }
}

#[test]
fn metrics_have_the_documented_names_and_labels_and_no_others() {
    let series: Vec<Series> =
        SCENARIOS.into_iter().flat_map(|scenario| recorded(scenario).into_keys()).collect();
    let shapes = series.iter().map(|series| {
        let labels: Vec<_> = series.labels.iter().map(|(label, _)| label.clone()).collect();
        (series.name.clone(), series.kind.to_owned(), labels)
    });
    let documented = rows("| `cloudauth_client_").map(|row| {
        let [name, kind, _, labels] = row[..] else { panic!("{row:?}") };
        (codes(name).concat(), kind.to_owned(), codes(labels))
    });
    assert_eq!(shapes.collect::<BTreeSet<_>>(), documented.collect());

    let values = |label: &str| -> BTreeSet<String> {
        let labels = series.iter().flat_map(|series| &series.labels);
        labels.filter(|(name, _)| name == label).map(|(_, value)| value.clone()).collect()
    };
    let row = |begin: &'static str| rows(begin).next().unwrap();
    let labels: BTreeSet<_> =
        rows("| `").filter(|row| row.len() == 2).map(|row| codes(row[0]).concat()).collect();
    assert_eq!(
        labels,
        series.iter().flat_map(|series| &series.labels).map(|(name, _)| name.clone()).collect()
    );
    assert_eq!(values("rpc_method"), codes(row("| `rpc_method`")[1]).into_iter().collect());
    let kinds = codes(DOCS.lines().find_map(|line| line.strip_prefix("| `error.type` | ")).unwrap());
    assert_eq!(values("error_type"), kinds.into_iter().chain([String::new()]).collect());
    let is_status = |value: &String| value.is_empty() || value.len() == 3 && value.parse::<u16>().is_ok();
    assert!(values("http_response_status_code").iter().all(is_status));

    let shown = format!("{series:?}").to_lowercase();
    for planted in ["planted", "testid", "testsecret", "order1", "sha1", "aliyuncs", "999999", "exception"] {
        assert!(!shown.contains(planted), "{planted}: {shown}");
    }
}

#[test]
fn a_duration_is_in_seconds_and_covers_all_attempts() {
    #[derive(Debug)]
    struct Slow(Scripted);

    impl BlockingTransport for Slow {
        fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
            self.sleep(Duration::from_millis(30));
            BlockingTransport::send(&self.0, request, limits)
        }

        fn sleep(&self, time: Duration) {
            std::thread::sleep(time.min(Duration::from_millis(30)));
        }
    }

    let recorded = recorded(|| {
        let slow = Slow(Scripted::new([answer(500, BUSY), answer(200, STARTED)]));
        BlockingClient::new(slow, credentials())
            .init_face_verify(&init_face_verify("order1").unwrap())
            .unwrap();
    });
    let durations: Vec<_> = recorded
        .iter()
        .filter(|(series, _)| series.name == DURATION)
        .flat_map(|(_, values)| values)
        .collect();
    assert!(matches!(durations[..], [seconds] if (0.06..20.0).contains(seconds)), "{durations:?}");
}

const STARTED: &str = r#"{"Code":"200","RequestId":"R-1","ResultObject":{"CertifyId":"sha1","CertifyUrl":"https://t.example/planted"}}"#;
const BUSY: &str = r#"{"Code":"InternalError","RequestId":"R-1"}"#;
const REFUSED: &str = r#"{"Code":"417","RequestId":"R-1","Message":"planted"}"#;

type Answer = Result<Response<Body>, TransportError>;

fn answer(status: u16, body: &'static str) -> Answer {
    Ok(Response::builder().status(status).body(Body::from(body)).unwrap())
}

fn lost() -> Answer {
    Err(TransportError::new(TransportErrorKind::Connect, Sent::No))
}

fn credentials() -> Credentials {
    Credentials::new("testid", "testsecret").unwrap()
}

#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        Box::new(|_: UnixTime| Err(ProvideError::new("planted", "exception")))
    }
}

/// A client, async or blocking.
trait Calls {
    fn call<O: Operation + Sync>(
        script: Scripted,
        by: impl ProvideCredentials + 'static,
        with: Change,
        op: &O,
    ) where
        O::Output: Send;
}

type Change = fn(&mut Settings);

struct Async;
struct Blocking;

impl Calls for Async {
    fn call<O: Operation + Sync>(
        script: Scripted,
        by: impl ProvideCredentials + 'static,
        with: Change,
        op: &O,
    ) where
        O::Output: Send,
    {
        let _ = block_on(Client::new(script, by).with(with).call(op));
    }
}

impl Calls for Blocking {
    fn call<O: Operation + Sync>(
        script: Scripted,
        by: impl ProvideCredentials + 'static,
        with: Change,
        op: &O,
    ) where
        O::Output: Send,
    {
        let _ = BlockingClient::new(script, by).with(with).call(op);
    }
}

/// Provokes each value of each label.
fn everything<C: Calls>() {
    let (init, describe) = (init_face_verify("order1").unwrap(), describe_face_verify("sha1").unwrap());
    let delete = DeleteFaceVerifyResult::new(CertifyId::new("sha1").unwrap());
    let script = |answers: Vec<Answer>| Scripted::new(answers);
    let (same, once): (Change, Change) = (|_| (), |settings| settings.attempts = 1);
    C::call(script(vec![answer(500, BUSY), answer(200, STARTED)]), credentials(), same, &init);
    C::call(script(vec![answer(200, REFUSED)]), credentials(), same, &init);
    C::call(script(vec![answer(500, BUSY), answer(200, REFUSED)]), credentials(), same, &init);
    C::call(script(vec![answer(400, r#"{"Code":"Forbidden.RAM"}"#)]), credentials(), same, &describe);
    C::call(script(vec![answer(200, "planted")]), credentials(), once, &describe);
    // The status of the last attempt, not of an earlier one.
    let twice: Change = |settings| settings.attempts = 2;
    C::call(script(vec![answer(500, BUSY), lost()]), credentials(), twice, &describe);
    C::call(script(vec![lost(), lost()]), credentials(), twice, &delete);
    C::call(script(vec![]), credentials(), |settings| settings.deadline = Duration::ZERO, &describe);
    C::call(script(vec![]), NoCredentials, same, &describe);
    let other = |name| {
        RawOperation::new("Planted999999199001012003", Effect::Read).unwrap().param(
            ParamLocation::Body,
            name,
            "planted",
        )
    };
    C::call(
        script(vec![]),
        credentials(),
        same,
        &other("Twice").param(ParamLocation::Body, "Twice", "planted"),
    );
    C::call(script(vec![answer(200, r#"{"Code":"200"}"#)]), credentials(), same, &other("Name"));
}

/// A name with labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    name: String,
    kind: &'static str,
    labels: Vec<(String, String)>,
}

#[derive(Default)]
struct Metrics(Mutex<BTreeMap<Series, Arc<Values>>>);

#[derive(Default)]
struct Values(Mutex<Vec<f64>>);

impl CounterFn for Values {
    fn increment(&self, value: u64) {
        self.0.lock().unwrap().push(value as f64);
    }

    fn absolute(&self, _: u64) {
        panic!("a counter is incremented");
    }
}

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

impl Metrics {
    fn values(&self, kind: &'static str, key: &Key) -> Arc<Values> {
        let labels = key.labels().map(|label| (label.key().to_owned(), label.value().to_owned())).collect();
        let series = Series { name: key.name().to_owned(), kind, labels };
        Arc::clone(self.0.lock().unwrap().entry(series).or_default())
    }
}

impl Recorder for Metrics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.values("counter", key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("{key} is not documented")
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.values("histogram", key))
    }
}

/// Returns what a function records.
fn recorded(function: impl FnOnce()) -> BTreeMap<Series, Vec<f64>> {
    let metrics = Metrics::default();
    metrics::with_local_recorder(&metrics, function);
    let series = metrics.0.into_inner().unwrap();
    series.into_iter().map(|(series, values)| (series, values.0.lock().unwrap().clone())).collect()
}

/// The cells of the rows of the section about the metrics of calls that begin so.
fn rows(begin: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let (_, section) = DOCS.split_once("\n## The metrics of calls\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(move |line| line.starts_with(begin));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// The words in backticks.
fn codes(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
