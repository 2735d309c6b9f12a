//! Finds the end of a string 16 bytes at a time.

use wide::u8x16;

/// Returns the position of the first quote, backslash or control character.
#[inline]
pub(super) fn end_of_text(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut rest = bytes.get(begin..)?;
    let mut skipped = begin;
    while let Some((chunk, after)) = rest.split_first_chunk::<16>() {
        let stops = stops(*chunk);
        if stops != 0 {
            return Some(skipped + stops.trailing_zeros() as usize);
        }
        (rest, skipped) = (after, skipped + 16);
    }
    rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' ')).map(|at| skipped + at)
}

/// Returns a bit for each quote, backslash and control character.
#[inline]
fn stops(chunk: [u8; 16]) -> u32 {
    let chunk = u8x16::new(chunk);
    let is_control = chunk.min(u8x16::splat(b' ' - 1)).simd_eq(chunk);
    let is_quote = chunk.simd_eq(u8x16::splat(b'"'));
    let is_backslash = chunk.simd_eq(u8x16::splat(b'\\'));
    (is_control | is_quote | is_backslash).to_bitmask()
}
