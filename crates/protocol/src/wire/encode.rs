//! Percent-encoding for both signatures: RFC 3986 unreserved characters are kept, every other byte becomes `%XX` in upper
//! case.
//! V3 signs the text that [`Encoder`] writes. V1 signs the encoding of that text, so [`DoubleEncoder`] writes both in one pass.
//! The encodings of a byte come from a table and are written as blocks of fixed size, of which only the real length counts: no
//! branch per byte.

use crate::wipe::WipedBytes;

/// Whether encoding keeps a byte.
pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// For every byte: its encoding, its double encoding, and the length of the encoding. The double encoding is `2 * length - 1`
/// bytes long.
#[repr(align(64))]
struct Table {
    once: [[u8; 4]; 256],
    twice: [[u8; 8]; 256],
    len: [u32; 256],
}

static TABLE: Table = {
    let mut table = Table { once: [[0; 4]; 256], twice: [[0; 8]; 256], len: [1; 256] };
    let mut byte: u8 = 0;
    let mut once: &mut [_] = &mut table.once;
    let mut twice: &mut [_] = &mut table.twice;
    let mut len: &mut [_] = &mut table.len;
    while let ([o, once_rest @ ..], [t, twice_rest @ ..], [l, len_rest @ ..]) = (once, twice, len) {
        if is_unreserved(byte) {
            (*o, *t) = ([byte, 0, 0, 0], [byte, 0, 0, 0, 0, 0, 0, 0]);
        } else {
            let (high, low) = (upper_hex(byte >> 4), upper_hex(byte & 15));
            (*o, *t, *l) = ([b'%', high, low, 0], [b'%', b'2', b'5', high, low, 0, 0, 0], 3);
        }
        byte = byte.wrapping_add(1);
        (once, twice, len) = (once_rest, twice_rest, len_rest);
    }
    table
};

const fn upper_hex(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }
}

/// The encoding of one byte, its double encoding, and the length of the encoding.
#[expect(clippy::indexing_slicing, reason = "a u8 indexes tables of 256")]
#[inline(always)]
fn of(byte: u8) -> ([u8; 4], [u8; 8], u32) {
    let at = usize::from(byte);
    (TABLE.once[at], TABLE.twice[at], TABLE.len[at])
}

/// Appends the encoding of `text`.
pub(crate) fn push_encoded(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match of(byte) {
            ([percent, high, low, _], _, 3) => out.extend_from_slice(&[percent, high, low]),
            _ => out.push(byte),
        }
    }
}

