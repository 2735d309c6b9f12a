//! The identifiers of a verification. None of them is personal data: people appear as keyed digests only.

use std::fmt;
use std::str::FromStr;

use cloudauth_protocol::mask_digits;
use serde::{Deserialize, Serialize};

/// The error of an invalid identifier. It names the type and the rule, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId(&'static str, &'static str);

impl InvalidId {
    pub(crate) const fn new(name: &'static str, rule: &'static str) -> Self {
        Self(name, rule)
    }
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: must be {}", self.0, self.1)
    }
}

impl std::error::Error for InvalidId {}

/// Whether the longest run of digits in a text has at most this length.
fn has_short_numbers(text: &str, most_digits: usize) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).all(|run| run.len() <= most_digits)
}

/// Defines a text of 1 to 64 letters, digits and `. _ : @ -`, with runs of at most `digits` digits. There is no room for free text,
/// which would attract personal data.
macro_rules! word {
    ($($(#[$doc:meta])* $name:ident, digits = $digits:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            #[doc = concat!("If it is not 1 to 64 ASCII letters, digits or `. _ : @ -`, or has more than ", $digits, " digits in a row.")]
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'@' | b'-');
                if !(1..=64).contains(&text.len()) || !text.bytes().all(fits) {
                    return Err(InvalidId(stringify!($name), "1 to 64 letters, digits or `. _ : @ -`"));
                }
                if !has_short_numbers(text, $digits) {
                    return Err(InvalidId(stringify!($name), concat!("free of numbers with more than ", $digits, " digits")));
                }
                Ok(Self(text.into()))
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(&text)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.0.into()
            }
        }

        /// Masks long runs of digits, which may be personal data in the wrong field.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), mask_digits(&self.0))
            }
        }
    )*};
}

word! {
    /// Your order: the business request that needs a verification. One order has one verification. It stays after an erasure, in the
    /// events too: use the number of your system, nothing that names the person.
    OrderRef, digits = 64;
    /// The purpose of a verification, such as `account-opening`.
    Purpose, digits = 10;
    /// The key of one request to start. A repeated request has the same key. A key belongs to its order: the same key may appear
    /// under another order.
    IdempotencyKey, digits = 64;
    /// The version of the text that the person agreed to.
    ConsentText, digits = 10;
    /// A reviewer's account in your company, such as `r.lee@example`. It stays in the events after an erasure, as the proof of who
    /// decided.
    Reviewer, digits = 10;
    /// A reviewer's reason, as a code. Free text has no place here: it attracts personal data.
    ReviewReason, digits = 10;
    /// The region that created a CertifyId: the host of its endpoint, with the port unless it is 443, such as
    /// `cloudauth.cn-shanghai.aliyuncs.com`. Of an address with more than 64 characters: its SHA-256 digest.
    Region, digits = 64;
    /// A receiver of webhooks, such as `crm`.
    EndpointId, digits = 64;
    /// Why the last look at a result failed, as a code for programs: `credentials`, `transport`, the service's or the gateway's
    /// code, such as `Throttling`.
    LookError, digits = 64;
}

impl LookError {
    /// A reason of a fixed list.
    pub(crate) fn fixed(reason: &'static str) -> Self {
        Self(reason.into())
    }
}

/// The digit of a number below 16.
const fn hex(number: u8) -> u8 {
    if number < 10 { b'0' + number } else { b'a' + number - 10 }
}

