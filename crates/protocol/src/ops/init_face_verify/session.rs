//! What `InitFaceVerify` returns: a started verification and its link.

use std::fmt;

use zeroize::Zeroizing;

use crate::values::order::CertifyId;

/// A started verification. The id and the link are valid for 30 minutes and one submission.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaceVerifySession {
    /// The service's identifier of this verification. Store it with your order number; never take it from the browser.
    pub certify_id: CertifyId,
    /// The link that the person opens. `None` if the service did not accept the `MetaInfo`: it must be what `getMetaInfo()` just
    /// returned in the person's own browser.
    pub certify_url: Option<CertifyUrl>,
}

/// The link that the person opens. Anyone with the link can perform the verification, so `Debug` shows only its length. Pass it
/// on unchanged: an edited link gives a signature error, and its domain may change at any time.
#[derive(Clone, PartialEq, Eq)]
pub struct CertifyUrl(Zeroizing<Box<str>>);

impl CertifyUrl {
    pub(super) fn new(url: &str) -> Self {
        Self(Zeroizing::new(url.into()))
    }

    /// The link, `http` or `https`.
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
