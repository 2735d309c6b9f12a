//! What the seeds of a target reach. A target whose inputs all fail at the first check proves nothing.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_CHECKED: AtomicBool = AtomicBool::new(false);
static REACHED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

/// Notes that the input reached this place. It does nothing while the fuzzer runs.
pub(crate) fn reached(place: &'static str) {
    if IS_CHECKED.load(Ordering::Relaxed) {
        REACHED.lock().unwrap().insert(place);
    }
}

/// Runs each seed in the folder that `FUZZ_SEEDS` names, and panics if a place is left that none of them reaches. `cargo xtask fuzz`
/// sets the variable.
pub(crate) fn check(run: impl Fn(&[u8]), places: &[&str]) {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS") else { return };
    IS_CHECKED.store(true, Ordering::Relaxed);
    let mut seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    seeds.sort();
    for seed in seeds {
        eprintln!("seed {}", seed.display());
        run(&fs::read(seed).unwrap());
    }
    IS_CHECKED.store(false, Ordering::Relaxed);
    let reached = REACHED.lock().unwrap();
    let left: Vec<_> = places.iter().filter(|place| !reached.contains(*place)).collect();
    assert!(left.is_empty(), "no seed reaches: {left:?}");
    let unlisted: Vec<_> = reached.iter().filter(|place| !places.contains(place)).collect();
    assert!(unlisted.is_empty(), "reached, and not in the target's list: {unlisted:?}");
}
