//! Identifiers: scene, order, session, authorisation.

use std::fmt;

use super::{InvalidValue, text};
use crate::redact::{mask_digits, personal};
use crate::wire::stamp::hex;

/// `SceneId`: the number that the console gives a verification scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SceneId(u64);

impl SceneId {
    /// # Errors
    /// If the number is zero or does not fit the wire's signed 64 bits.
    pub const fn new(id: u64) -> Result<Self, InvalidValue> {
        if id == 0 || id > i64::MAX as u64 {
            return Err(InvalidValue::new("SceneId", "must be between 1 and 2^63 - 1"));
        }
        Ok(Self(id))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SceneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `OuterOrderNo`: your own, unique name for this verification.
///
/// The vendor's page says "32 letters and digits"; its sister products say 1 to 32. This type takes 1 to 32,
/// and [`OuterOrderNo::generate`] makes 32. What the service does with a number that it has seen is not
/// documented.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OuterOrderNo(Box<str>);

impl OuterOrderNo {
    /// # Errors
    /// If it is not 1 to 32 ASCII letters and digits.
    pub fn new(value: &str) -> Result<Self, InvalidValue> {
        if !(1..=32).contains(&value.len()) || !value.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(InvalidValue::new(
                "OuterOrderNo",
                "must be 1 to 32 letters and digits (A-Z a-z 0-9)",
            ));
        }
        Ok(Self(value.into()))
    }

    /// From 16 random bytes: 32 hexadecimal digits.
    #[must_use]
    pub fn generate(entropy: [u8; 16]) -> Self {
        Self(String::from_utf8_lossy(&hex(entropy)).into())
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `CertifyId`: the service's name for this verification, valid for 30 minutes and one submission. `Debug` masks long runs
/// of digits in one that is not in the documented form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertifyId(Box<str>);

impl CertifyId {
    /// The documented examples are 32 hexadecimal digits, or `sha` and 29 of them; this type asks only for
    /// 1 to 64 letters and digits.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn new(value: &str) -> Result<Self, InvalidValue> {
        if !(1..=64).contains(&value.len()) || !value.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(InvalidValue::new("CertifyId", "must be 1 to 64 letters and digits"));
        }
        Ok(Self(value.into()))
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CertifyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertifyId({:?})", mask_digits(&self.0))
    }
}

personal! {
    /// `AuthId`: the user's authorisation id, at most 64 characters (documented).
    AuthId
}

impl AuthId {
    /// # Errors
    /// If it is empty, longer than 64 characters, or holds control characters.
    pub fn new(value: &str) -> Result<Self, InvalidValue> {
        if text("AuthId", value)?.chars().count() > 64 {
            return Err(InvalidValue::new("AuthId", "must be at most 64 characters"));
        }
        Ok(Self(value.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_number_is_letters_and_digits() {
        assert!(OuterOrderNo::new("e0c34a77f5ac40a5aa5e6ed20c353888").is_ok());
        for bad in ["", "verify-1-2", "e0c34a77f5ac40a5aa5e6ed20c3538889", "订单"] {
            assert!(OuterOrderNo::new(bad).is_err(), "{bad}");
        }
        assert_eq!(OuterOrderNo::generate([0xab; 16]).as_str(), "ab".repeat(16));
    }

    #[test]
    fn an_auth_id_is_counted_in_characters() {
        assert!(AuthId::new(&"汉".repeat(64)).is_ok());
        assert_eq!(
            AuthId::new(&"汉".repeat(65)).unwrap_err().to_string(),
            "AuthId: must be at most 64 characters"
        );
    }

    #[test]
    fn a_scene_is_positive() {
        assert!(SceneId::new(0).is_err() && SceneId::new(u64::MAX).is_err() && SceneId::new(1).is_ok());
    }
}
