//! The region of a session, by the endpoint that created it.

use cloudauth_protocol::{CertifyId, Endpoint};

use crate::driver::flow::Flow;
use crate::machine::ids::Region;
use crate::store::contract::Store;

/// Returns the region of an endpoint: its host and port, without the brackets of an IPv6 address.
pub(crate) fn region(endpoint: &Endpoint) -> Option<Region> {
    Region::new(&endpoint.authority().as_str().replace(['[', ']'], "")).ok()
}

impl<S: Store> Flow<S> {
    /// Sends the calls about a session to the region that created it, which this process may not know.
    pub(crate) fn aim(&self, session: &CertifyId, at: Option<&Region>) {
        let mut endpoints = self.client.settings().endpoints.iter();
        if let Some(endpoint) = endpoints.find(|endpoint| at.is_some() && region(endpoint).as_ref() == at) {
            self.client.set_origin(session, endpoint);
        }
    }
}
