//! The checks that all signatures share.

use http::HeaderMap;

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

/// The headers that a signature covers. A value that is not visible ASCII cannot be signed and is an error: the service refuses
/// a header that is sent but not signed.
pub(super) fn signable(
    headers: &HeaderMap,
    covers: impl Fn(&str) -> bool,
) -> Result<Vec<(&str, &str)>, BuildError> {
    headers
        .iter()
        .filter(|(name, _)| covers(name.as_str()))
        .map(|(name, value)| match value.to_str() {
            Ok(value) => Ok((name.as_str(), value)),
            Err(_) => Err(BuildError(Problem::Unsignable(name.clone()))),
        })
        .collect()
}

/// Refuses an action that is not an identifier, for every signature.
pub(super) fn check_action(action: &str) -> Result<(), BuildError> {
    if is_plain_identifier(action, LONGEST_ACTION) { Ok(()) } else { Err(BuildError(Problem::Action)) }
}
