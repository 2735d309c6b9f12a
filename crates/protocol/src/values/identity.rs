//! The person: name, ID number, mobile number, IP address, user id.

use std::fmt::Write as _;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{InvalidValue, text};
use crate::redact::personal;

personal! {
    /// `CertName`: the person's name as on the ID card.
    CertName
}

impl CertName {
    /// Checks and creates a name. The vendor refuses Latin letters and special characters (Code 401). This type accepts the
    /// middle dot of names such as 阿卜杜拉·买买提, and characters outside the basic multilingual plane.
    ///
    /// # Errors
    /// If the name is empty, longer than 64 characters, or contains ASCII letters or digits.
    pub fn new(value: &str) -> Result<Self, InvalidValue> {
        let value = text("CertName", value)?;
        if value.trim() != value {
            return Err(InvalidValue::new("CertName", "must not begin or end with a space"));
        }
        if value.chars().count() > 64 {
            return Err(InvalidValue::new("CertName", "must be at most 64 characters"));
        }
        if value.is_ascii() || value.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return Err(InvalidValue::new("CertName", "must not hold Latin letters or digits"));
        }
        Ok(Self::hold(value))
    }
}

personal! {
    /// `CertNo`: the 18 characters of a mainland ID number (GB 11643), its final `x` in upper case.
    CertNo
}

impl CertNo {
    /// Checks and creates an ID number. The vendor's text for Code 401 forbids all letters, but GB 11643 uses `X` as its
    /// eleventh check character, so this type accepts a final `X`.
    ///
    /// # Errors
    /// If the length, the date of birth or the check character is wrong.
    pub fn new(value: &str) -> Result<Self, InvalidValue> {
        let bad = |problem| Err(InvalidValue::new("CertNo", problem));
        let number = Zeroizing::new(value.to_ascii_uppercase());
        let Some((digits, check)) = number.as_bytes().split_first_chunk::<17>() else {
            return bad(if value.is_empty() { "must not be empty" } else { "must be 18 characters" });
        };
        let &[check] = check else { return bad("must be 18 characters") };
        if !digits.iter().all(u8::is_ascii_digit) {
            return bad("must be 17 digits and a check character");
        }
        if !is_date(digits) {
            return bad("holds no valid date of birth");
        }
        if check_character(digits) != Some(check) {
            return bad("has a wrong check character (GB 11643)");
        }
        Ok(Self::hold(&number))
    }
}

/// Returns the check character (GB 11643, ISO 7064 MOD 11-2) of the first 17 digits.
fn check_character(digits: &[u8; 17]) -> Option<u8> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| value(*digit) * weight).sum();
    b"10X98765432".get((sum % 11) as usize).copied()
}

/// Returns the value of an ASCII digit.
fn value(digit: u8) -> u32 {
    u32::from(digit - b'0')
}

/// Returns whether digits 7 to 14 are a date since 1800.
fn is_date(digits: &[u8; 17]) -> bool {
    let number = |from: usize, len: usize| {
        digits.iter().skip(from).take(len).fold(0, |n, digit| n * 10 + value(*digit))
    };
    let (year, month, day) = (number(6, 4), number(10, 2), number(12, 2));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    year >= 1800 && (1..=days).contains(&day)
}

/// `CertName` and `CertNo`, both plain or both encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub(crate) name: CertName,
    pub(crate) number: CertNo,
    pub(crate) encrypted: bool,
}

impl Identity {
    /// Creates an identity with a plain name and number. TLS protects them in transit.
    #[must_use]
    pub const fn plain(name: CertName, number: CertNo) -> Self {
        Self { name, number, encrypted: false }
    }

    /// Creates an identity from a name and number that you encrypted with the vendor's SM2 key, in Base64. They are sent with
    /// `EncryptType=SM2`. This crate does not encrypt: the layout of the ciphertext is not documented.
    ///
    /// # Errors
    /// If a value is not Base64.
    pub fn sm2(name: &str, number: &str) -> Result<Self, InvalidValue> {
        let checked = |parameter, value| match STANDARD.decode(value) {
            Ok(bytes) if !bytes.is_empty() => Ok(value),
            _ => Err(InvalidValue::new(parameter, "must be an SM2 ciphertext in Base64")),
        };
        Ok(Self {
            name: CertName::hold(checked("CertName", name)?),
            number: CertNo::hold(checked("CertNo", number)?),
            encrypted: true,
        })
    }

    /// The name, or its ciphertext.
    #[must_use]
    pub const fn name(&self) -> &CertName {
        &self.name
    }

    /// The ID number, or its ciphertext.
    #[must_use]
    pub const fn number(&self) -> &CertNo {
        &self.number
    }

    /// Whether name and number are ciphertexts.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.encrypted
    }
}

personal! {
    /// `Mobile`: the person's mobile number.
    Mobile
}

