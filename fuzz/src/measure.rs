//! Bounds on the CPU time and the memory of one input.

use std::time::Duration;

use cpu_time::ProcessTime;
use peak_alloc::PeakAlloc;

/// Counts the memory of all threads: the lab reads and decides in threads of its own.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The bounds of a target.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// CPU time, for inputs that are small.
    pub(crate) time: Duration,
    /// CPU time for each byte. It makes the bound linear in the size of the input.
    pub(crate) per_byte: Duration,
    /// The memory that is allocated at any moment, in bytes. Longer inputs than [`SHORT`] may use [`LINEAR`] more.
    pub(crate) memory: usize,
}

/// The inputs that have the same bound on their memory: those of most targets.
const SHORT: usize = (4 << 20) + (64 << 10);

/// The memory for each byte beyond that. serde_json takes up to 100 bytes of memory for each byte of a document.
const LINEAR: usize = 128;

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
        let allocated = allocated(|| run(data));
        let took = start.elapsed();
        let bound = self.memory + LINEAR * data.len().saturating_sub(SHORT);
        assert!(allocated <= bound, "{} bytes allocate {allocated} bytes", data.len());
        took
    }
}

/// Returns the most memory that is allocated at any moment, by all threads and beyond what is allocated before.
fn allocated(run: impl FnOnce()) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    run();
    MEMORY.peak_usage().saturating_sub(before)
}

/// Panics if the memory of another thread is not counted.
pub(crate) fn assert_counts_threads() {
    const SIZE: usize = 1 << 20;
    let in_a_thread = || drop(std::thread::spawn(|| std::hint::black_box(vec![0_u8; SIZE]).len()).join());
    assert!(allocated(in_a_thread) >= SIZE, "the memory of a thread is not counted");
}
