//! Which nonces were used, per access key, for as long as a signature could be valid.

use std::collections::HashMap;
use std::time::Duration;

use cloudauth_protocol::UnixTime;

/// How long a nonce is remembered: the vendor's page on V1 says that a timestamp is valid for 31 minutes.
const MEMORY: Duration = Duration::from_secs(31 * 60);

#[derive(Debug, Default)]
pub(crate) struct Nonces(HashMap<(String, String), UnixTime>);

impl Nonces {
    /// Remembers a nonce; `false` if it was used before.
    pub(crate) fn is_fresh(&mut self, access_key_id: &str, nonce: &str, now: UnixTime) -> bool {
        // Looked through now and then, so that the memory stays bounded at a small cost.
        if self.0.len().is_multiple_of(1024) {
            self.0.retain(|_, used| now.since(*used) < MEMORY);
        }
        let used = self.0.insert((access_key_id.to_owned(), nonce.to_owned()), now);
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
}
