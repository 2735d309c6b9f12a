//! The chain of a verification's events: each event contains the hash of the one before it.

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::machine::ids::{Digest, VerificationId};
use crate::machine::time::millis;

/// The end of a chain: the last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ChainHead {
    /// The number of events.
    pub n: u64,
    /// The time of the last event. The times of a chain never decrease, even if the clock does.
    #[serde(with = "millis")]
    pub at: UnixTime,
    /// The hash of the last event.
    pub hash: Digest,
}

impl ChainHead {
    /// The start of the chain of a verification. It depends on the id, so that chains cannot be exchanged.
    #[must_use]
    pub fn new(id: &VerificationId) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"cloudauth flow chain 1");
        hash.update(id.as_bytes());
        Self { n: 0, at: UnixTime::from_millis(0), hash: Digest::new(hash.finalize().into()) }
    }

    /// The head after one more event.
    pub(crate) fn next(&self, kind: &str, at: UnixTime, body: &str) -> Self {
        let n = self.n.saturating_add(1);
        let mut hash = Sha256::new();
        hash.update(b"cloudauth flow event 1");
        hash.update(self.hash.as_bytes());
        hash.update(n.to_be_bytes());
        // With its length, so that different pairs of type and body never give the same bytes.
        hash.update((kind.len() as u64).to_be_bytes());
        hash.update(kind.as_bytes());
        hash.update(at.as_millis().to_be_bytes());
        hash.update(body.as_bytes());
        Self { n, at, hash: Digest::new(hash.finalize().into()) }
    }
}
