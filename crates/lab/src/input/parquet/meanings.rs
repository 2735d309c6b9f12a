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
const BLOCK: usize = 32;
/// The offsets of a block.
const ENDS: usize = BLOCK + 1;
/// The bytes that are read for a block: four from the start of each string.
const BLOCK_BYTES: usize = (BLOCK - 1) * SHORT + 4;
/// The rows of a word of validity bits, and the bits of a full block.
const WORD: usize = 64;
const FULL: u64 = u64::MAX >> (WORD - BLOCK);

/// The strings seen so far, and their meanings.
pub(crate) struct Meanings {
    /// The last two of one byte, as most flags have: comparing with both needs no table, so the compiler can vectorize it.
    flags: Option<[(u8, u16); 2]>,
    /// Short strings as [`word`]s, and their meanings.
    words: [u32; PLACES],
    short: [u16; PLACES],
    others: HashMap<Box<str>, u16>,
}

impl Meanings {
    pub(crate) fn new() -> Self {
        Self { flags: None, words: [0; PLACES], short: [0; PLACES], others: HashMap::new() }
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
        for (number, block) in found.chunks_mut(BLOCK).enumerate() {
            let begin = number * BLOCK;
            // Beyond the last row a bit is not set, and there the block is not full.
            let valid = valid
                .as_ref()
                .map_or(u64::MAX, |valid| valid.get(begin / WORD).map_or(0, |bits| bits >> (begin % WORD)));
            let offsets = offsets.get(begin..).unwrap_or_default();
            if valid & FULL == FULL && self.block(offsets, bytes, block).is_some() {
                continue;
            }
            for (row, (found, ends)) in block.iter_mut().zip(offsets.windows(2)).enumerate() {
                if valid >> row & 1 == 0 {
                    continue;
                }
                let &[begin, end] = ends else { continue };
                // Four bytes of any string are read without its length, as long as the column has as many.
                let text = bytes.get(begin.as_usize()..).and_then(<[u8]>::first_chunk);
                let word = text.map_or(0, |text| word((end - begin).as_usize(), u32::from_le_bytes(*text)));
                *found = self.known(word).unwrap_or_else(|| self.one(array.value(number * BLOCK + row), &of));
            }
        }
    }

    /// Looks up the strings of a full block, which follow each other; `None` if they are not short strings of one length, or one was
    /// not seen yet.
    #[inline]
    fn block<O: OffsetSizeTrait>(&mut self, offsets: &[O], bytes: &[u8], found: &mut [u16]) -> Option<()> {
        let ends: &[O; ENDS] = offsets.first_chunk()?;
        let found: &mut [u16; BLOCK] = found.try_into().ok()?;
        let length = uniform(ends)?;
        let bytes = bytes.get(ends[0].as_usize()..)?.first_chunk()?;
        let is_found = match length {
            1 => self.flags(bytes, found) || self.words::<1>(bytes, found) && self.learn_flags(bytes, found),
            2 => self.words::<2>(bytes, found),
            3 => self.words::<3>(bytes, found),
            _ => false,
        };
        is_found.then_some(())
    }

    /// Looks up strings of up to three bytes; `false` if one was not seen yet.
    #[inline]
    fn words<const LENGTH: usize>(&self, bytes: &[u8; BLOCK_BYTES], found: &mut [u16; BLOCK]) -> bool {
        let mut differs = 0;
        for (found, text) in found.iter_mut().zip(bytes.windows(4).step_by(LENGTH)) {
            let word = word(LENGTH, text.first_chunk().map_or(0, |text| u32::from_le_bytes(*text)));
            let place = place(word);
            differs |= self.words.get(place).map_or(!word, |known| known ^ word);
            *found = self.short.get(place).copied().unwrap_or_default();
        }
        differs == 0
    }

