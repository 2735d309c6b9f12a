//! The limit on the rows of people that a run keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::MOST_KEPT;

/// The rows after which a thread tells the others. Each thread may exceed the limit by these.
const BLOCK: usize = 1024;

/// The rows of people that the threads of a run keep together. Each thread has a clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room {
    kept: Arc<AtomicUsize>,
    /// The rows of this thread that the others do not know.
    untold: usize,
}

impl Room {
    /// Counts rows. Returns whether there is room for them. If there is not, all threads together have more than the limit.
    #[inline]
    pub(crate) fn take(&mut self, rows: usize) -> bool {
        self.untold += rows;
        if self.untold >= BLOCK {
            self.kept.fetch_add(self.untold, Ordering::Relaxed);
            self.untold = 0;
        }
        self.is_left()
    }

    /// Returns whether there is room. If there is not, there never will be.
    pub(crate) fn is_left(&self) -> bool {
        self.kept.load(Ordering::Relaxed) <= MOST_KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_limit() {
        let room = Room::default();
        let (mut one, mut other) = (room.clone(), room);
        assert!(one.take(MOST_KEPT / 2) && other.take(MOST_KEPT / 2) && one.take(BLOCK - 1));
        assert!(!other.take(BLOCK) && !one.take(0));
    }
}
