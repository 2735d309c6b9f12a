//! What a run holds and how long its calls take, from time to time, and whether that grows.

/// The samples of a run. The first third warms up: the emulator fills its 100,000 sessions.
pub(crate) const SAMPLES: usize = 15;

#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// KiB in memory.
    pub(crate) memory: u64,
    pub(crate) descriptors: u64,
    /// The median and the 99th percentile of the calls, in microseconds.
    pub(crate) p50: u64,
    pub(crate) p99: u64,
}

/// A part of a sample: its name, its value, and how much it may grow: a share, and an amount for small values.
type Part = (&'static str, fn(&Sample) -> u64, f64, u64);

/// A busy machine changes latencies more than memory.
const PARTS: [Part; 4] = [
    ("KiB resident", |sample| sample.memory, 0.1, 8),
    ("descriptors", |sample| sample.descriptors, 0.1, 8),
    ("p50 in microseconds", |sample| sample.p50, 0.25, 1_000),
    ("p99 in microseconds", |sample| sample.p99, 0.25, 5_000),
];

/// Returns the parts whose median in the last third is above that in the second third by more than it may grow.
pub(crate) fn growing(samples: &[Sample]) -> Vec<&'static str> {
    let mut growing = Vec::new();
    for (name, value, share, amount) in PARTS {
        let middle = |third: usize| {
            let third = samples.chunks(SAMPLES / 3).nth(third).unwrap();
            let mut values: Vec<_> = third.iter().map(value).collect();
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap()
        };
        let (before, after) = (middle(1), middle(2));
        println!("{name}: {before} in the middle, {after} at the end");
        if after > before + (before as f64 * share) as u64 + amount {
            growing.push(name);
        }
    }
    growing
}

/// The check finds each part that grows, and nothing in a flat run.
pub(crate) fn finds_growth() {
    let flat = Sample { memory: 300_000, descriptors: 160, p50: 14_000, p99: 470_000 };
    assert!(growing(&[flat; SAMPLES]).is_empty());
    let of = |part: usize| {
        let grown = |at: usize| {
            let factor = if at >= 2 * SAMPLES / 3 { 2 } else { 1 };
            let mut sample = flat;
            let parts = [&mut sample.memory, &mut sample.descriptors, &mut sample.p50, &mut sample.p99];
            *parts.into_iter().nth(part).unwrap() *= factor;
            sample
        };
        (0..SAMPLES).map(grown).collect::<Vec<_>>()
    };
    for (part, (name, ..)) in PARTS.iter().enumerate() {
        assert_eq!(growing(&of(part)), [*name]);
    }
}
