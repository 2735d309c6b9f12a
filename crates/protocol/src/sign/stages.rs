//! A signature with its stages, to compare with another implementation's.

use std::fmt;

use super::request::SignedRequest;
use crate::wipe::wipe;

/// A signed request and the stages of its signature.
pub struct Explanation {
    request: SignedRequest,
    stages: Stages,
    masked: Stages,
}

/// The stages of one signature, wiped on drop.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Stages {
    /// V1: the sorted, encoded parameters. V3: the canonical request.
    pub canonical: String,
    /// The input of the HMAC.
    pub string_to_sign: String,
    /// Base64 (V1) or lower-case hexadecimal (V3).
    pub signature: String,
}

impl Explanation {
    pub(super) const fn new(request: SignedRequest, stages: Stages, masked: Stages) -> Self {
        Self { request, stages, masked }
    }

    /// The request, as [`prepare`](crate::prepare) returns it.
    #[must_use]
    pub fn into_request(self) -> SignedRequest {
        self.request
    }

    /// The stages with each personal value replaced by its name, each name that may be a value by a number, and the real signature. Hashing the replaced stages does not give
    /// that signature.
    #[must_use]
    pub const fn masked(&self) -> &Stages {
        &self.masked
    }

    /// The stages as signed, including names, ID numbers and tokens.
    #[must_use]
    pub const fn expose(&self) -> &Stages {
        &self.stages
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        wipe(&mut self.canonical);
        wipe(&mut self.string_to_sign);
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
