//! Bounds on the CPU time and the memory of one input.

use std::time::Duration;

use cpu_time::ProcessTime;

/// The bounds of a target.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// CPU time, for inputs that are small.
    pub(crate) time: Duration,
    /// CPU time for each byte. It makes the bound linear in the size of the input.
    pub(crate) per_byte: Duration,
    /// The memory that is allocated at any moment, in bytes.
    pub(crate) memory: u64,
}

impl Bounds {
    /// Runs a target, and panics if it exceeds a bound.
    pub(crate) fn check(&self, run: fn(&[u8]), data: &[u8]) {
        let mut took = self.once(run, data);
        let bound = self.time + self.per_byte * u32::try_from(data.len()).unwrap_or(u32::MAX);
        // A page fault or another process in between can make one run slow.
        for _ in 0..3 {
            if took <= bound {
                return;
            }
            took = took.min(self.once(run, data));
        }
        assert!(took <= bound, "{} bytes took {took:?} of CPU time, more than {bound:?}", data.len());
    }

    fn once(&self, run: fn(&[u8]), data: &[u8]) -> Duration {
        let start = ProcessTime::now();
        let allocated = allocation_counter::measure(|| run(data)).bytes_max;
        let took = start.elapsed();
        assert!(allocated <= self.memory, "{} bytes allocate {allocated} bytes", data.len());
        took
    }
}
