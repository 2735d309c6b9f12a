//! The targets and their bounds.

mod credentials;
mod emulator;
mod exchange;
mod flow;
mod hints;
mod lab;
mod policy;
mod replies;
mod signing;
mod values;

use std::sync::OnceLock;
use std::time::Duration;

use crate::measure::Bounds;

/// A target. Its seeds are in `seeds/NAME`.
pub(crate) struct Target {
    name: &'static str,
    run: fn(&[u8]),
    bounds: Bounds,
}

const MIB: u64 = 1 << 20;

/// For code that reads a document in memory, or gives it to several readers.
const SMALL: Bounds =
    Bounds { time: Duration::from_millis(50), per_byte: Duration::from_micros(1), memory: 64 * MIB };
/// For code that writes a file and starts a thread, or proves a policy over every cell.
const LARGE: Bounds =
    Bounds { time: Duration::from_millis(2_000), per_byte: Duration::from_nanos(1_000), memory: 512 * MIB };
/// For signatures: each encodes up to 4 MiB of parameters twice, for the request and again for its explanation.
const SIGNED: Bounds = Bounds { memory: 128 * MIB, ..SMALL };
/// For the emulator: up to eight requests, and bodies up to 4 MiB.
const EMULATOR: Bounds =
    Bounds { time: Duration::from_millis(50), per_byte: Duration::from_nanos(100), memory: 64 * MIB };

#[rustfmt::skip]
const TARGETS: &[Target] = &[
    target("replies", replies::replies, SMALL),
    target("gateway_errors", replies::gateway_errors, SMALL),
    target("material", replies::material, SMALL),
    target("callback", hints::callback, SMALL),
    target("browser_return", hints::browser_return, SMALL),
    target("values", values::values, SMALL),
    target("signing", signing::signing, SIGNED),
    target("policy", policy::policy, LARGE),
    target("evidence", policy::evidence, SMALL),
    target("lab_json", lab::json, LARGE),
    target("lab_csv", lab::csv, LARGE),
    target("lab_mapping", lab::mapping, SMALL),
    target("lab_counts", lab::counts, LARGE),
    #[cfg(feature = "parquet")]
    target("lab_parquet", lab::parquet, LARGE),
    target("credentials_files", credentials::files, SMALL),
    target("credentials_answers", credentials::answers, SMALL),
    target("exchange", exchange::exchange, SMALL),
    target("flow_machine", flow::machine, SMALL),
    target("flow_document", flow::document, SMALL),
    target("flow_webhook", flow::webhook, SMALL),
    target("emulator_http", emulator::http, EMULATOR),
];

const fn target(name: &'static str, run: fn(&[u8]), bounds: Bounds) -> Target {
    Target { name, run, bounds }
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
