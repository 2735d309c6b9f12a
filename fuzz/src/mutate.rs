//! The mutations: those of libFuzzer, and the repetition of a section, which leads to long inputs of valid parts.

use libfuzzer_sys::fuzzer_mutate;

/// One input in this many gets a repeated section.
const REPEATED: u32 = 256;

/// Below this size, libFuzzer's mutations may make an input longer at will. Long inputs are slow.
const SHORT: usize = 4096;

/// A long input takes up to some seconds. Most mutations of one are of its beginning alone, so that they do not take most of a run.
const LONG: usize = 64 << 10;

/// One mutation of a long input in this many is of all of it.
const WHOLE: u32 = 32;

/// Mutates the input in place, and returns its new size.
pub(crate) fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let size = if (seed / REPEATED).is_multiple_of(WHOLE) { size } else { size.min(LONG) };
    if seed.is_multiple_of(REPEATED) && size > 0 && size < max_size {
        return repeat(data, size, max_size, seed / REPEATED);
    }
    fuzzer_mutate(data, size, max_size.min(SHORT.max(size + 16)))
}

/// Repeats a section in its place, up to a power of two of bytes: each power is as frequent as another, and the last is the rest of the
/// room.
fn repeat(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = u64::from(seed) + 1;
    let mut roll = |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(dice >> 33).unwrap_or_default() % sides.max(1)
    };
    let begin = roll(size);
    let length = 1 + roll((size - begin).min(256));
    let powers = (max_size / 256).checked_ilog2().map_or(1, |whole| whole as usize + 2);
    let room = (max_size.min(data.len()) - size).min(256 << roll(powers));
    let added = room / length * length;
    let end = begin + length;
    data.copy_within(end..size, end + added);
    for at in end..end + added {
        data[at] = data[at - length];
    }
    size + added
}
