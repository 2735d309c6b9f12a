//! Credentials: an access key, its secret, and the security token of a temporary key.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The secret of an access key. `Debug` redacts it, its memory is wiped on drop, and the keyed HMAC state of each signature is
/// computed once.
pub struct AccessKeySecret {
    text: Zeroizing<Box<str>>,
    v1: Hmac<Sha1>,
    v3: Hmac<Sha256>,
}

impl AccessKeySecret {
    fn new(secret: &str) -> Self {
        let v1_key = Zeroizing::new(format!("{secret}&"));
        Self {
            text: Zeroizing::new(secret.into()),
            v1: keyed(v1_key.as_bytes()),
            v3: keyed(secret.as_bytes()),
        }
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// HMAC-SHA1 keyed with the secret and the `&` that V1 appends.
    pub(crate) fn v1(&self) -> Hmac<Sha1> {
        self.v1.clone()
    }

    /// HMAC-SHA256 keyed with the secret, for V3.
    pub(crate) fn v3(&self) -> Hmac<Sha256> {
        self.v3.clone()
    }
}

impl fmt::Debug for AccessKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKeySecret([redacted])")
    }
}

/// A keyed HMAC. Keys of any length are valid.
pub(crate) fn keyed<M: KeyInit>(key: &[u8]) -> M {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    M::new_from_slice(key).expect("a key of any length")
}

/// The security token of temporary credentials (STS).
pub struct SecurityToken(Zeroizing<Box<str>>);

impl SecurityToken {
    /// The token itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecurityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecurityToken([redacted])")
    }
}

/// Credentials that sign requests. Cheap to clone: clones share the secret.
#[derive(Clone, Debug)]
pub struct Credentials(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    access_key_id: Box<str>,
    secret: AccessKeySecret,
    security_token: Option<SecurityToken>,
}

impl Credentials {
    /// A long-lived access key.
    ///
    /// # Errors
    /// If a value is empty or contains characters that a header cannot carry.
    pub fn new(access_key_id: &str, access_key_secret: &str) -> Result<Self, CredentialsError> {
        Self::build(access_key_id, access_key_secret, None)
    }

    /// A temporary access key with its security token (STS).
    ///
    /// # Errors
    /// If a value is empty or contains characters that a header cannot carry.
    pub fn temporary(
        access_key_id: &str,
        access_key_secret: &str,
        security_token: &str,
    ) -> Result<Self, CredentialsError> {
        Self::build(access_key_id, access_key_secret, Some(security_token))
    }

    fn build(id: &str, secret: &str, token: Option<&str>) -> Result<Self, CredentialsError> {
        let security_token = match token {
            Some(token) => Some(SecurityToken(Zeroizing::new(checked("security token", token)?.into()))),
            None => None,
        };
        Ok(Self(Arc::new(Inner {
            access_key_id: checked("access key id", id)?.into(),
            secret: AccessKeySecret::new(checked("access key secret", secret)?),
            security_token,
        })))
    }

    /// The access key id. It is not a secret, and the gateway's errors mention it.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.0.access_key_id
    }

    /// The secret.
    #[must_use]
    pub fn secret(&self) -> &AccessKeySecret {
        &self.0.secret
    }

    /// The security token of a temporary key.
    #[must_use]
    pub fn security_token(&self) -> Option<&SecurityToken> {
        self.0.security_token.as_ref()
    }
}

fn checked<'a>(what: &'static str, text: &'a str) -> Result<&'a str, CredentialsError> {
    if text.is_empty() {
        return Err(CredentialsError { what, problem: "is empty" });
    }
    // Inner spaces are valid in a header and appear in the vendor's vectors; spaces at either end would be lost.
    if text.trim() != text {
        let problem = "begins or ends with white space, such as the final newline of a file";
        return Err(CredentialsError { what, problem });
    }
    if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(CredentialsError { what, problem: "has a control character or one outside ASCII" });
    }
    Ok(text)
}

/// The error of credentials that cannot sign. It names the invalid part, never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialsError {
    what: &'static str,
    problem: &'static str,
}

impl CredentialsError {
    /// Returns the invalid part in English: `access key secret`.
    #[must_use]
    pub const fn part(&self) -> &'static str {
        self.what
    }

    /// Returns the problem in English. It quotes no value.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.problem
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} {}", self.what, self.problem)
    }
}

impl std::error::Error for CredentialsError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state alone can sign. A trait object of each hash exists only with its feature `zeroize`, which wipes the state.
    #[test]
    fn the_keyed_states_of_a_secret_are_wiped_on_drop() {
        let hashes: [&dyn zeroize::ZeroizeOnDrop; 2] = [&Sha1::default(), &Sha256::default()];
        assert_eq!(hashes.len(), 2);
    }

    #[test]
    fn names_a_trailing_line_break_and_never_shows_the_secret() {
        let error = Credentials::new("testid", "testsecret\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the access key secret begins or ends with white space, such as the final newline of a file"
        );
    }

    #[test]
    fn debug_shows_only_the_access_key_id() {
        let shown = format!("{:?}", Credentials::temporary("testid", "secret-1", "token-1").unwrap());
        assert!(
            shown.contains("testid") && !shown.contains("secret-1") && !shown.contains("token-1"),
            "{shown}"
        );
    }
}
