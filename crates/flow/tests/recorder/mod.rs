//! Records what the driver counts and what it warns of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, span};

/// The counters and gauges by name and labels.
#[derive(Default)]
struct Counters(Mutex<BTreeMap<String, Arc<Count>>>);

/// The sum of a counter, or the largest value of a gauge.
#[derive(Default)]
struct Count(AtomicU64);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, _: u64) {
        panic!("a counter is incremented");
    }
}

impl GaugeFn for Count {
    fn increment(&self, _: f64) {
        panic!("a gauge is set");
    }

    fn decrement(&self, _: f64) {
        panic!("a gauge is set");
    }

    fn set(&self, value: f64) {
        self.0.fetch_max(value as u64, Ordering::Relaxed);
    }
}

impl Counters {
    fn entry(&self, key: &Key) -> Arc<Count> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{} {}", key.name(), labels.join(","));
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }
}

impl Recorder for Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        if key.name().starts_with(OF_THE_CLIENT) {
            return Counter::noop();
        }
        Counter::from_arc(self.entry(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.entry(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        assert!(key.name().starts_with(OF_THE_CLIENT), "{key} is not documented");
        Histogram::noop()
    }
}

/// The metrics of the client have a test of their own.
const OF_THE_CLIENT: &str = "cloudauth_client_";

/// Returns what a function counts: the sum of each counter, and the largest value of each gauge.
pub(crate) fn counted(function: impl FnOnce()) -> BTreeMap<String, u64> {
    let counters = Counters::default();
    metrics::with_local_recorder(&counters, function);
    let counters = counters.0.lock().unwrap();
    counters.iter().map(|(name, count)| (name.clone(), count.0.load(Ordering::Relaxed))).collect()
}

/// What was logged: the warnings of the flow, and the text of every span and event, also those of the client.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) warnings: Vec<Warning>,
    pub(crate) text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Warning {
    pub(crate) message: String,
    /// The other fields.
    pub(crate) fields: BTreeMap<String, String>,
}

impl Warning {
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.fields.keys().cloned().collect()
    }
}

impl Visit for Warning {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        if field.name() == "message" {
            self.message = value;
        } else {
            self.fields.insert(field.name().to_owned(), value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

struct Listener(Arc<Mutex<Log>>);

impl Subscriber for Listener {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut fields = Warning::default();
        span.record(&mut fields);
        writeln!(self.0.lock().unwrap().text, "{} {fields:?}", span.metadata().name()).unwrap();
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut fields = Warning::default();
        values.record(&mut fields);
        writeln!(self.0.lock().unwrap().text, "{fields:?}").unwrap();
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Warning::default();
        event.record(&mut fields);
        let mut log = self.0.lock().unwrap();
        writeln!(log.text, "{fields:?}").unwrap();
        let target = event.metadata().target();
        if target.starts_with("cloudauth_flow") {
            assert_eq!(*event.metadata().level(), Level::WARN, "{fields:?}");
            // The filter of docs/observability.md names it.
            assert!(target == "cloudauth_flow" || target.starts_with("cloudauth_flow::"), "{target}");
            log.warnings.push(fields);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Returns what a function logs.
pub(crate) fn logged(function: impl FnOnce()) -> Log {
    let log = Arc::new(Mutex::new(Log::default()));
    tracing::subscriber::with_default(Listener(Arc::clone(&log)), function);
    std::mem::take(&mut *log.lock().unwrap())
}
