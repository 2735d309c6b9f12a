//! The times of two functions, side by side.

use std::time::Instant;

/// The undisturbed time of each function, in nanoseconds: the fastest of many batches, taken in turns so that both run under the
/// same conditions. Other load only adds time. With `--test`, one batch shows that both work.
pub(crate) fn side_by_side(mut one: impl FnMut(), mut other: impl FnMut()) -> (f64, f64) {
    let time = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..100).for_each(|_| f());
        start.elapsed().as_secs_f64() * 1e9 / 100.0
    };
    let mut fastest = (f64::MAX, f64::MAX);
    let batches = if std::env::args().any(|arg| arg == "--test") { 1 } else { 5_000 };
    for _ in 0..batches {
        fastest = (fastest.0.min(time(&mut one)), fastest.1.min(time(&mut other)));
    }
    fastest
}