impl Mobile {
    /// Checks and creates a mobile number: eleven digits that begin with 1, as in the vendor's example. The vendor documents
    /// no other rule.
    ///
    /// # Errors
    /// If the number has another form.
    pub fn new(value: &str) -> Result<Self, InvalidValue> {
        if value.len() != 11 || !value.starts_with('1') || !value.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidValue::new("Mobile", "must be 11 digits that begin with 1"));
        }
        Ok(Self::hold(value))
    }
}

personal! {
    /// `UserId`: your own unique id of the user.
    UserId
}

impl UserId {
    /// Checks the id.
    ///
    /// # Errors
    /// If it is empty or contains control characters.
    pub fn new(value: &str) -> Result<Self, InvalidValue> {
        Ok(Self::hold(text("UserId", value)?))
    }
}

personal! {
    /// `Ip`: the end user's IP address.
    Ip
}

impl Ip {
    /// The text of an address.
    #[must_use]
    pub fn new(ip: IpAddr) -> Self {
        // The longest address has 45 characters: the text does not grow.
        let mut text = Zeroizing::new(String::with_capacity(45));
        let _ = write!(text, "{ip}");
        Self::hold(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepts_the_magic_identities() {
        for good in [
            "999999199001012003",
            "999999199001012011",
            "99999919900101210X",
            "99999919900101210x",
            "999999199101014014",
            "99999919910101417X",
            "999999199201014249",
            "999999200001017002",
        ] {
            assert!(CertNo::new(good).is_ok(), "{good}");
        }
        assert_eq!(CertNo::new("99999919900101210x").unwrap().expose(), "99999919900101210X");
    }

    #[test]
    fn names_the_problem_of_an_id_number_and_never_shows_it() {
        let problem = |number| CertNo::new(number).unwrap_err().to_string();
        assert_eq!(problem("99999919900101200"), "CertNo: must be 18 characters");
        assert_eq!(problem("9999991990X1012003"), "CertNo: must be 17 digits and a check character");
        for impossible in ["999999199002302003", "999999190002292003", "999999199013012003"] {
            assert_eq!(problem(impossible), "CertNo: holds no valid date of birth");
        }
        assert_eq!(problem("999999179901012003"), "CertNo: holds no valid date of birth");
        assert_eq!(problem("999999199001012004"), "CertNo: has a wrong check character (GB 11643)");
        assert_eq!(problem("99999919900101200三"), "CertNo: must be 18 characters");
    }

    #[test]
    fn accepts_names_with_a_middle_dot_and_rare_characters() {
        for good in ["张三", "阿卜杜拉·买买提", "𠮷田"] {
            assert!(CertName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "Zhang San", "张3", "张三\n", " 张三"] {
            assert!(CertName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rejects_an_encrypted_identity_that_is_not_base64() {
        assert!(Identity::sm2("BAUG", "BAUH").unwrap().encrypted);
        assert!(Identity::sm2("张三", "BAUH").is_err() && Identity::sm2("", "BAUH").is_err());
    }

    #[test]
    fn a_mobile_number_has_eleven_digits() {
        assert!(Mobile::new("13000000000").is_ok());
        assert!(Mobile::new("+8613000000000").is_err() && Mobile::new("23000000000").is_err());
    }

    proptest! {
        #[test]
        fn detects_any_single_wrong_digit(position in 0..17_usize, change in 1..10_u8) {
            let mut number = *b"999999199001012003";
            number[position] = (number[position] - b'0' + change) % 10 + b'0';
            prop_assert!(CertNo::new(std::str::from_utf8(&number).unwrap()).is_err());
        }

        /// The numbers have the right form, so that the date and the check character decide.
        #[test]
        fn one_check_character_of_eleven_is_right(digits in "999999(1[89]|20)[0-9]{2}[01][0-9][0-3][0-9]{4}") {
            let right = "0123456789X".chars().filter(|check| CertNo::new(&format!("{digits}{check}")).is_ok()).count();
            let number = |from: usize, to: usize| digits.get(from..to).unwrap().parse::<u32>().unwrap();
            let (month, day) = (number(10, 12), number(12, 14));
            let most = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            let may_be_date = (1..=12).contains(&month) && (1..=most[month.clamp(1, 12) as usize - 1]).contains(&day);
            let is_leap_day = (month, day) == (2, 29);
            prop_assert!(right == usize::from(may_be_date) || (is_leap_day && right == 0), "{right}");
        }

        #[test]
        fn accepted_text_is_kept(text in "\\PC{0,24}|[\u{4e00}-\u{9fa5}·]{0,66}|1[0-9]{9,11}|[a-zA-Z0-9]{0,80}") {
            let kept = |value: Result<&str, &InvalidValue>| value.map_or(true, |value| value == text);
            prop_assert!(kept(CertName::new(&text).as_ref().map(CertName::expose)));
            prop_assert!(kept(Mobile::new(&text).as_ref().map(Mobile::expose)));
            prop_assert!(kept(UserId::new(&text).as_ref().map(UserId::expose)));
        }
    }
}
