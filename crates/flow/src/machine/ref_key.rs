//! The key that turns a user id and an identity into references.

use std::fmt;

use cloudauth_protocol::{CertName, CertNo, Identity};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::machine::ids::{IdentityRef, InvalidId, SubjectRef};

/// The key of the references to people. Keep it outside the database, and do not change it while verifications are stored: other
/// keys give other references, so that limits and blocks start from zero.
///
/// A plain hash would not do: an ID number has few enough values to try them all.
///
/// ```
/// use cloudauth_flow::RefKey;
/// use cloudauth_protocol::{CertName, CertNo, Identity};
///
/// let key = RefKey::new(&[7; 32])?; // from your secret store
/// let (name, number) = (CertName::new("张三")?, CertNo::new("999999199001012003")?);
/// assert_eq!(key.identity(&name, &number), key.identity(&name, &number));
/// assert_ne!(key.subject("user-1"), key.subject("user-2"));
/// assert!(RefKey::new(b"short").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RefKey(Hmac<Sha256>);

impl RefKey {
    /// Takes a key of at least 32 random bytes.
    ///
    /// # Errors
    /// If the key is shorter.
    pub fn new(key: &[u8]) -> Result<Self, InvalidId> {
        let short = InvalidId::new("RefKey", "at least 32 random bytes");
        if key.len() < 32 {
            return Err(short);
        }
        Hmac::new_from_slice(key).map(Self).map_err(|_| short)
    }

    /// Returns the reference to a person, from your own user id.
    #[must_use]
    pub fn subject(&self, user_id: &str) -> SubjectRef {
        SubjectRef::from_hmac(self.digest("cloudauth flow subject 1", &[user_id]))
    }

    /// Returns the reference to a claimed identity.
    #[must_use]
    pub fn identity(&self, name: &CertName, number: &CertNo) -> IdentityRef {
        IdentityRef::from_hmac(self.digest("cloudauth flow identity 1", &[name.expose(), number.expose()]))
    }

    /// Returns the reference to the identity of a request. That of a ciphertext is the reference to the ciphertext: encrypt once
    /// per person and order, because another ciphertext counts as another identity.
    #[must_use]
    pub fn of(&self, identity: &Identity) -> IdentityRef {
        let (name, number) = (identity.name(), identity.number());
        if identity.is_encrypted() {
            let parts = [name.expose(), number.expose()];
            return IdentityRef::from_hmac(self.digest("cloudauth flow ciphertext 1", &parts));
        }
        self.identity(name, number)
    }

    fn digest(&self, label: &str, parts: &[&str]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(label.as_bytes());
        for part in parts {
            // With its length, so that different parts never give the same bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for RefKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefKey([redacted])")
    }
}
