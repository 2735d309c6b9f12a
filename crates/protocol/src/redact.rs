//! Keeps personal data and secrets out of logs: redacting types, and masks for long runs of digits in open strings.

use std::borrow::Cow;

/// Defines a text type with a redacting `Debug` and without `Display`, whose memory is wiped on drop.
macro_rules! personal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(::zeroize::Zeroizing<Box<str>>);

        impl $name {
            pub(crate) fn hold(value: &str) -> Self {
                Self(::zeroize::Zeroizing::new(value.into()))
            }

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
    if is_identifier_of_the_service(text) || !has_digit_run(text, LONG_RUN) {
        return Cow::Borrowed(text);
    }
    let (mut masked, mut run) = (String::with_capacity(text.len()), String::new());
    let end = |run: &mut String, masked: &mut String| {
        masked.push_str(if has_digit_run(run, LONG_RUN) { "[digits]" } else { run });
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

/// Returns whether the text has at least `length` digits in a row. Digits of every script count.
///
/// ```
/// use cloudauth_protocol::has_digit_run;
///
/// assert!(has_digit_run("c-19900101", 8));
/// assert!(!has_digit_run("2026-03-01", 5));
/// ```
#[must_use]
pub fn has_digit_run(text: &str, length: usize) -> bool {
    text.split(|c: char| !c.is_numeric()).any(|run| run.chars().count() >= length)
}

/// Returns whether a character acts on the display of text instead of being shown: a control character, a line or paragraph
/// separator, or a mark that changes the direction of text. Names in data can have them.
///
/// ```
/// use cloudauth_protocol::acts_on_display;
///
/// assert!(['\u{1b}', '\n', '\u{2028}', '\u{202e}'].into_iter().all(acts_on_display));
/// assert!(!acts_on_display('é') && !acts_on_display(' '));
/// ```
#[must_use]
pub fn acts_on_display(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The longest name that [`plain_name`] accepts.
const LONGEST_NAME: usize = 40;

/// Returns a name of a document, such as a key, if an error may show it: ASCII letters, digits and `_`, at most 40 characters,
/// and no run of six digits. Anything else may be personal data in the wrong file.
///
/// ```
/// use cloudauth_protocol::plain_name;
///
/// assert_eq!(plain_name("verify_scroe"), Some("verify_scroe"));
/// assert_eq!(plain_name("LI SI"), None);
/// assert_eq!(plain_name("999999199001012003"), None);
/// ```
#[must_use]
pub fn plain_name(name: &str) -> Option<&str> {
    let is_name = (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !has_digit_run(name, LONG_RUN);
    is_name.then_some(name)
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
    fn masks_long_runs_of_digits_anywhere() {
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
