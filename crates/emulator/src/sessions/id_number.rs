//! Chinese ID numbers (GB 11643), and the area code of the magic ones.

use std::borrow::Cow;

use cloudauth_protocol::{has_digit_run, mask_digits};

/// The area code of magic identities, which was never issued.
pub(super) const SYNTHETIC_AREA: &str = "999999";

/// Returns whether an ID number belongs to the area of magic identities.
pub(crate) fn is_synthetic(id_number: &str) -> bool {
    id_number.starts_with(SYNTHETIC_AREA)
}

/// Returns whether a text is a valid ID number by GB 11643.
pub(crate) fn is_id_number(text: &str) -> bool {
    text.len() == 18 && text.get(..17).and_then(check_character) == text.chars().next_back()
}

/// Masks what may be a phone number or a mistyped ID number: eleven digits in a row, except in a UUID or 32 hexadecimal digits.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    if has_digit_run(text, 11) { mask_digits(text) } else { Cow::Borrowed(text) }
}

/// Returns the magic ID number of a family, given by its date of birth (`19900101`, ...), and of a value of three digits.
///
/// `None` if `born` does not have eight digits or `digits` exceeds 999.
///
/// ```
/// assert_eq!(cloudauth_emulator::id_number("19900101", 204).as_deref(), Some("999999199001012046"));
/// ```
#[must_use]
pub fn id_number(born: &str, digits: u16) -> Option<String> {
    let front = format!("{SYNTHETIC_AREA}{born}{digits:03}");
    let check = if front.len() == 17 { check_character(&front)? } else { return None };
    Some(format!("{front}{check}"))
}

/// Computes the check character of GB 11643: the weights are powers of two modulo 11, and the total must be one.
fn check_character(front: &str) -> Option<char> {
    let mut sum = 0;
    for digit in front.chars() {
        sum = (sum + digit.to_digit(10)?) * 2 % 11;
    }
    let check = (12 - sum) % 11;
    Some(if check == 10 { 'X' } else { char::from_digit(check, 10)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_what_may_be_a_phone_or_id_number() {
        for (text, shown) in [
            ("13800000000", "[digits]"),
            ("order13800000000", "order[digits]"),
            // A mistyped check character.
            ("999999199001012047", "[digits]"),
            ("99999919900101204X", "[digits]X"),
            ("20261201", "20261201"),
            ("1000000006", "1000000006"),
            ("12345678901234567890123456789abc", "12345678901234567890123456789abc"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
