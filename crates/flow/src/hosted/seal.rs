//! Seals what a start page keeps for some minutes: the identity, then the link.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::machine::ids::InvalidId;

/// The format of a sealed text: this byte, the id of the key, the nonce, the ciphertext and its tag.
const FORMAT: u8 = 1;

const ID: usize = 8;
const NONCE: usize = 24;

/// Each plaintext is filled up to a multiple of this length, so that a ciphertext does not tell how long a name is.
const BLOCK: usize = 512;

/// The longest text. A link has some hundred bytes, and an identity that you encrypted yourself about as many.
const LONGEST: usize = 4_000;

/// The keys that seal the identities of start pages, 32 random bytes each (XChaCha20-Poly1305). Keep them outside the database: who
/// has both can read the identities of the last ten minutes.
///
/// Each sealed text names its key by a digest of it. To change the key, give all instances the new one as previous key first, then as
/// the current one, with the old one as previous; after ten minutes, remove the old one.
///
/// ```
/// use cloudauth_flow::SealingKeys;
///
/// let keys = SealingKeys::new(&[2; 32])?.with_previous(&[1; 32])?; // from your secret store
/// assert!(SealingKeys::new(b"short").is_err());
/// assert_eq!(format!("{keys:?}"), "SealingKeys(2 keys)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SealingKeys(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: [u8; ID],
    cipher: XChaCha20Poly1305,
}

/// What a text is sealed for. It opens for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purpose<'a> {
    /// `identity` or `link`.
    pub(crate) kind: &'static str,
    /// The digest of the page's capability.
    pub(crate) page: &'a [u8; 32],
    /// The request, as stored.
    pub(crate) request: &'a str,
}

impl SealingKeys {
    /// Takes the key.
    ///
    /// # Errors
    /// If it does not have 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, InvalidId> {
        Ok(Self(vec![Key::new(key)?]))
    }

    /// Adds a key that opens, and seals nothing.
    ///
    /// # Errors
    /// If it does not have 32 bytes.
    pub fn with_previous(mut self, key: &[u8]) -> Result<Self, InvalidId> {
        self.0.push(Key::new(key)?);
        Ok(self)
    }

    /// Seals a text. `None` if it is too long.
    pub(crate) fn seal(&self, purpose: Purpose<'_>, nonce: [u8; NONCE], text: &str) -> Option<Box<[u8]>> {
        let key = self.0.first()?;
        let length = u16::try_from(text.len()).ok().filter(|_| text.len() <= LONGEST)?;
        let filled = (2 + text.len()).next_multiple_of(BLOCK);
        let mut plain = Zeroizing::new(Vec::with_capacity(filled));
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(text.as_bytes());
        plain.resize(filled, 0);
        let payload = Payload { msg: &plain, aad: &purpose.bytes() };
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some([&[FORMAT], &key.id[..], &nonce, &sealed].concat().into())
    }

    /// Opens what was sealed for this purpose. `None` if its key is not here, or if it was changed.
    pub(crate) fn open(&self, purpose: Purpose<'_>, sealed: &[u8]) -> Option<Zeroizing<String>> {
        let (&FORMAT, rest) = sealed.split_first()? else { return None };
        let (id, rest) = rest.split_first_chunk::<ID>()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let key = self.0.iter().find(|key| key.id == *id)?;
        let payload = Payload { msg: rest, aad: &purpose.bytes() };
        let plain = Zeroizing::new(key.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?);
        let (length, text) = plain.split_first_chunk()?;
        let text = text.get(..usize::from(u16::from_be_bytes(*length)))?;
        std::str::from_utf8(text).ok().map(|text| Zeroizing::new(text.to_owned()))
    }
}

impl Key {
    fn new(key: &[u8]) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("SealingKeys", "32 random bytes");
        let cipher = XChaCha20Poly1305::new_from_slice(key).map_err(|_| invalid)?;
        let mut digest = <Hmac<Sha256> as KeyInit>::new_from_slice(key).map_err(|_| invalid)?;
        digest.update(b"cloudauth flow sealing key 1");
        let digest: [u8; 32] = digest.finalize().into_bytes().into();
        let (id, _) = digest.split_first_chunk().ok_or(invalid)?;
        Ok(Self { id: *id, cipher })
    }
}

impl Purpose<'_> {
    /// The associated data. Only the last part has a length that changes.
    fn bytes(&self) -> Vec<u8> {
        [b"cloudauth flow sealed 1 ", self.kind.as_bytes(), b"\0", self.page, self.request.as_bytes()]
            .concat()
    }
}

/// Shows how many keys there are.
impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKeys({} keys)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose<'_> = Purpose { kind: "identity", page: &[3; 32], request: "{}" };

    fn keys(key: u8) -> SealingKeys {
        SealingKeys::new(&[key; 32]).unwrap()
    }

    fn sealed(keys: &SealingKeys, text: &str) -> Box<[u8]> {
        keys.seal(PURPOSE, [9; NONCE], text).unwrap()
    }

    #[test]
    fn a_text_opens_with_its_key_also_after_a_rotation() {
        for text in ["", "张三", &"x".repeat(LONGEST)] {
            let of_old = sealed(&keys(1), text);
            let rotated = keys(2).with_previous(&[1; 32]).unwrap();
            for keys in [&keys(1), &rotated] {
                assert_eq!(keys.open(PURPOSE, &of_old).as_ref().map(|text| &***text), Some(text));
            }
            assert_eq!(
                keys(1).open(PURPOSE, &sealed(&rotated, text)),
                None,
                "the previous key seals nothing"
            );
        }
        assert_eq!(keys(1).seal(PURPOSE, [9; NONCE], &"x".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn a_text_opens_for_its_purpose_only() {
        let sealed = sealed(&keys(1), "张三");
        for other in [
            Purpose { kind: "link", ..PURPOSE },
            Purpose { page: &[4; 32], ..PURPOSE },
            Purpose { request: "{} ", ..PURPOSE },
        ] {
            assert_eq!(keys(1).open(other, &sealed), None, "{other:?}");
        }
    }

    #[test]
    fn a_changed_byte_is_found() {
        let sealed = sealed(&keys(1), "张三");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(keys(1).open(PURPOSE, &changed), None, "byte {at}");
            assert_eq!(keys(1).open(PURPOSE, &sealed[..at]), None, "the first {at} bytes");
        }
    }

    #[test]
    fn the_length_says_nothing_of_the_name() {
        let lengths = ["张三", "阿卜杜拉·买买提", &"x".repeat(400)].map(|text| sealed(&keys(1), text).len());
        assert_eq!(lengths, [lengths[0]; 3]);
    }
}
