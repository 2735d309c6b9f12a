//! Random bytes of the system.

use crate::failure::Failure;

/// Random bytes.
pub(crate) fn entropy<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Failure::system)?;
    Ok(bytes)
}
