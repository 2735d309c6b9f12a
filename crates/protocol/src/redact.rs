//! Keeps personal data and secrets out of logs: redacting types, and masks for long runs of digits in open strings.

use std::borrow::Cow;

/// Defines a text type with a redacting `Debug` and without `Display`.
macro_rules! personal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Box<str>);

        impl $name {
            /// The value itself. Keep it out of logs, URLs and errors.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

pub(crate) use personal;

/// Whether a text from outside may appear in an error or a log: short, and only characters of identifiers. Anything else could
/// carry personal data.
pub(crate) fn is_plain_identifier(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// An open string from outside in a form that is safe for errors, logs and `Debug`: an identifier with long runs of digits
/// masked, and `(unprintable)` for anything else.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if is_plain_identifier(text, 64) { mask_digits(text) } else { Cow::Borrowed("(unprintable)") }
}

/// The shortest run of digits that is masked: a date of birth has eight, a phone number eleven, an ID number 15 to 18.
const LONG_RUN: usize = 6;

/// Replaces every run of six or more digits with `[digits]`: it may be an ID number or a phone number in the wrong field.
/// UUIDs and texts of 32 hexadecimal digits with at least one letter, the forms of a `RequestId` and a `CertifyId`, are kept.
///
/// ```
/// use cloudauth_protocol::mask_digits;
///
/// assert_eq!(mask_digits("999999199001012003"), "[digits]");
/// assert_eq!(mask_digits("Throttling.User"), "Throttling.User");
/// assert_eq!(mask_digits("130A2C10-B9EE-4D84-88E3-538412345678"), "130A2C10-B9EE-4D84-88E3-538412345678");
/// ```
#[must_use]
pub fn mask_digits(text: &str) -> Cow<'_, str> {
    let runs = || text.split(|c: char| !c.is_numeric());
    if is_identifier_of_the_service(text) || runs().all(|run| run.chars().nth(LONG_RUN - 1).is_none()) {
        return Cow::Borrowed(text);
    }
    let (mut masked, mut run) = (String::with_capacity(text.len()), String::new());
    let end = |run: &mut String, masked: &mut String| {
        masked.push_str(if run.chars().nth(LONG_RUN - 1).is_some() { "[digits]" } else { run });
        run.clear();
    };
    for c in text.chars() {
        if c.is_numeric() {
            run.push(c);
        } else {
            end(&mut run, &mut masked);
            masked.push(c);
        }
    }
    end(&mut run, &mut masked);
    Cow::Owned(masked)
}

/// Whether the text is a UUID or 32 hexadecimal digits. Without a letter it could be two ID numbers.
fn is_identifier_of_the_service(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let shape = text.split('-').map(str::len);
    (shape.clone().eq([8, 4, 4, 4, 12]) || shape.eq([32]))
        && text.split('-').all(is_hex)
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_long_runs_of_digits_wherever_they_are() {
        for (text, masked) in [
            ("999999199001012003", "[digits]"),
            ("99999919900101200X", "[digits]X"),
            ("a13999999999b12345", "a[digits]b12345"),
            ("123456-123456", "[digits]-[digits]"),
            ("９９９９９９１９９００１０１２００３", "[digits]"),
            ("99999919-9001-0120-0399-999919900101", "[digits]-9001-0120-0399-[digits]"),
            ("99999919900101200399999919900101", "[digits]"),
        ] {
            assert_eq!(mask_digits(text), masked);
        }
    }

    #[test]
    fn keeps_codes_and_identifiers_of_the_service() {
        for text in [
            "",
            "417",
            "InvalidTimeStamp.Expired",
            "VirtualCamera",
            "12345",
            "130A2C10-B9EE-4D84-88E3-5384FF039795",
            "00000000-0000-0000-0000-00000000000a",
            "91707dc296d469ad38e4c5efa6a0f24b",
        ] {
            assert_eq!(mask_digits(text), text);
        }
    }
}
