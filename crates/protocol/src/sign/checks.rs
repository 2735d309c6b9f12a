//! The checks that all signatures share.

use super::error::{BuildError, BuildProblem};
use crate::operation::LONGEST_ACTION;
use crate::redact::is_plain_identifier;
use crate::wire::params::Param;

/// The most bytes of all names and values of a request's parameters, before they are encoded. The longest parameter that the
/// vendor documents is a picture in Base64 of 1,548,576 characters (`FaceContrastPicture`).
const MOST_BYTES: usize = 10 << 20;

/// Refuses parameters with too many bytes, before anything is allocated for them.
pub(super) fn check_size(params: &[Param<'_>]) -> Result<(), BuildError> {
    let bytes = params.iter().map(|param| param.name.text.len().saturating_add(param.value.len()));
    let bytes = bytes.fold(0, usize::saturating_add);
    if bytes > MOST_BYTES {
        return Err(BuildError(BuildProblem::TooLarge { bytes, most: MOST_BYTES }));
    }
    Ok(())
}

/// Sorts by name, byte by byte, and refuses a repeated name: the gateway could read one value while the caller means the other.
pub(super) fn sort(params: &mut [Param<'_>]) -> Result<(), BuildError> {
    let in_order = |one: &Param<'_>, next: &Param<'_>| one.name < next.name;
    if params.is_sorted_by(in_order) {
        return Ok(());
    }
    params.sort_by(|one, next| one.name.cmp(&next.name));
    match params.iter().zip(params.iter().skip(1)).find(|(one, next)| one.name == next.name) {
        Some((twice, _)) => Err(BuildError::duplicate(twice.name.text)),
        None => Ok(()),
    }
}

/// Refuses an action that is not an identifier, for every signature.
pub(super) fn check_action(action: &str) -> Result<(), BuildError> {
    if is_plain_identifier(action, LONGEST_ACTION) { Ok(()) } else { Err(BuildError(BuildProblem::Action)) }
}
