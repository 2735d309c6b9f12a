//! Chinese ID numbers (GB 11643), and the area code of the magic ones.

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
