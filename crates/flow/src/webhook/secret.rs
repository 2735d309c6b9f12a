//! The secret of an endpoint.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::machine::ids::InvalidId;

const PREFIX: &str = "whsec_";

/// A secret that a sender and a receiver share: `whsec_` and 24 to 64 bytes in Base64. Each endpoint has its own. Keep it in your
/// secret store; the database of the flow never has it.
#[derive(Clone)]
pub struct WebhookSecret(Hmac<Sha256>);

impl WebhookSecret {
    /// Reads the text.
    ///
    /// # Errors
    /// If it is not `whsec_` and the Base64 of 24 to 64 bytes. The error does not quote it.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("WebhookSecret", "`whsec_` and 24 to 64 bytes in Base64");
        // Longer than 64 bytes in Base64.
        let encoded = text.strip_prefix(PREFIX).filter(|encoded| encoded.len() <= 100).ok_or(invalid)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| invalid)?);
        if !(24..=64).contains(&bytes.len()) {
            return Err(invalid);
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| invalid)
    }

    /// Writes 32 random bytes as the text of a new secret.
    #[must_use]
    pub fn text(entropy: &[u8; 32]) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(entropy)))
    }

    /// The code of a message: of `id.timestamp.body`.
    pub(super) fn code(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut code = self.0.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            code.update(part);
        }
        code
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_24_to_64_bytes_and_no_error_quotes_it() {
        let of = |bytes: usize| format!("{PREFIX}{}", STANDARD.encode(vec![7; bytes]));
        assert!([24, 32, 64].iter().all(|&bytes| WebhookSecret::new(&of(bytes)).is_ok()));
        for bad in [of(23), of(65), of(0), of(32).replace("whsec_", ""), "whsec_~".to_owned(), of(9_999)] {
            let error = WebhookSecret::new(&bad).unwrap_err().to_string();
            assert_eq!(error, "WebhookSecret: must be `whsec_` and 24 to 64 bytes in Base64");
        }
    }

    #[test]
    fn a_new_secret_is_read_back_and_debug_hides_it() {
        let secret = WebhookSecret::new(&WebhookSecret::text(&[9; 32])).unwrap();
        assert_eq!(format!("{secret:?}"), "WebhookSecret([redacted])");
    }
}
