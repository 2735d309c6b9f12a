//! The bytes between two values.

use std::fmt;

use wide::u8x16;

/// Bytes of which the first 32 are compared together. `Debug` shows their number only: they contain names of members.
pub(super) struct Literal {
    bytes: Box<[u8]>,
    /// The first 32 bytes, and a mask of those that count.
    head: [u8x16; 2],
    mask: [u8x16; 2],
}

impl Literal {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let half = |from: usize, value: fn(u8) -> u8| {
            let mut half = [0; 16];
            half.iter_mut().zip(bytes.iter().skip(from)).for_each(|(to, byte)| *to = value(*byte));
            u8x16::new(half)
        };
        let halves = |value| [half(0, value), half(16, value)];
        Self { bytes: bytes.into(), head: halves(|byte| byte), mask: halves(|_| u8::MAX) }
    }

    pub(super) const fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the position after these bytes, if they are here.
    #[inline]
    pub(super) fn end_if_here(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let ([head, more], [mask, more_mask]) = (self.head, self.mask);
        let halves = rest.split_first_chunk::<16>();
        let halves = halves.and_then(|(first, after)| Some((first, after.first_chunk::<16>()?)));
        let is_here = match halves {
            Some((first, second)) => {
                let differs = (u8x16::new(*first) ^ head) & mask | (u8x16::new(*second) ^ more) & more_mask;
                differs.simd_eq(u8x16::splat(0)).all()
                    && (self.bytes.len() <= 32 || rest.starts_with(&self.bytes))
            }
            None => rest.starts_with(&self.bytes),
        };
        is_here.then_some(at + self.bytes.len())
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Literal({} bytes)", self.bytes.len())
    }
}