    /// Looks up strings of one byte; `false` if one is neither of the last two.
    #[inline]
    fn flags(&self, bytes: &[u8; BLOCK_BYTES], found: &mut [u16; BLOCK]) -> bool {
        let Some([(first, of_first), (second, of_second)]) = self.flags else { return false };
        let mut others = 0;
        for (found, byte) in found.iter_mut().zip(bytes) {
            others |= u8::from(*byte != first) & u8::from(*byte != second);
            *found = if *byte == first { of_first } else { of_second };
        }
        others == 0
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
        } else if self.others.len() < MOST_OTHERS {
            self.others.insert(text.into(), meaning);
        }
        meaning
    }

    /// Keeps the last two of a block's strings of one byte. Returns true: all of them are known.
    fn learn_flags(&mut self, bytes: &[u8; BLOCK_BYTES], found: &[u16; BLOCK]) -> bool {
        for flag in bytes.iter().copied().zip(found.iter().copied()) {
            self.flags = Some(match self.flags {
                None => [flag; 2],
                Some([last, before]) if flag == last || flag == before => [last, before],
                Some([last, _]) => [flag, last],
            });
        }
        true
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
fn uniform<O: OffsetSizeTrait>(ends: &[O; ENDS]) -> Option<usize> {
    let length = ends[1] - ends[0];
    let pairs = ends.iter().zip(ends.iter().skip(1));
    let is_uniform = pairs.fold(true, |is, (begin, end)| is & (*end - *begin == length));
    is_uniform.then(|| length.as_usize())
}

/// Returns the bits of 64 rows each.
fn words_of_bits(nulls: &NullBuffer) -> Vec<u64> {
    nulls.inner().bit_chunks().iter_padded().collect()
}

#[cfg(test)]
mod tests {
    use arrow_array::{LargeStringArray, StringArray};

    use super::*;

    #[test]
    fn two_strings_of_the_test_share_a_place() {
        let place = |text: &[u8; 4]| place(word(3, u32::from_le_bytes(*text)));
        assert_eq!(place(b"200\0"), place(b"028\0"));
    }

    /// Columns of full blocks of one length, and those whose blocks NULL, another length or another string interrupts.
    #[test]
    fn each_row_has_the_meaning_of_its_string() {
        let columns: [&[Option<&str>]; 10] = [
            &[Some("T"), Some("F")],
            &[Some("F"), Some("T"), Some("F"), None],
            &[Some("T"), Some("F"), Some("\0"), Some("0")],
            &[Some("200"), Some("201"), Some("204")],
            &[Some("200"), None, Some("20"), Some("2")],
            // They share a place.
            &[Some("200"), Some("028")],
            &[Some("20"), Some("21")],
            &[Some(""), Some("T")],
            &[Some("T\0"), Some("\0\0"), Some("T0")],
            &[Some("long enough"), Some("é"), Some("中"), Some("2000")],
        ];
        // The strings in the columns have different meanings, none of which is that of NULL.
        let of = |text: Option<&str>| {
            text.map_or(7, |text| {
                text.bytes().fold(text.len() as u16, |sum, byte| {
                    (sum.wrapping_mul(131).wrapping_add(byte.into())) % 0x8000
                })
            })
        };
        for texts in columns {
            for often in [1, 2, 40, 67, 1000] {
                // The first string, and after `often` rows another one.
                let other = |row: usize| row.is_multiple_of(often).then_some(row / often % texts.len());
                let rows: Vec<Option<&str>> =
                    (0..1000).map(|row| texts[other(row).unwrap_or_default()]).collect();
                for begin in [0, 5, 64, 999] {
                    let rest = rows.len() - begin;
                    let layouts = [
                        Strings::Short(StringArray::from(rows.clone()).slice(begin, rest)),
                        Strings::Long(LargeStringArray::from(rows.clone()).slice(begin, rest)),
                        Strings::View(StringViewArray::from(rows.clone()).slice(begin, rest)),
                    ];
                    let expected: Vec<u16> = rows.iter().skip(begin).map(|text| of(*text)).collect();
                    for layout in layouts {
                        let (mut meanings, mut found) = (Meanings::new(), Vec::new());
                        // The second time, each string is known.
                        for _ in 0..2 {
                            meanings.look_up(&layout, &mut found, of);
                            assert_eq!(found, expected, "{texts:?} every {often} from {begin}");
                        }
                    }
                }
            }
        }
    }
}
