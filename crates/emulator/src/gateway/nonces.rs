//! Which nonces were used, per access key, for as long as a signature could be valid.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use cloudauth_protocol::UnixTime;
use sha2::{Digest, Sha256};

/// How long a nonce is remembered: the vendor's page on V1 says that a timestamp is valid for 31 minutes.
const MEMORY: Duration = Duration::from_secs(31 * 60);

/// The most nonces that are remembered; the oldest is forgotten for one more.
pub(crate) const KEPT: usize = 200_000;

/// A hash of access key and nonce: of one size, however long they are.
type Hash = [u8; 32];

#[derive(Debug, Default)]
pub(crate) struct Nonces {
    used: HashMap<Hash, UnixTime>,
    /// In the order in which they were used.
    order: VecDeque<(Hash, UnixTime)>,
}

impl Nonces {
    /// Remembers a nonce; `false` if it was used before.
    pub(crate) fn is_fresh(&mut self, access_key_id: &str, nonce: &str, now: UnixTime) -> bool {
        while let Some((hash, used)) = self.order.front()
            && (now.since(*used) >= MEMORY || self.order.len() >= KEPT)
        {
            // A nonce that was used again meanwhile is remembered from then on.
            if self.used.get(hash) == Some(used) {
                self.used.remove(hash);
            }
            self.order.pop_front();
        }
        let hash: Hash = Sha256::digest(format!("{access_key_id}\n{nonce}")).into();
        self.order.push_back((hash, now));
        let used = self.used.insert(hash, now);
        used.is_none_or(|used| now.since(used) >= MEMORY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_fresh_once_in_31_minutes_per_key() {
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
        for at in 0..KEPT + 10 {
            assert!(nonces.is_fresh("a", &at.to_string(), now));
        }
        assert_eq!((nonces.used.len(), nonces.order.len()), (KEPT, KEPT));
        assert!(!nonces.is_fresh("a", &KEPT.to_string(), now));
    }
}
