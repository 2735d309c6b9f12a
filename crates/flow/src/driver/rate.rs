//! The rate of the account, shared by all instances through the store.

use std::time::Duration;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::quota::Quota;
use crate::store::contract::Store;

/// How often a start tries to get a call.
const TRIES: usize = 8;

impl<S: Store> Flow<S> {
    /// Reserves up to `want` calls in this second, and returns how many were granted. Make them in this
    /// second: a grant that is used later exceeds the account's rate.
    pub(crate) async fn reserve(&self, quota: Quota, want: u32) -> Result<u32, FlowError> {
        if want == 0 {
            return Ok(0);
        }
        let debt = self.owed.of(quota);
        let (now, limit) = (self.clock.now(), quota.limit(&self.settings));
        let granted =
            self.store.reserve_calls(quota.operation(), now, want.saturating_add(debt), limit).await?;
        let paid = granted.min(debt);
        self.owed.pay(quota, paid);
        Ok(granted - paid)
    }

    /// Reserves one call. Waits some seconds if other instances left none.
    pub(crate) async fn reserve_one(&self, quota: Quota) -> Result<(), FlowError> {
        for _ in 1..TRIES {
            if self.reserve(quota, 1).await? > 0 {
                return Ok(());
            }
            // By chance, so that no instance always comes last in a second.
            self.client.sleep(self.jittered(Duration::from_secs(1))).await;
        }
        if self.reserve(quota, 1).await? > 0 { Ok(()) } else { Err(FlowError::Busy) }
    }

    /// Counts requests that were made without a grant. The debt is at most that of ten seconds.
    pub(crate) fn owe(&self, quota: Quota, requests: u32) {
        let most = quota.limit(&self.settings).saturating_mul(10);
        self.owed.add(quota, requests, most);
    }
}
