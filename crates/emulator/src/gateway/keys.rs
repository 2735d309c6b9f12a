//! The access keys.

use std::collections::HashMap;

/// The id of the default access key.
pub(crate) const ACCESS_KEY_ID: &str = "EMUtestid";
/// The secret of the default access key and of the other built-in keys.
pub(crate) const ACCESS_KEY_SECRET: &str = "EMUtestsecret";

/// The access keys, by their ids.
pub(crate) type Keys = HashMap<String, Key>;

/// What an access key signs with.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) secret: String,
    /// The security token, of a temporary key.
    pub(crate) token: Option<String>,
    pub(crate) standing: Standing,
}

/// What becomes of calls that are signed well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Active,
    Inactive,
    /// Of a RAM user without the permission.
    Forbidden,
    /// Its security token has expired.
    Expired,
}

impl Key {
    pub(crate) fn active(secret: &str) -> Self {
        Self { secret: secret.to_owned(), token: None, standing: Standing::Active }
    }

    pub(crate) fn temporary(secret: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::active(secret) }
    }

    pub(crate) fn standing(self, standing: Standing) -> Self {
        Self { standing, ..self }
    }
}

/// Whether an id looks like one of a real account: those begin so.
pub(crate) fn looks_real(access_key_id: &str) -> bool {
    access_key_id.starts_with("LTAI")
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// The access keys that every emulator has: one for use, and one for each refusal of a key.
pub(crate) fn built_in() -> Keys {
    let secret = ACCESS_KEY_SECRET;
    let keys = [
        (ACCESS_KEY_ID, Key::active(secret)),
        ("EMUinactive", Key::active(secret).standing(Standing::Inactive)),
        ("EMUforbidden", Key::active(secret).standing(Standing::Forbidden)),
        ("STS.EMUexpired", Key::temporary(secret, "EMUtoken").standing(Standing::Expired)),
    ];
    HashMap::from(keys.map(|(id, key)| (id.to_owned(), key)))
}
