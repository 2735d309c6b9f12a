//! The targets and their bounds.

mod credentials;
mod emulator;
mod exchange;
mod flow;
mod hints;
mod lab;
mod pages;
mod policy;
mod replies;
mod signing;
mod values;

use std::sync::OnceLock;
use std::time::Duration;

use crate::measure::{Bounds, assert_counts_threads};
use crate::reach;

/// A target. Its seeds are in `seeds/NAME`.
pub(crate) struct Target {
    name: &'static str,
    run: fn(&[u8]),
    bounds: Bounds,
    /// What the seeds together must reach.
    places: &'static [&'static str],
}

const MIB: usize = 1 << 20;

/// For code that reads a document in memory, or gives it to several readers.
const SMALL: Bounds =
    Bounds { time: Duration::from_millis(50), per_byte: Duration::from_micros(1), memory: 64 * MIB };
/// For fifty readers that each get the same text.
const MANY: Bounds = Bounds { per_byte: Duration::from_micros(3), ..SMALL };
/// For code that writes a file and starts a thread, or proves a policy over every cell.
const LARGE: Bounds =
    Bounds { time: Duration::from_millis(2_000), per_byte: Duration::from_nanos(1_000), memory: 512 * MIB };
/// For signatures: five ways encode the parameters twice, for the request and again for its explanation. A parameter of three bytes takes
/// 200 bytes of memory, and more time for each byte than a long one.
const SIGNED: Bounds = Bounds { per_byte: Duration::from_micros(6), memory: 512 * MIB, ..SMALL };
/// For the emulator: up to eight requests, and bodies up to 4 MiB.
const EMULATOR: Bounds =
    Bounds { time: Duration::from_millis(50), per_byte: Duration::from_nanos(100), memory: 64 * MIB };

#[rustfmt::skip]
const TARGETS: &[Target] = &[
    target("replies", replies::replies, SMALL, &["a session", "a result", "a result that passed", "a result with material"]),
    target("gateway_errors", replies::gateway_errors, SMALL, &["an error in XML", "an error in JSON"]),
    target("material", replies::material, SMALL, &["a score", "no attack"]),
    target("callback", hints::callback, SMALL, &["a callback with a token", "a callback of another product", "the genuine token", "a field twice", "a callback without an id"]),
    target("browser_return", hints::browser_return, SMALL, &["a message", "a return", "a return with an id"]),
    target("values", values::values, MANY, &[
        "a personal value", "an identifier", "an endpoint", "a callback on this machine", "an object of OSS",
        "a word of the flow", "a word without long numbers", "a digest", "an event", "a finding", "the head of a chain",
        "a checkpoint", "a number", "a redaction", "a verdict", "a proxy with a password", "a dialect",
    ]),
    target("signing", signing::signing, SIGNED, &["a signed request", "a request with a person"]),
    target("policy", policy::policy, LARGE, &["a policy", "a policy with problems", "evidence that is approved", "a verdict that changes"]),
    target("evidence", policy::evidence, SMALL, &["evidence that is approved", "malformed evidence"]),
    target("lab_json", lab::json, LARGE, &["a broken line", "lines with two verdicts"]),
    target("lab_csv", lab::csv, LARGE, &["records", "records with quotes or tabs"]),
    target("lab_checkpoint", lab::checkpoint, LARGE, &["rows of a checkpoint"]),
    target("lab_mapping", lab::mapping, SMALL, &["a mapping", "an error of a mapping with a person"]),
    target("lab_counts", lab::counts, LARGE, &["CSV that adds up", "JSON that adds up", "counts that do not add up", "counts with months"]),
    #[cfg(feature = "parquet")]
    target("lab_parquet", lab::parquet, LARGE, &["rows"]),
    target("credentials_files", credentials::files, SMALL, &[
        "a profile with a secret", "a profile with a secret and an error", "a profile file that is not JSON",
        "a section with a secret", "a section with a role", "a section with a secret and an error",
    ]),
    target("credentials_answers", credentials::answers, SMALL, &["fetched credentials", "an error of a service"]),
    target("exchange", exchange::exchange, SMALL, &["a success", "a success after a retry", "an error", "an error after a retry"]),
    target("flow_machine", flow::machine, SMALL, &["an approved verification"]),
    target("flow_document", flow::document, SMALL, &["a verification", "a document with an error", "a document that is not JSON"]),
    target("flow_webhook", flow::webhook, SMALL, &["the vector of the specification", "headers that are refused"]),
    target("flow_pages", pages::pages, SMALL, &[
        "the page", "the page again", "the head of the page", "a start", "MetaInfo that cannot be read",
        "a form of another page", "an unknown capability", "another method",
    ]),
    target("emulator_http", emulator::http, EMULATOR, &[
        "a session of a call", "a result", "a call by GET", "a deleted result", "an unknown action",
        "a session of the admin API", "the page of a session", "the way back from the page", "a genuine callback",
        "an explained signature", "a fault", "a moved clock", "a snapshot", "bytes that are not HTTP",
        "a body that does not end",
    ]),
];

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    bounds: Bounds,
    places: &'static [&'static str],
) -> Target {
    Target { name, run, bounds, places }
}

impl Target {
    /// Runs one input. With `FUZZ_UNBOUNDED`, once and without the bounds: valgrind makes it slower.
    pub(crate) fn run(&self, data: &[u8]) {
        static UNBOUNDED: OnceLock<bool> = OnceLock::new();
        if *UNBOUNDED.get_or_init(|| std::env::var_os("FUZZ_UNBOUNDED").is_some()) {
            return (self.run)(data);
        }
        self.bounds.check(self.run, data);
    }
}

/// Checks that the chosen target can find something: its bound on memory, and what its seeds reach.
pub(crate) fn prepare() {
    let target = chosen();
    assert_counts_threads();
    reach::check(|data| target.run(data), target.places);
}

/// Returns the target that `FUZZ_TARGET` names. Ends the program if there is no such target.
pub(crate) fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            eprintln!("FUZZ_TARGET must be one of: {}", names.join(", "));
            std::process::exit(2)
        })
    })
}
