//! Bytes that are wiped when they are dropped.

use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use zeroize::Zeroize;

/// A buffer that is wiped on drop. Reserve its capacity in advance: a buffer that grows leaves a copy behind.
///
/// Unlike `Zeroizing<Vec<u8>>` it wipes only the bytes that are in use, and those in one block.
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
    fn from(bytes: Vec<u8>) -> Self {
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
