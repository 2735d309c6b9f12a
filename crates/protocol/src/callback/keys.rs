//! Tokens that bind a callback to an order, to detect forged callbacks.

use std::fmt;

use ctutils::CtEq;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::callback::query::Callback;
use crate::credentials::keyed;
use crate::values::order::{OuterOrderNo, SceneId};
use crate::values::web::CallbackToken;

/// The keys that create and check callback tokens. Up to two keys are valid at a time: tokens are created with the current
/// key and checked against both, so that a key can be rotated while verifications are in progress.
///
/// The service echoes the token. A valid token proves that the sender knows the token of this order. Put the order into the
/// path of the callback URL, then check the token:
///
/// ```
/// use cloudauth_protocol::{Callback, CallbackKeys, OuterOrderNo, SceneId};
///
/// let keys = CallbackKeys::new(&[1; 32]).unwrap();
/// let (scene, order) = (SceneId::new(1_000_000_006).unwrap(), OuterOrderNo::generate([2; 16]));
/// let token = keys.token(scene, &order);            // goes into InitFaceVerify
///
/// let query = format!("certifyId=sha1&passed=200&callbackToken={}", token.expose());
/// let callback = Callback::parse(&query).unwrap();
/// assert!(keys.verify(&callback, scene, &order));   // then ask DescribeFaceVerify
/// ```
pub struct CallbackKeys {
    current: Hmac<Sha256>,
    previous: Option<Hmac<Sha256>>,
}

impl CallbackKeys {
    /// Creates keys with a current key of at least 32 random bytes.
    ///
    /// # Errors
    /// If the key is shorter.
    pub fn new(current: &[u8]) -> Result<Self, CallbackKeyError> {
        Ok(Self { current: checked(current)?, previous: None })
    }

    /// Also accepts tokens of the previous key.
    ///
    /// # Errors
    /// If the key is shorter than 32 bytes.
    pub fn with_previous(mut self, previous: &[u8]) -> Result<Self, CallbackKeyError> {
        self.previous = Some(checked(previous)?);
        Ok(self)
    }

    /// Returns the token of an order: 27 ASCII letters and digits, as long as the vendor's sample.
    #[must_use]
    pub fn token(&self, scene: SceneId, order: &OuterOrderNo) -> CallbackToken {
        token(&self.current, scene, order)
    }

    /// Returns whether the callback carries this order's token, made with the current or the previous key. Compares in constant
    /// time.
    #[must_use]
    pub fn verify(&self, callback: &Callback, scene: SceneId, order: &OuterOrderNo) -> bool {
        let Some(given) = callback.token() else { return false };
        let fits = |key| token(key, scene, order).expose().as_bytes().ct_eq(given.expose().as_bytes());
        let mut fit = fits(&self.current);
        if let Some(previous) = &self.previous {
            fit |= fits(previous);
        }
        fit.to_bool()
    }
}

impl fmt::Debug for CallbackKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallbackKeys({})", if self.previous.is_some() { "2 keys" } else { "1 key" })
    }
}

fn checked(key: &[u8]) -> Result<Hmac<Sha256>, CallbackKeyError> {
    if key.len() < 32 { Err(CallbackKeyError) } else { Ok(keyed(key)) }
}

fn token(key: &Hmac<Sha256>, scene: SceneId, order: &OuterOrderNo) -> CallbackToken {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut mac = key.clone();
    // The scene has a fixed length, so different pairs never give the same bytes.
    mac.update(b"cloudauth callback token 1");
    mac.update(&scene.get().to_be_bytes());
    mac.update(order.as_str().as_bytes());
    let digest = mac.finalize().into_bytes();
    // 27 bytes folded to base 62 keep more than 150 bits.
    let text: String = digest
        .iter()
        .take(27)
        .filter_map(|byte| DIGITS.get(usize::from(byte % 62)))
        .map(|digit| char::from(*digit))
        .collect();
    #[expect(clippy::expect_used, reason = "27 letters and digits have a token's form")]
    CallbackToken::new(&text).expect("a token's form")
}

/// The error of a key with fewer than 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackKeyError;

impl fmt::Display for CallbackKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a callback key needs at least 32 bytes")
    }
}

impl std::error::Error for CallbackKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> (SceneId, OuterOrderNo) {
        (SceneId::new(1_000_000_006).unwrap(), OuterOrderNo::new("e0c34a77f5ac40a5aa5e6ed20c353888").unwrap())
    }

    fn callback(token: &CallbackToken) -> Callback {
        Callback::parse(&format!("certifyId=a&passed=200&callbackToken={}", token.expose())).unwrap()
    }

    #[test]
    fn a_token_is_valid_only_for_its_order_and_scene() {
        let keys = CallbackKeys::new(&[1; 32]).unwrap();
        let (scene, order) = parts();
        let good = callback(&keys.token(scene, &order));
        assert!(keys.verify(&good, scene, &order));
        assert!(!keys.verify(&good, SceneId::new(7).unwrap(), &order));
        assert!(!keys.verify(&good, scene, &OuterOrderNo::new("other").unwrap()));
        assert!(!keys.verify(&Callback::parse("certifyId=a&passed=200").unwrap(), scene, &order));
    }

    #[test]
    fn accepts_the_previous_key_but_no_older_one() {
        let (scene, order) = parts();
        let old = callback(&CallbackKeys::new(&[1; 32]).unwrap().token(scene, &order));
        let rotated = CallbackKeys::new(&[2; 32]).unwrap().with_previous(&[1; 32]).unwrap();
        assert!(rotated.verify(&old, scene, &order));
        assert!(rotated.verify(&callback(&rotated.token(scene, &order)), scene, &order));
        let twice = CallbackKeys::new(&[3; 32]).unwrap().with_previous(&[2; 32]).unwrap();
        assert!(!twice.verify(&old, scene, &order));
    }

    #[test]
    fn rejects_a_short_key() {
        assert!(CallbackKeys::new(&[0; 31]).is_err());
    }
}
