//! A signature with its stages, to compare with another implementation's.

use std::fmt;

use http::Request;

use crate::wire::body::Body;

/// A signed request and how its signature came about.
pub struct Explanation {
    request: Request<Body>,
    stages: Stages,
    masked: Stages,
}

/// The stages of one signature.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Stages {
    /// V1: the sorted, encoded parameters. V3: the canonical request.
    pub canonical: String,
    /// What the HMAC is computed over.
    pub string_to_sign: String,
    /// Base64 (V1) or lower-case hexadecimal (V3).
    pub signature: String,
}

impl Explanation {
    pub(super) const fn new(request: Request<Body>, stages: Stages, masked: Stages) -> Self {
        Self { request, stages, masked }
    }

    /// The request, as [`prepare`] would have given it.
    #[must_use]
    pub fn into_request(self) -> Request<Body> {
        self.request
    }

    /// The stages with each personal value replaced by its name, and the true signature. Computed from the
    /// replaced values, so hashing them again does not give the signature.
    #[must_use]
    pub const fn masked(&self) -> &Stages {
        &self.masked
    }

    /// The stages as they were signed, names, ID numbers and tokens included.
    #[must_use]
    pub const fn expose(&self) -> &Stages {
        &self.stages
    }
}

impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation").field("masked", &self.masked.canonical).finish_non_exhaustive()
    }
}

impl fmt::Debug for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stages(canonical: {} bytes, signature: {})", self.canonical.len(), self.signature)
    }
}
