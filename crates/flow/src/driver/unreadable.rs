//! Reports the verifications whose documents cannot be read.

use std::sync::atomic::Ordering;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::signals;
use crate::store::contract::Store;

/// The most that a report counts.
const MOST: usize = 100;

impl<S: Store> Flow<S> {
    /// Counts the verifications that claims pass over. Warns when there are more of them than after the sweep before.
    pub(crate) async fn report_unreadable(&self) -> Result<(), FlowError> {
        let unreadable = self.store.unreadable(MOST).await?;
        let before = self.unreadable.swap(unreadable.len(), Ordering::Relaxed);
        signals::unreadable(&unreadable, unreadable.len() > before);
        Ok(())
    }
}
