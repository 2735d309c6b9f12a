//! What the strings of a column mean: a number for each row, looked up by comparing numbers instead of strings.

use std::collections::HashMap;

use arrow_array::{Array, GenericStringArray, OffsetSizeTrait, StringViewArray};
use arrow_buffer::NullBuffer;

use super::strings::Strings;

/// The places for short strings. A column has a few, so two of them seldom share a place. If they do, the last one seen has it.
const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 10;
/// The maximum number of other strings that are kept.
const MOST_OTHERS: usize = 1000;
/// The length of a short string.
const SHORT: usize = 3;
/// The rows that are looked up together if their strings have the same length.
const BLOCK: usize = 8;
/// The bytes that are read for a block: four from the start of each string.
const BLOCK_BYTES: usize = (BLOCK - 1) * SHORT + 4;

/// The meaning of a string that was not seen yet.
const UNKNOWN: u16 = 1 << 15;

/// The strings seen so far, and their meanings, which are below [`UNKNOWN`].
pub(crate) struct Meanings {
    /// Those of one byte.
    single: [u16; 256],
    /// Short strings as [`word`]s, and their meanings.
    words: [u32; PLACES],
    short: [u16; PLACES],
    others: HashMap<Box<str>, u16>,
}

impl Meanings {
    pub(crate) fn new() -> Self {
        Self { single: [UNKNOWN; 256], words: [0; PLACES], short: [UNKNOWN; PLACES], others: HashMap::new() }
    }

    /// Replaces `found` by the meaning of each row's string. `of` tells what a string means, or NULL.
    pub(crate) fn look_up(
        &mut self,
        texts: &Strings,
        found: &mut Vec<u16>,
        of: impl Fn(Option<&str>) -> u16,
    ) {
        found.clear();
        found.resize(texts.len(), of(None));
        match texts {
            Strings::Short(array) => self.of_offsets(array, found, of),
            Strings::Long(array) => self.of_offsets(array, found, of),
            Strings::View(array) => self.of_views(array, found, of),
        }
    }

    fn of_offsets<O: OffsetSizeTrait>(
        &mut self,
        array: &GenericStringArray<O>,
        found: &mut [u16],
        of: impl Fn(Option<&str>) -> u16,
    ) {
        let (offsets, bytes) = (array.value_offsets(), array.value_data());
        let valid = array.nulls().filter(|nulls| nulls.null_count() > 0).map(words_of_bits);
        let ends = offsets.windows(BLOCK + 1).step_by(BLOCK).filter_map(|ends| ends.first_chunk());
        let mut ends = ends.map(|ends: &[O; BLOCK + 1]| {
            let length = uniform(ends)?;
            Some((length, bytes.get(ends[0].as_usize()..)?.first_chunk::<BLOCK_BYTES>()?))
        });
        for (number, block) in found.chunks_mut(BLOCK).enumerate() {
            let is_valid = valid.as_ref().is_none_or(|valid| {
                let bits = valid.get(number / BLOCK).map_or(0, |bits| bits >> (number % BLOCK * BLOCK));
                bits & 0xff == 0xff
            });
            let is_found = match (ends.next().flatten(), <&mut [u16; BLOCK]>::try_from(&mut *block)) {
                (Some((1, bytes)), Ok(block)) if is_valid => self.singles(bytes, block),
                (Some((2, bytes)), Ok(block)) if is_valid => self.block::<2>(bytes, block),
                (Some((3, bytes)), Ok(block)) if is_valid => self.block::<3>(bytes, block),
                _ => false,
            };
            if !is_found {
                for (row, found) in (number * BLOCK..).zip(block) {
                    if array.is_valid(row) {
                        *found = self.one(array.value(row), &of);
                    }
                }
            }
        }
    }

