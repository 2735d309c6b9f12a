//! A signed request that can be printed.

use std::fmt;

use http::Request;

use crate::wire::body::Body;

/// A signed request. `Debug` prints its method, its host and the size of its body, but neither its URL nor its headers: with
/// some signatures the URL holds a name and an ID number.
pub struct SignedRequest(Request<Body>);

impl SignedRequest {
    pub(super) const fn new(request: Request<Body>) -> Self {
        Self(request)
    }

    /// The request for an HTTP client. Its `Debug` prints the URL.
    #[must_use]
    pub fn into_http(self) -> Request<Body> {
        self.0
    }

    /// The request, to inspect it. Its `Debug` prints the URL.
    #[must_use]
    pub const fn as_http(&self) -> &Request<Body> {
        &self.0
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.uri().host().unwrap_or_default();
        write!(f, "SignedRequest({} to {host}, {:?})", self.0.method(), self.0.body())
    }
}