/// Defines a value of 32 bytes or fewer, written as hexadecimal digits.
macro_rules! bytes {
    ($($(#[$doc:meta])* $name:ident = $length:literal, $new:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $length]);

        impl $name {
            /// Takes the bytes.
            #[must_use]
            pub const fn $new(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl $name {
            /// Calls a function with the hexadecimal digits.
            fn with_text<T>(&self, take: impl FnOnce(&str) -> T) -> T {
                // Without a formatter for each byte: a document has a dozen of these, and each commit writes one.
                let mut text = [0; 2 * $length];
                for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
                    pair.copy_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
                }
                take(std::str::from_utf8(&text).unwrap_or_default())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let mut bytes = [0; $length];
                let is_hex = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
                if text.len() != 2 * $length || !text.bytes().all(is_hex) {
                    return Err(InvalidId(stringify!($name), concat!("the hexadecimal digits of ", $length, " bytes")));
                }
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
                    let digit = |b: u8| if b.is_ascii_digit() { b - b'0' } else { b - b'a' + 10 };
                    *byte = pair.iter().fold(0, |value, &b| value << 4 | digit(b));
                }
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.with_text(str::to_owned)
            }
        }
    )*};
}

bytes! {
    /// The id of a verification: 16 random bytes.
    VerificationId = 16, new;
    /// The person who is verified: an HMAC of your user id, from [`RefKey::subject`](crate::RefKey::subject). The key is outside
    /// the database.
    SubjectRef = 32, from_hmac;
    /// The identity that a person claims: an HMAC of name and ID number, from [`RefKey::identity`](crate::RefKey::identity). The
    /// key is outside the database.
    IdentityRef = 32, from_hmac;
    /// The SHA-256 digest of the random capability that a browser holds. The capability itself is not stored.
    CapabilityHash = 32, new;
    /// A SHA-256 digest.
    Digest = 32, new;
}

/// Shows the hexadecimal digits of a value that says nothing about a person.
macro_rules! shown {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.with_text(|text| f.write_str(text))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    )*};
}

/// Redacts a value that links a person to their verifications, or that a store finds a browser by. It has no `Display`: to
/// store it, use serde, `String::from` or its bytes.
macro_rules! redacted {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )*};
}

shown!(VerificationId, Digest);
redacted!(SubjectRef, IdentityRef, CapabilityHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_no_room_for_free_text() {
        assert!(OrderRef::new("order-4711").is_ok());
        for bad in ["", "张三", "a b", "a/b", "a\n", &"a".repeat(65)] {
            assert!(OrderRef::new(bad).is_err(), "{bad}");
        }
        let error = OrderRef::new("张三").unwrap_err().to_string();
        assert_eq!(error, "OrderRef: must be 1 to 64 letters, digits or `. _ : @ -`");
    }

    /// They stay in the events after an erasure.
    #[test]
    fn a_word_of_an_event_has_no_room_for_a_phone_or_id_number() {
        for bad in ["13800000000", "999999199001012003", "r.lee.99999919900101"] {
            assert!(Purpose::new(bad).is_err() && Reviewer::new(bad).is_err(), "{bad}");
            assert!(ReviewReason::new(bad).is_err() && ConsentText::new(bad).is_err(), "{bad}");
            assert!(OrderRef::new(bad).is_ok() && IdempotencyKey::new(bad).is_ok(), "{bad}");
        }
        assert!(ConsentText::new("20261128-2").is_ok() && Reviewer::new("e1234567890").is_ok());
    }

    #[test]
    fn debug_masks_an_id_number_in_the_wrong_field() {
        assert_eq!(format!("{:?}", OrderRef::new("999999199001012003").unwrap()), r#"OrderRef("[digits]")"#);
    }

    #[test]
    fn debug_redacts_what_refers_to_a_person_or_a_browser() {
        let bytes = [0xab; 32];
        assert_eq!(format!("{:?}", SubjectRef::from_hmac(bytes)), "SubjectRef([redacted])");
        assert_eq!(format!("{:?}", IdentityRef::from_hmac(bytes)), "IdentityRef([redacted])");
        assert_eq!(format!("{:?}", CapabilityHash::new(bytes)), "CapabilityHash([redacted])");
        let subject = SubjectRef::from_hmac(bytes);
        let written = serde_json::to_string(&subject).unwrap();
        assert_eq!(written, format!("\"{}\"", "ab".repeat(32)));
        assert_eq!(serde_json::from_str::<SubjectRef>(&written).unwrap(), subject);
        assert_eq!(String::from(subject).parse(), Ok(subject));
    }

    #[test]
    fn digests_are_read_as_they_are_written() {
        let digest = Digest::new(std::array::from_fn(|at| at as u8 * 8));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for bad in [String::new(), "0".repeat(63), "g".repeat(64), "A".repeat(64), "é".repeat(32)] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
