//! Used nonces per access key, for as long as a signature can be valid.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use cloudauth_protocol::UnixTime;
use sha2::{Digest, Sha256};

/// How long a nonce is remembered. According to the vendor's page on V1, a timestamp is valid for 31 minutes.
const RETENTION: Duration = Duration::from_secs(31 * 60);

/// The maximum number of nonces. One more replaces the oldest.
pub(crate) const MAX_NONCES: usize = 200_000;

/// The hash of access key id and nonce: a fixed size for any length.
type Hash = [u8; 32];

/// The used nonces.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    used: HashMap<Hash, UnixTime>,
    /// In order of use.
    order: VecDeque<(Hash, UnixTime)>,
}

impl Nonces {
    /// Records a nonce. Returns `false` if it was used before.
    pub(crate) fn is_fresh(&mut self, access_key_id: &str, nonce: &str, now: UnixTime) -> bool {
        while let Some((hash, used)) = self.order.front()
            && (now.since(*used) >= RETENTION || self.order.len() >= MAX_NONCES)
        {
            // A nonce that was used again is remembered from its latest use.
            if self.used.get(hash) == Some(used) {
                self.used.remove(hash);
            }
            self.order.pop_front();
        }
        let hash: Hash = Sha256::digest(format!("{access_key_id}\n{nonce}")).into();
        self.order.push_back((hash, now));
        let used = self.used.insert(hash, now);
        used.is_none_or(|used| now.since(used) >= RETENTION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_a_nonce_once_in_31_minutes_per_key() {
        let mut nonces = Nonces::default();
        let at = |minutes: u64| UnixTime::from_secs(1_767_323_045 + minutes * 60);
        assert!(nonces.is_fresh("a", "n", at(0)));
        assert!(!nonces.is_fresh("a", "n", at(0)));
        assert!(nonces.is_fresh("b", "n", at(0)));
        assert!(!nonces.is_fresh("a", "n", at(30)));
        assert!(nonces.is_fresh("a", "n", at(62)));
    }

    #[test]
    fn remembers_a_bounded_number_of_nonces() {
        let mut nonces = Nonces::default();
        let now = UnixTime::from_secs(1_767_323_045);
        for at in 0..MAX_NONCES {
            assert!(nonces.is_fresh("a", &at.to_string(), now));
        }
        assert!(nonces.is_fresh("a", "one more", now));
        assert_eq!((nonces.used.len(), nonces.order.len()), (MAX_NONCES, MAX_NONCES));
        assert!(!nonces.is_fresh("a", "2", now));
        assert!(nonces.is_fresh("a", "0", now), "forgotten");
    }
}
