//! What a call took.

use cloudauth_protocol::{Endpoint, Operation};

use crate::exchange::Exchange;

/// What a call took, besides its result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallReport {
    /// The endpoint of the last request.
    pub endpoint: Endpoint,
    /// The number of requests sent. Each of them counts for the account's rate.
    pub requests: u32,
}

impl CallReport {
    pub(super) fn of<O: Operation>(exchange: &Exchange<'_, O>) -> Self {
        let (endpoint, requests) = exchange.progress();
        Self { endpoint: endpoint.clone(), requests }
    }

    /// The report of a call that could not be signed.
    pub(super) fn unsent(endpoint: &Endpoint) -> Self {
        Self { endpoint: endpoint.clone(), requests: 0 }
    }
}