    /// Looks up strings of one length that follow each other; `false` if one was not seen yet.
    #[inline]
    fn block<const LENGTH: usize>(&self, bytes: &[u8; BLOCK_BYTES], found: &mut [u16; BLOCK]) -> bool {
        let mut differs = 0;
        for (found, text) in found.iter_mut().zip(bytes.windows(4).step_by(LENGTH)) {
            let word = word(LENGTH, text.first_chunk().map_or(0, |text| u32::from_le_bytes(*text)));
            let place = place(word);
            differs |= self.words.get(place).map_or(!word, |known| known ^ word);
            *found = self.short.get(place).copied().unwrap_or_default();
        }
        differs == 0
    }

    /// Looks up strings of one byte; `false` if one was not seen yet.
    #[inline]
    fn singles(&self, bytes: &[u8; BLOCK_BYTES], found: &mut [u16; BLOCK]) -> bool {
        let mut all = 0;
        for (found, byte) in found.iter_mut().zip(bytes) {
            *found = self.single.get(usize::from(*byte)).copied().unwrap_or(UNKNOWN);
            all |= *found;
        }
        all < UNKNOWN
    }

    fn of_views(&mut self, array: &StringViewArray, found: &mut [u16], of: impl Fn(Option<&str>) -> u16) {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        for (row, (view, found)) in array.views().iter().zip(found).enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            // The length, and after it the bytes of a string of up to twelve.
            let word = word(*view as u32 as usize, (*view >> 32) as u32);
            *found = self.known(word).unwrap_or_else(|| self.one(array.value(row), &of));
        }
    }

    /// Returns the meaning of a short string that was seen before.
    #[inline]
    fn known(&self, word: u32) -> Option<u16> {
        let place = place(word);
        let is_known = word != 0 && self.words.get(place) == Some(&word);
        self.short.get(place).copied().filter(|_| is_known)
    }

    fn one(&mut self, text: &str, of: &impl Fn(Option<&str>) -> u16) -> u16 {
        let mut bytes = [0; 4];
        bytes.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = byte);
        let word = word(text.len(), u32::from_le_bytes(bytes));
        if let Some(meaning) = self.known(word) {
            return meaning;
        }
        let meaning = match self.others.get(text) {
            Some(meaning) => *meaning,
            None => of(Some(text)),
        };
        let place = place(word);
        if word != 0
            && let (Some(known), Some(short)) = (self.words.get_mut(place), self.short.get_mut(place))
        {
            (*known, *short) = (word, meaning);
            if let &[byte] = text.as_bytes()
                && let Some(single) = self.single.get_mut(usize::from(byte))
            {
                *single = meaning;
            }
        } else if self.others.len() < MOST_OTHERS {
            self.others.insert(text.into(), meaning);
        }
        meaning
    }
}

/// Returns a short string and its length as one number that is not 0, from its first four bytes; 0 for a longer one.
#[inline]
fn word(length: usize, bytes: u32) -> u32 {
    const KEPT: [u32; SHORT + 1] = [0, 0xff, 0xffff, 0xff_ffff];
    KEPT.get(length).map_or(0, |kept| bytes & kept | (length as u32 + 1) << 24)
}

#[inline]
fn place(word: u32) -> usize {
    (word.wrapping_mul(0x9E37_79B1) >> (u32::BITS - PLACE_BITS)) as usize
}

/// Returns the length of the strings between these offsets, if it is the same.
#[inline]
fn uniform<O: OffsetSizeTrait>(offsets: &[O; BLOCK + 1]) -> Option<usize> {
    let length = offsets[1] - offsets[0];
    let pairs = offsets.iter().zip(offsets.iter().skip(1));
    let is_uniform = pairs.fold(true, |is, (begin, end)| is & (*end - *begin == length));
    is_uniform.then(|| length.as_usize())
}

/// Returns the bits of 64 rows each.
fn words_of_bits(nulls: &NullBuffer) -> Vec<u64> {
    nulls.inner().bit_chunks().iter_padded().collect()
}
