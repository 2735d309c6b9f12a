//! The list of benchmarks: their figures, and the tables of the performance page that show them.

/// A table of the performance page. One benchmark fills it.
pub(crate) struct Table {
    /// Its name in the markers of the page, in the baseline and on the command line.
    pub(crate) name: &'static str,
    pub(crate) source: Source,
    /// Whether the benchmark runs on one core.
    pub(crate) pinned: bool,
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: &'static [Row],
}

/// The program that measures the figures of a table.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Source {
    /// The benchmark of this package that has the table's name. It prints a line `figure KEY VALUE` for each figure.
    Bench(&'static str),
    /// callgrind, which counts the instructions of the protocol's example `instructions`. The key `V3` is the count for that
    /// argument; `V3/V1` is the ratio of two counts.
    Instructions,
}

/// A row: the text of its first column, and a figure for each other column.
pub(crate) struct Row(pub(crate) &'static str, pub(crate) &'static [Figure]);

pub(crate) struct Figure {
    pub(crate) key: &'static str,
    pub(crate) unit: Unit,
    /// The worst value that the project accepts.
    pub(crate) required: Option<f64>,
}

#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// A ratio of two figures of the same run.
    Times,
    Nanoseconds,
    PerSecond,
    Instructions,
}

impl Table {
    pub(crate) fn figures(&self) -> impl Iterator<Item = &'static Figure> {
        self.rows.iter().flat_map(|row| row.1)
    }

    /// Whether every run gives the same figures.
    pub(crate) fn is_exact(&self) -> bool {
        self.source == Source::Instructions
    }
}

impl Unit {
    pub(crate) fn shown(self, value: f64) -> String {
        match self {
            Self::Times => format!("{value:.2} times"),
            Self::Nanoseconds if value < 1e3 => format!("{value:.0} ns"),
            Self::Nanoseconds if value < 1e6 => format!("{:.2} µs", value / 1e3),
            Self::Nanoseconds => format!("{:.2} ms", value / 1e6),
            Self::PerSecond => format!("{} a second", grouped(value)),
            Self::Instructions => grouped(value),
        }
    }

    pub(crate) fn is_worse(self, value: f64, than: f64) -> bool {
        if self.more_is_better() { value < than } else { value > than }
    }

    pub(crate) fn more_is_better(self) -> bool {
        matches!(self, Self::PerSecond)
    }

    /// Whether figures of different machines cannot be compared.
    pub(crate) fn is_of_a_machine(self) -> bool {
        !matches!(self, Self::Instructions)
    }
}

/// A whole number with a comma before each group of three digits.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const fn figure(key: &'static str, unit: Unit) -> Figure {
    Figure { key, unit, required: None }
}

const fn required(key: &'static str, unit: Unit, bound: f64) -> Figure {
    Figure { key, unit, required: Some(bound) }
}

use Unit::{Instructions, Nanoseconds, PerSecond, Times};

/// One column of figures.
const FIGURE: &[&str] = &["what", "figure"];

/// Every bench.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "sign",
        source: Source::Bench("cloudauth-protocol"),
        pinned: true,
        columns: FIGURE,
        rows: &[
            Row(
                "signing the page's 15 parameters with a 300-byte MetaInfo, V1, from parameters and clock to the finished body",
                &[figure("v1", Nanoseconds)],
            ),
            Row("the same over HMAC-SHA1 alone, keyed once", &[required("v1-over-hmac", Times, 1.75)]),
            Row("a whole request under V3 over one under V1", &[required("v3-over-v1", Times, 1.3)]),
            Row("a whole request under V3Body over one under V1", &[required("v3body-over-v1", Times, 1.3)]),
        ],
    },
    Table {
        name: "parse",
        source: Source::Bench("cloudauth-protocol"),
        pinned: true,
        columns: FIGURE,
        rows: &[
            Row(
                "reading a 2.2 KB `DescribeFaceVerify` reply and its `MaterialInfo`",
                &[figure("parse", Nanoseconds)],
            ),
            Row(
                "the same over serde_json into borrowed structs",
                &[required("parse-over-serde", Times, 0.70)],
            ),
        ],
    },
    Table {
        name: "instructions",
        source: Source::Instructions,
        pinned: false,
        columns: &["what", "instructions"],
        rows: &[
            Row("V1, parameters to body, without SHA-1 (`sign`)", &[figure("sign", Instructions)]),
            Row("whole request under V1, without SHA-1 (`V1`)", &[figure("V1", Instructions)]),
            Row("whole request under V3, without SHA-256 (`V3`)", &[figure("V3", Instructions)]),
            Row("over V1", &[required("V3/V1", Times, 1.3)]),
            Row("whole request under V3Body, without SHA-256 (`V3Body`)", &[figure("V3Body", Instructions)]),
            Row("over V1", &[required("V3Body/V1", Times, 1.3)]),
            Row("reading the reply, both stages (`parse`)", &[figure("parse", Instructions)]),
        ],
    },
    Table {
        name: "exchange",
        source: Source::Bench("cloudauth-tests"),
        pinned: true,
        columns: FIGURE,
        rows: &[
            Row("a call over a transport that answers immediately", &[figure("call", Nanoseconds)]),
            Row("of that, making the stamp, signing and reading", &[figure("sign-and-read", Nanoseconds)]),
            Row(
                "the rest: credentials, endpoint, retries, deadline",
                &[required("rest", Nanoseconds, 400.0)],
            ),
        ],
    },
    Table {
        name: "cpu",
        source: Source::Bench("cloudauth-tests"),
        pinned: true,
        columns: &["over", "one at a time", "32 concurrently"],
        rows: &[
            Row("reqwest", &[required("reqwest-1", Times, 1.24), figure("reqwest-32", Times)]),
            Row("isahc", &[required("isahc-1", Times, 1.20), required("isahc-32", Times, 1.10)]),
            Row("ureq", &[figure("ureq-1", Times), figure("ureq-32", Times)]),
        ],
    },
    Table {
        name: "emulator",
        source: Source::Bench("cloudauth-tests"),
        pinned: false,
        columns: FIGURE,
        rows: &[
            Row("start, inside a test", &[figure("start", Nanoseconds)]),
            Row(
                "`InitFaceVerify` and `DescribeFaceVerify`, client and emulator on the same cores, 32 concurrently: pairs",
                &[required("pairs", PerSecond, 15_000.0)],
            ),
            Row("CPU time of a pair, client and emulator", &[figure("pair-cpu", Nanoseconds)]),
            Row(
                "`InitFaceVerify` calls signed beforehand, sender and emulator on the same cores: calls",
                &[required("signed", PerSecond, 30_000.0)],
            ),
            Row("CPU time of such a call, sender and emulator", &[figure("signed-cpu", Nanoseconds)]),
            Row("reset with 64,000 sessions", &[figure("reset", Nanoseconds)]),
        ],
    },
    Table {
        name: "refused",
        source: Source::Bench("cloudauth-emulator"),
        pinned: false,
        columns: &["body", "one long value", "many parameters, at most 900"],
        rows: &[
            Row("1 KiB", &[figure("1-one", Times), figure("1-many", Times)]),
            Row("8 KiB", &[figure("8-one", Times), figure("8-many", Times)]),
            Row("64 KiB", &[figure("64-one", Times), figure("64-many", Times)]),
            Row("256 KiB", &[figure("256-one", Times), figure("256-many", Times)]),
            Row("1 MiB", &[figure("1024-one", Times), figure("1024-many", Times)]),
        ],
    },
];
