//! What a run holds, how long its calls take and how much it does, from time to time; and whether the first two grow or the last
//! shrinks.

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
    /// The calls without a flow that succeeded, the verifications decided, and the files that the lab replayed.
    pub(crate) calls: u64,
    pub(crate) decided: u64,
    pub(crate) replayed: u64,
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

/// Work of a sample: its name, and how often it was done.
type Work = (&'static str, fn(&Sample) -> u64);

const WORK: [Work; 3] = [
    ("calls that succeed", |sample| sample.calls),
    ("verifications decided", |sample| sample.decided),
    ("files replayed", |sample| sample.replayed),
];

/// Returns the parts whose median in the last third is above that in the second third by more than it may grow, and the work of
/// which there is less than three quarters of what was done in the second third, or none.
pub(crate) fn not_flat(samples: &[Sample]) -> Vec<&'static str> {
    let mut found = Vec::new();
    let values = |third: usize, value: fn(&Sample) -> u64| {
        samples.chunks(SAMPLES / 3).nth(third).unwrap().iter().map(value).collect::<Vec<_>>()
    };
    for (name, value, share, amount) in PARTS {
        let middle = |third: usize| {
            let mut values = values(third, value);
            values.sort_unstable();
            values.get(values.len() / 2).copied().unwrap()
        };
        let (before, after) = (middle(1), middle(2));
        println!("{name}: {before} in the middle, {after} at the end");
        if after > before + (before as f64 * share) as u64 + amount {
            found.push(name);
        }
    }
    for (name, value) in WORK {
        let [before, after] = [1, 2].map(|third| values(third, value).into_iter().sum::<u64>());
        println!("{name}: {before} in the middle, {after} at the end");
        if after == 0 || after < before * 3 / 4 {
            found.push(name);
        }
    }
    found
}

/// The check finds each part that grows and each work that stops, and nothing in a flat run.
pub(crate) fn finds_what_is_not_flat() {
    let flat = Sample {
        memory: 300_000,
        descriptors: 160,
        p50: 14_000,
        p99: 470_000,
        calls: 40_000,
        decided: 3_000,
        replayed: 20,
    };
    assert!(not_flat(&[flat; SAMPLES]).is_empty());
    let of = |part: usize| {
        let changed = |at: usize| {
            let mut sample = flat;
            let Sample { memory, descriptors, p50, p99, calls, decided, replayed } = &mut sample;
            let value =
                [memory, descriptors, p50, p99, calls, decided, replayed].into_iter().nth(part).unwrap();
            if at >= 2 * SAMPLES / 3 {
                *value = if part < PARTS.len() { *value * 2 } else { 0 };
            }
            sample
        };
        (0..SAMPLES).map(changed).collect::<Vec<_>>()
    };
    let names = PARTS.iter().map(|(name, ..)| *name).chain(WORK.iter().map(|(name, _)| *name));
    for (part, name) in names.enumerate() {
        assert_eq!(not_flat(&of(part)), [name]);
    }
}
