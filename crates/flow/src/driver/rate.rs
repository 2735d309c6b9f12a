//! The rate of the account, shared by all instances through the store.

use std::time::Duration;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::store::contract::Store;

/// How often a caller waits for the next second.
const WAITS: usize = 8;

impl<S: Store> Flow<S> {
    /// Reserves up to `want` calls, and waits some seconds for those that other instances left none for. Returns how many were
    /// granted.
    pub(crate) async fn reserve(&self, operation: &str, want: u32, limit: u32) -> Result<u32, FlowError> {
        let mut granted = 0;
        for wait in 0..WAITS {
            if granted >= want {
                break;
            }
            if wait > 0 {
                let into_second = self.clock.now().as_millis() % 1_000;
                self.client.sleep(Duration::from_millis(1_000 - into_second)).await;
            }
            let left = want.saturating_sub(granted);
            granted += self.store.reserve_calls(operation, self.clock.now(), left, limit.max(1)).await?;
        }
        Ok(granted)
    }
}
