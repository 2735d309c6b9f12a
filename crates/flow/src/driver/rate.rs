//! The rate of the account, shared by all instances through the store.

use std::time::Duration;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::quota::Quota;
use crate::store::contract::Store;

/// How often a start tries to get a call.
const TRIES: usize = 8;

/// The most seconds of calls that a process owes. The pauses of a start take at least 3.5 s.
const MOST_OWED: u32 = 3;

impl<S: Store> Flow<S> {
    /// Reserves up to `want` calls in this second, and returns how many were granted. Make them in this
    /// second: a grant that is used later exceeds the account's rate.
    pub(crate) async fn reserve(&self, quota: Quota, want: u32) -> Result<u32, FlowError> {
        if want == 0 {
            return Ok(0);
        }
        let mut debt = self.owed.take(quota);
        let (now, limit) = (self.clock.now(), quota.limit(&self.settings));
        let all = want.saturating_add(debt.left());
        let granted = self.store.reserve_calls(quota.operation(), now, all, limit).await?;
        Ok(granted - debt.pay(granted))
    }

    /// Reserves the call of a start. Waits some seconds if other instances left none.
    pub(crate) async fn reserve_start(&self) -> Result<(), FlowError> {
        for again in 0..TRIES {
            if again > 0 {
                // By chance, so that no instance always comes last in a second.
                self.client.sleep(self.jittered(Duration::from_secs(1))).await;
            }
            if self.reserve(Quota::Starts, 1).await? > 0 {
                return Ok(());
            }
        }
        Err(FlowError::Busy)
    }

    /// Counts requests that were made without a grant. A start waits longer than the largest debt takes.
    pub(crate) fn owe(&self, quota: Quota, requests: u32) {
        let most = quota.limit(&self.settings).saturating_mul(MOST_OWED);
        self.owed.add(quota, requests, most);
    }
}
