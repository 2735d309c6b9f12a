//! What `InitFaceVerify` returns: a started verification and its link.

use std::fmt;

use crate::values::order::CertifyId;

/// A started verification. Id and link live 30 minutes and take one submission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaceVerifySession {
    /// The service's name for this verification. Keep it beside your order number; never take it from the
    /// browser.
    pub certify_id: CertifyId,
    /// Where to send the person. `None` when the service did not believe the `MetaInfo`: it must be what
    /// `getMetaInfo()` returned in the person's own browser, just now.
    pub certify_url: Option<CertifyUrl>,
}

/// The link that the person opens. Whoever has it can take the verification, so `Debug` shows its length alone.
/// Send it on unchanged: an edited link answers with a signature error, and its domain may change any day.
#[derive(Clone, PartialEq, Eq)]
pub struct CertifyUrl(Box<str>);

impl CertifyUrl {
    pub(super) fn new(url: &str) -> Self {
        Self(url.into())
    }

    /// The link itself, `http` or `https`.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CertifyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertifyUrl({} bytes)", self.0.len())
    }
}