/// The output of an encoder, which is ASCII, as text.
pub(crate) fn ascii(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The space after the end for writing the last block in full.
const SPARE: usize = 40;

/// What a buffer holds besides the pairs: the prefix or the signature, and [`SPARE`].
const SLACK: usize = 160;

/// A buffer and the number of bytes written. Its length grows in steps, because clearing all of it in advance costs more than
/// writing it. Its capacity never grows: that would leave a copy of the bytes in memory.
struct EncodeBuffer {
    bytes: WipedBytes,
    end: u32,
}

impl EncodeBuffer {
    fn with_capacity(len: usize) -> Self {
        Self { bytes: WipedBytes::with_capacity(len + SLACK), end: 0 }
    }

    /// Grows the buffer by `len` bytes, plus space to write the last block in full.
    fn grow(&mut self, len: usize) {
        let len = self.end as usize + len + SPARE;
        if self.bytes.len() < len {
            let step = len.next_multiple_of(512).min(self.bytes.capacity());
            self.bytes.resize(step.max(len), 0);
        }
    }

    /// The bytes written. Beyond them the buffer holds only zeros: the rest of the last block.
    fn into_bytes(mut self) -> WipedBytes {
        self.bytes.truncate(self.end as usize);
        self.bytes
    }
}

/// Writes a block at `end`, and advances `end` by `len`; the next block overwrites the rest. Slice and end are separate
/// parameters, so that both stay in registers.
#[expect(clippy::indexing_slicing, reason = "the buffer has space for the longest encoding of every byte")]
#[inline(always)]
fn put<const N: usize>(bytes: &mut [u8], end: &mut u32, block: [u8; N], len: u32) {
    let at = *end as usize;
    bytes[at..at + N].copy_from_slice(&block);
    *end += len;
}

/// Writes a text that needs no encoding.
#[expect(clippy::indexing_slicing, reason = "the buffer has space for the longest encoding of every byte")]
#[inline(always)]
fn put_plain(bytes: &mut [u8], end: &mut u32, text: &str) {
    let at = *end as usize;
    bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
    *end += text.len() as u32;
}

/// A name that needs no encoding, padded to a block: writing a block of fixed size takes no call.
pub(crate) struct KnownName([u8; 32]);

impl KnownName {
    pub(crate) const fn new(name: &str) -> Self {
        let mut block = [0; 32];
        assert!(name.len() <= block.len(), "names of this crate fit into a block");
        let (mut from, mut to): (&[u8], &mut [u8]) = (name.as_bytes(), &mut block);
        while let ([byte, from_rest @ ..], [place, to_rest @ ..]) = (from, to) {
            assert!(is_unreserved(*byte), "names of this crate need no encoding");
            *place = *byte;
            (from, to) = (from_rest, to_rest);
        }
        Self(block)
    }
}

/// Writes `k=v&k=v`, encoded.
pub(crate) struct Encoder {
    text: EncodeBuffer,
    prefix: u32,
}

impl Encoder {
    /// An encoder for pairs of about `bytes` bytes in total. `prefix` precedes the pairs.
    pub(crate) fn new(bytes: usize, prefix: &str) -> Self {
        let mut text = EncodeBuffer::with_capacity(bytes * 3);
        text.grow(prefix.len());
        put_plain(&mut text.bytes, &mut text.end, prefix);
        Self { prefix: text.end, text }
    }

    /// Appends a name and its value, preceded by `&` except for the first pair.
    #[inline(never)]
    pub(crate) fn pair(&mut self, name: &str, known: Option<&KnownName>, value: &str) {
        // Every pair except the first is preceded by `&`; before the first it is overwritten.
        let is_next = u32::from(self.text.end > self.prefix);
        self.text.grow((name.len() + value.len() + 2) * 3);
        let (bytes, mut end) = (self.text.bytes.as_mut_slice(), self.text.end);
        put(bytes, &mut end, [b'&'], is_next);
        match known {
            Some(known) => put(bytes, &mut end, known.0, name.len() as u32),
            None => put_once(name, bytes, &mut end),
        }
        put(bytes, &mut end, [b'='], 1);
        put_once(value, bytes, &mut end);
        self.text.end = end;
    }

    /// The prefix and the pairs.
    pub(crate) fn finish(self) -> WipedBytes {
        self.text.into_bytes()
    }
}

/// Writes `k=v&k=v`, and the encoding of that text beside it.
pub(crate) struct DoubleEncoder {
    once: EncodeBuffer,
    twice: EncodeBuffer,
}

impl DoubleEncoder {
    /// An encoder for pairs of about `bytes` bytes in total. `prefix` precedes the double-encoded text.
    pub(crate) fn new(bytes: usize, prefix: [&str; 2]) -> Self {
        let mut twice = EncodeBuffer::with_capacity(bytes * 5);
        for part in prefix {
            twice.grow(part.len());
            put_plain(&mut twice.bytes, &mut twice.end, part);
        }
        Self { once: EncodeBuffer::with_capacity(bytes * 3), twice }
    }

    /// Appends a name and its value, preceded by `&` except for the first pair.
    #[inline(never)]
    pub(crate) fn pair(&mut self, name: &str, known: Option<&KnownName>, value: &str) {
        let len = name.len() + value.len() + 2;
        self.once.grow(len * 3);
        self.twice.grow(len * 5);
        let (once, twice) = (self.once.bytes.as_mut_slice(), self.twice.bytes.as_mut_slice());
        let (mut once_end, mut twice_end) = (self.once.end, self.twice.end);
        // Every pair except the first is preceded by `&`; before the first it is overwritten.
        let is_next = u32::from(once_end > 0);
        put(once, &mut once_end, [b'&'], is_next);
        put(twice, &mut twice_end, *b"%26", 3 * is_next);
        match known {
            Some(known) => {
                put(once, &mut once_end, known.0, name.len() as u32);
                put(twice, &mut twice_end, known.0, name.len() as u32);
            }
            None => put_both(name, once, &mut once_end, twice, &mut twice_end),
        }
        put(once, &mut once_end, [b'='], 1);
        put(twice, &mut twice_end, *b"%3D", 3);
        put_both(value, once, &mut once_end, twice, &mut twice_end);
        (self.once.end, self.twice.end) = (once_end, twice_end);
    }

    /// Both texts.
    pub(crate) fn finish(self) -> (WipedBytes, WipedBytes) {
        (self.once.into_bytes(), self.twice.into_bytes())
    }
}

/// Writes the encoding of a text, four bytes at a time, as [`put_both`] does.
#[expect(clippy::indexing_slicing, reason = "the buffer has space for the longest encoding of every byte")]
#[inline(always)]
fn put_once(text: &str, out: &mut [u8], end: &mut u32) {
    let (chunks, rest) = text.as_bytes().as_chunks::<4>();
    for chunk in chunks {
        if chunk.iter().fold(0, |lens, byte| lens | of(*byte).2) == 1 {
            put(out, end, *chunk, 4);
            continue;
        }
        let (out, mut len) = (&mut out[*end as usize..][..20], 0);
        for byte in *chunk {
            let (block, _, block_len) = of(byte);
            // The mask changes nothing: it proves to the compiler that no block exceeds the slice.
            put(out, &mut len, block, block_len & 3);
        }
        *end += len;
    }
    for byte in rest {
        let (block, _, len) = of(*byte);
        put(out, end, block, len);
    }
}

/// Writes both encodings of a text, four bytes at a time: unchanged if none of them needs encoding, otherwise with one bounds
/// check for all four.
#[expect(clippy::indexing_slicing, reason = "the buffer has space for the longest encoding of every byte")]
#[inline(always)]
fn put_both(text: &str, once: &mut [u8], once_end: &mut u32, twice: &mut [u8], twice_end: &mut u32) {
    let (chunks, rest) = text.as_bytes().as_chunks::<4>();
    for chunk in chunks {
        if chunk.iter().fold(0, |lens, byte| lens | of(*byte).2) == 1 {
            put(once, once_end, *chunk, 4);
            put(twice, twice_end, *chunk, 4);
            continue;
        }
        let (once, twice) = (&mut once[*once_end as usize..][..20], &mut twice[*twice_end as usize..][..40]);
        let (mut once_len, mut twice_len) = (0, 0);
        for byte in *chunk {
            let (one, two, len) = of(byte);
            // The masks change nothing: they prove to the compiler that no block exceeds the slice.
            put(once, &mut once_len, one, len & 3);
            put(twice, &mut twice_len, two, (2 * len - 1) & 7);
        }
        *once_end += once_len;
        *twice_end += twice_len;
    }
    for byte in rest {
        let (one, two, len) = of(*byte);
        put(once, once_end, one, len);
        put(twice, twice_end, two, 2 * len - 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> String {
        let mut out = Vec::new();
        push_encoded(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn keeps_only_unreserved_characters() {
        assert_eq!(encoded("a b*c~d+e/f=g&h%i'j(k)l!m"), "a%20b%2Ac~d%2Be%2Ff%3Dg%26h%25i%27j%28k%29l%21m");
        assert_eq!(encoded("阿卜杜拉·𠮷"), "%E9%98%BF%E5%8D%9C%E6%9D%9C%E6%8B%89%C2%B7%F0%A0%AE%B7");
    }

    #[test]
    fn pairs_with_known_names_are_joined_like_others() {
        let known = KnownName::new("Name");
        for (prefix, known) in [("", None), ("", Some(&known)), ("/?", None), ("/?", Some(&known))] {
            let mut encoder = Encoder::new(0, prefix);
            encoder.pair("Name", known, "张 三");
            encoder.pair("Name", known, "");
            assert_eq!(encoder.finish().as_ascii(), format!("{prefix}Name=%E5%BC%A0%20%E4%B8%89&Name="));
        }
        assert!(Encoder::new(0, "").finish().is_empty());
    }

    proptest! {
        #[test]
        fn the_second_encoding_encodes_the_first(pairs in prop::collection::vec(("\\PC*", "\\PC*"), 0..6)) {
            let bytes = pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
            let mut both = DoubleEncoder::new(bytes, ["POST", "&%2F&"]);
            for (name, value) in &pairs {
                both.pair(name, None, value);
            }
            let (once, twice) = both.finish();
            let once = once.as_ascii();
            let expected = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
            prop_assert_eq!(once, &expected.collect::<Vec<_>>().join("&"));
            let mut single = Encoder::new(bytes, "/?");
            for (name, value) in &pairs {
                single.pair(name, None, value);
            }
            let single = single.finish();
            prop_assert_eq!(format!("/?{once}"), single.as_ascii());
            prop_assert_eq!(format!("POST&%2F&{}", encoded(once)), twice.as_ascii());
        }
    }
}
