//! Bytes and texts that are wiped when they are dropped.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use zeroize::Zeroize;

/// A buffer that is wiped on drop. Reserve its capacity in advance: a buffer that grows leaves a copy behind.
///
/// Unlike `Zeroizing<Vec<u8>>`, it wipes only the bytes in use, in one pass, and not the spare capacity.
#[derive(Default)]
pub(crate) struct WipedBytes(Vec<u8>);

impl WipedBytes {
    pub(crate) fn with_capacity(len: usize) -> Self {
        Self(Vec::with_capacity(len))
    }

    /// The bytes as ASCII text, which is all that the encoders write.
    pub(crate) fn as_ascii(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The bytes, no longer wiped on drop.
    pub(crate) fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for WipedBytes {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl From<Vec<u8>> for WipedBytes {
    /// Also wipes the rest of the capacity, where a longer text may have been.
    fn from(mut bytes: Vec<u8>) -> Self {
        bytes.spare_capacity_mut().zeroize();
        Self(bytes)
    }
}

impl From<WipedBytes> for Bytes {
    fn from(bytes: WipedBytes) -> Self {
        if bytes.is_empty() { Self::new() } else { Self::from_owner(bytes) }
    }
}

impl AsRef<[u8]> for WipedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Deref for WipedBytes {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for WipedBytes {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

/// Wipes a text that does not wipe itself.
pub(crate) fn wipe(text: &mut String) {
    drop(WipedBytes(std::mem::take(text).into_bytes()));
}

/// A text that is wiped on drop, and whose old memory is wiped when it grows.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct WipedString(String);

impl WipedString {
    pub(crate) fn with_capacity(len: usize) -> Self {
        Self(String::with_capacity(len))
    }

    /// Takes over a text. Its spare capacity is not wiped, so no longer text may have been in its memory.
    pub(crate) const fn holding(text: String) -> Self {
        Self(text)
    }

    #[inline]
    pub(crate) fn push_str(&mut self, text: &str) {
        self.reserve(text.len());
        self.0.push_str(text);
    }

    #[inline]
    pub(crate) fn push(&mut self, char: char) {
        self.reserve(char.len_utf8());
        self.0.push(char);
    }

    #[inline]
    fn reserve(&mut self, more: usize) {
        if self.0.capacity() - self.0.len() < more {
            self.grow(more);
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) {
        let mut larger = Self::with_capacity((self.0.len() + more).max(self.0.len() * 2));
        larger.0.push_str(&self.0);
        *self = larger;
    }

    /// The text, no longer wiped on drop.
    pub(crate) fn into_string(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl Drop for WipedString {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl Deref for WipedString {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A text of a document: a part of it, or its own, which is wiped on drop.
#[derive(Clone)]
pub(crate) enum WipedText<'a> {
    Borrowed(&'a str),
    Owned(WipedString),
}

impl<'a> WipedText<'a> {
    pub(crate) fn into_owned(self) -> WipedString {
        match self {
            Self::Borrowed(text) => WipedString(text.to_owned()),
            Self::Owned(text) => text,
        }
    }

    /// The text, no longer wiped on drop.
    pub(crate) fn into_cow(self) -> Cow<'a, str> {
        match self {
            Self::Borrowed(text) => Cow::Borrowed(text),
            Self::Owned(text) => Cow::Owned(text.into_string()),
        }
    }
}

impl Deref for WipedText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

impl PartialEq for WipedText<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for WipedText<'_> {}
