//! The checks that all signatures share.

use super::error::{BuildError, Problem};
use crate::operation::LONGEST_ACTION;
use crate::redact::is_plain_identifier;
use crate::wire::params::Param;

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
    if is_plain_identifier(action, LONGEST_ACTION) { Ok(()) } else { Err(BuildError(Problem::Action)) }
}
