//! The request to start, and its link.

use std::fmt;

use cloudauth_protocol::{CertifyUrl, OuterOrderNo, SceneId};
use sha2::{Digest as _, Sha256};

use crate::machine::ids::{
    CapabilityHash, IdempotencyKey, IdentityRef, OrderRef, Purpose, SubjectRef, VerificationId,
};
use crate::machine::input::{Input, Start};
use crate::machine::state::{Consent, Verification};

/// A request to start. It refers to the person, and holds no personal data. The flow derives the reference to the claimed identity
/// from the identity that it sends.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "hosted", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct NewVerification {
    /// Your order.
    pub order: OrderRef,
    /// The person.
    pub subject: SubjectRef,
    /// The scene.
    pub scene: SceneId,
    /// The purpose.
    pub purpose: Purpose,
    /// The key of this request.
    pub key: IdempotencyKey,
    /// The consent.
    pub consent: Consent,
}

impl NewVerification {
    /// The input of the machine.
    pub(crate) fn start(
        self,
        id: VerificationId,
        identity: IdentityRef,
        order_no: OuterOrderNo,
        capability: CapabilityHash,
        page: Option<CapabilityHash>,
    ) -> Input {
        let Self { order, subject, scene, purpose, key, consent } = self;
        Input::Start(Start {
            id,
            order,
            subject,
            scene,
            purpose,
            key,
            identity,
            consent,
            order_no,
            capability,
            page,
        })
    }
}

/// What a browser holds to come back to its attempt. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Capability(Box<str>);

impl Capability {
    /// Creates a capability from 16 random bytes.
    #[must_use]
    pub(crate) fn generate(entropy: [u8; 16]) -> Self {
        Self(OuterOrderNo::generate(entropy).as_str().into())
    }

    /// Returns the text: 32 hexadecimal digits.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the digest of a text that a browser sent.
    pub(crate) fn digest(text: &str) -> CapabilityHash {
        CapabilityHash::new(Sha256::digest(text.as_bytes()).into())
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Capability([redacted])")
    }
}

/// A link for the person.
#[derive(Debug)]
#[non_exhaustive]
pub struct Started {
    /// The link. It is stored nowhere: redirect the person now.
    pub link: CertifyUrl,
    /// The verification.
    pub verification: Verification,
}
