//! Short texts as one number, which is compared much faster than a text.

/// Returns a text of at most 15 bytes and its length as one number, which is never 0 and has no bit in [`FREE`]. Different texts
/// have different numbers.
#[inline]
pub(crate) fn word(text: &[u8]) -> Option<u128> {
    let length = text.len();
    // Two chunks that overlap have every byte, without a loop.
    let packed = if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        if length > 15 {
            return None;
        }
        u128::from(u64::from_le_bytes(*first)) | u128::from(u64::from_le_bytes(*last)) << ((length - 8) * 8)
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        u128::from(u64::from(first) | u64::from(last) << ((length - 4) * 8))
    } else {
        let packed = match *text {
            [] => 0,
            [a] => u32::from_le_bytes([a, 0, 0, 0]),
            [a, b] => u32::from_le_bytes([a, b, 0, 0]),
            [a, b, c, ..] => u32::from_le_bytes([a, b, c, 0]),
        };
        packed.into()
    };
    Some(packed | (length as u128 + 1) << 120)
}

/// The bit for the caller.
pub(crate) const FREE: u128 = 1 << 127;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_text_and_its_length() {
        let letters = "abcdefghijklmno\0\0";
        let starts = ["", "é", "\0", "中"];
        for (start, end) in
            starts.into_iter().flat_map(|start| (0..=letters.len()).map(move |end| (start, end)))
        {
            let text = format!("{start}{}", letters.get(..end).unwrap_or_default());
            let mut bytes = [0; 16];
            let expected = (text.len() < 16).then(|| {
                bytes.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = byte);
                *bytes.last_mut().unwrap() = text.len() as u8 + 1;
                u128::from_le_bytes(bytes)
            });
            assert_eq!(word(text.as_bytes()), expected, "{text:?}");
            assert!(expected.is_none_or(|word| word != 0 && word & FREE == 0));
        }
    }
}
