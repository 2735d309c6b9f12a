//! Access keys and their status.

use std::collections::HashMap;

/// The id of the default access key.
pub(crate) const ACCESS_KEY_ID: &str = "EMUtestid";
/// The secret of the default access key and of the other built-in keys.
pub(crate) const ACCESS_KEY_SECRET: &str = "EMUtestsecret";

/// The access keys, by id.
pub(crate) type AccessKeys = HashMap<String, AccessKey>;

/// An access key: its secret, token and status.
#[derive(Clone)]
pub(crate) struct AccessKey {
    pub(crate) secret: String,
    /// The security token of a temporary key.
    pub(crate) token: Option<String>,
    pub(crate) status: KeyStatus,
}

/// The status of an access key, which determines the answer to a correctly signed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyStatus {
    Active,
    Inactive,
    /// The RAM user lacks the permission.
    Forbidden,
    /// The security token has expired.
    Expired,
}

impl AccessKey {
    pub(crate) fn active(secret: &str) -> Self {
        Self { secret: secret.to_owned(), token: None, status: KeyStatus::Active }
    }

    pub(crate) fn temporary(secret: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::active(secret) }
    }

    pub(crate) fn with_status(self, status: KeyStatus) -> Self {
        Self { status, ..self }
    }
}

/// Returns whether an access key id looks like one of a real account.
pub(crate) fn looks_like_real_key(access_key_id: &str) -> bool {
    access_key_id.starts_with("LTAI")
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessKey([redacted])")
    }
}

/// Returns the built-in access keys: one that works, and one for each refusal that depends on the key.
pub(crate) fn built_in_keys() -> AccessKeys {
    let secret = ACCESS_KEY_SECRET;
    let keys = [
        (ACCESS_KEY_ID, AccessKey::active(secret)),
        ("EMUinactive", AccessKey::active(secret).with_status(KeyStatus::Inactive)),
        ("EMUforbidden", AccessKey::active(secret).with_status(KeyStatus::Forbidden)),
        ("STS.EMUexpired", AccessKey::temporary(secret, "EMUtoken").with_status(KeyStatus::Expired)),
    ];
    HashMap::from(keys.map(|(id, key)| (id.to_owned(), key)))
}
