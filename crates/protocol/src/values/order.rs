//! Identifiers: scene, order, verification, authorization.

use std::fmt;
use std::str::FromStr;

use super::{InvalidValue, text};
use crate::redact::{mask_digits, personal};
use crate::wire::stamp::hex;

/// `SceneId`: the number of a verification scene in the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SceneId(u64);

impl SceneId {
    /// Checks the number.
    ///
    /// # Errors
    /// If the number is zero or does not fit into a signed 64-bit integer, the type on the wire.
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

impl FromStr for SceneId {
    type Err = InvalidValue;

    /// Reads the number, in decimal digits.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidValue::new("SceneId", "must be a number"));
        }
        Self::new(text.parse().unwrap_or_default())
    }
}

/// `OuterOrderNo`: your own unique identifier of a verification.
/// The vendor's page says "32 letters and digits"; its sibling products say 1 to 32. This type accepts 1 to 32, and
/// [`OuterOrderNo::generate`] creates 32. How the service treats a repeated number is not documented.
/// `Debug` masks long runs of digits unless it is 32 hexadecimal digits with a letter among them; `Display` is exact.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OuterOrderNo(Box<str>);

impl OuterOrderNo {
    /// Checks the number.
    ///
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

    /// Creates a number from 16 random bytes: 32 hexadecimal digits.
    #[must_use]
    pub fn generate(entropy: [u8; 16]) -> Self {
        Self(String::from_utf8_lossy(&hex::<16, 32>(entropy)).into())
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OuterOrderNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OuterOrderNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OuterOrderNo({:?})", mask_digits(&self.0))
    }
}

impl FromStr for OuterOrderNo {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}

/// `CertifyId`: the service's identifier of a verification, valid for 30 minutes and one submission. `Debug` masks long runs of
/// digits unless it is 32 hexadecimal digits; `Display` is exact.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CertifyId(Box<str>);

impl CertifyId {
    /// Checks the identifier. The documented examples are 32 hexadecimal digits, or `sha` and 29 hexadecimal digits; this type
    /// requires only 1 to 64 letters and digits.
    ///
    /// # Errors
    /// If it has another form.
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

/// The exact identifier, to store or to send. Use `Debug` for logs: it masks what could be an ID number.
impl fmt::Display for CertifyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CertifyId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}

impl fmt::Debug for CertifyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertifyId({:?})", mask_digits(&self.0))
    }
}

personal! {
    /// `AuthId`: the user's authorization id, at most 64 characters (documented).
    AuthId
}

impl AuthId {
    /// Checks the id.
    ///
    /// # Errors
    /// If it is empty, longer than 64 characters, or contains control characters.
    pub fn new(value: &str) -> Result<Self, InvalidValue> {
        if text("AuthId", value)?.chars().count() > 64 {
            return Err(InvalidValue::new("AuthId", "must be at most 64 characters"));
        }
        Ok(Self::hold(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_order_numbers_of_letters_and_digits() {
        assert!(OuterOrderNo::new("e0c34a77f5ac40a5aa5e6ed20c353888").is_ok());
        for bad in ["", "verify-1-2", "e0c34a77f5ac40a5aa5e6ed20c3538889", "订单"] {
            assert!(OuterOrderNo::new(bad).is_err(), "{bad}");
        }
        assert_eq!(OuterOrderNo::generate([0xab; 16]).as_str(), "ab".repeat(16));
        let phone = OuterOrderNo::new("13800000000").unwrap();
        assert_eq!(format!("{phone:?} {phone}"), r#"OuterOrderNo("[digits]") 13800000000"#);
    }

    #[test]
    fn counts_an_auth_id_in_characters() {
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
