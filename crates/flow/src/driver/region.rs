//! The region of a session, by the endpoint that created it.

use cloudauth_protocol::Endpoint;

use crate::machine::ids::Region;

/// Returns the region of an endpoint: its host and port, without the brackets of an IPv6 address.
pub(crate) fn region(endpoint: &Endpoint) -> Option<Region> {
    Region::new(&endpoint.authority().as_str().replace(['[', ']'], "")).ok()
}
