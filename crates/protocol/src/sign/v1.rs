//! The RPC signature V1: `SignatureVersion=1.0`, HMAC-SHA1.
//!
//! ```text
//! canonical      = name=value&... sorted by name, names and values percent-encoded
//! string to sign = METHOD & %2F & percent-encoded canonical
//! Signature      = Base64(HMAC-SHA1(secret + "&", string to sign))
//! ```
//! Query and form parameters are signed together; the signature is the last parameter. Source: the vendor's SDKs (three official
//! implementations agree on the vectors in `tests/vectors`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;
use http::Method;

use super::checks::{check_action, check_size, sort};
use super::error::BuildError;
use crate::credentials::{AccessKeySecret, Credentials};
use crate::operation::{Operation, VERSION};
use crate::wipe::WipedBytes;
use crate::wire::encode::{DoubleEncoder, push_encoded};
use crate::wire::params::{Name, ParamLocation, Params, name};
use crate::wire::stamp::Stamp;

/// The name of the parameter that is added to the signed ones.
const SIGNATURE: &str = "Signature";

/// Signs an operation: the parameters of a request, without the HTTP parts.
///
/// # Errors
/// If two parameters share a name, the operation's action is not an identifier, or the parameters have more than 10 MiB.
pub fn sign_operation<O: Operation + ?Sized>(
    op: &O,
    method: &Method,
    by: &Credentials,
    stamp: &Stamp,
) -> Result<Signed, BuildError> {
    check_action(op.action())?;
    let mut params = Params::new();
    op.params(&mut params);
    sign_with_common(method, op.action(), params, by, stamp, false)
}

/// Signs the parameters of an operation and the common ones.
pub(super) fn sign_with_common(
    method: &Method,
    action: &str,
    params: Params<'_>,
    by: &Credentials,
    stamp: &Stamp,
    mask: bool,
) -> Result<Signed, BuildError> {
    // Rebound with a shorter lifetime, for the values added here.
    let mut params = params;
    if let Some(token) = by.security_token() {
        let token = if mask { "[SecurityToken]" } else { token.expose() };
        params.push_known_personal(name!("SecurityToken"), ParamLocation::Query, token);
    }
    let time = stamp.at.to_wire();
    let common = [
        (name!("AccessKeyId"), by.access_key_id()),
        (name!("Action"), action),
        // Without it the gateway responds in XML.
        (name!("Format"), "JSON"),
        (name!("SignatureMethod"), "HMAC-SHA1"),
        (name!("SignatureNonce"), stamp.nonce.as_str()),
        (name!("SignatureVersion"), "1.0"),
        (name!("Timestamp"), time.as_str()),
        (name!("Version"), VERSION),
    ];
    sign_merged(method, params, &common, by.secret())
}

/// Signs `params`, which must include the common parameters but no `Signature`.
///
/// # Errors
/// If two parameters share a name, one has the name `Signature`, or the parameters have more than 10 MiB.
pub fn sign(method: &Method, params: Params<'_>, secret: &AccessKeySecret) -> Result<Signed, BuildError> {
    check_size(&params.0)?;
    sign_merged(method, params, &[], secret)
}

/// Signs the union of `params` and the sorted `common`.
fn sign_merged(
    method: &Method,
    params: Params<'_>,
    common: &[(Name<'_>, &str)],
    secret: &AccessKeySecret,
) -> Result<Signed, BuildError> {
    let mut params = params.0;
    sort(&mut params)?;
    // It is added at the end, so that the comparison below does not see it.
    if params.iter().any(|param| param.name.text == SIGNATURE) {
        return Err(BuildError::duplicate(SIGNATURE));
    }
    let own_bytes = params.iter().map(|param| param.name.text.len() + param.value.len() + 2);
    let common_bytes = common.iter().map(|(name, value)| name.text.len() + value.len() + 2);
    let mut both = DoubleEncoder::new(own_bytes.chain(common_bytes).sum(), [method.as_str(), "&%2F&"]);
    let (mut own, mut common) = (params.as_slice(), common);
    loop {
        match (own, common) {
            ([one, ..], [other, ..]) if one.name == other.0 => {
                return Err(BuildError::duplicate(one.name.text));
            }
            ([one, rest @ ..], []) => {
                both.pair(one.name.text, one.name.known, &one.value);
                own = rest;
            }
            ([one, rest @ ..], [other, ..]) if one.name < other.0 => {
                both.pair(one.name.text, one.name.known, &one.value);
                own = rest;
            }
            (_, [(name, value), rest @ ..]) => {
                both.pair(name.text, name.known, value);
                common = rest;
            }
            ([], []) => break,
        }
    }
    let (mut wire, string_to_sign) = both.finish();

    let mut mac = secret.v1();
    mac.update(&string_to_sign);
    let mut signature = [0; 28];
    // 20 bytes of HMAC-SHA1 give 28 characters of Base64.
    let _ = STANDARD.encode_slice(mac.finalize().into_bytes(), &mut signature);

    let canonical_len = wire.len();
    wire.extend_from_slice(b"&");
    wire.extend_from_slice(SIGNATURE.as_bytes());
    wire.extend_from_slice(b"=");
    push_encoded(&mut wire, std::str::from_utf8(&signature).unwrap_or_default());
    Ok(Signed { wire, canonical_len, string_to_sign, signature })
}

/// A V1 signature with its stages, which are wiped on drop.
pub struct Signed {
    wire: WipedBytes,
    canonical_len: usize,
    string_to_sign: WipedBytes,
    signature: [u8; 28],
}

impl Signed {
    /// The sorted, encoded parameters.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        self.wire.get(..self.canonical_len).unwrap_or_default()
    }

    /// The input of the HMAC.
    #[must_use]
    pub fn string_to_sign(&self) -> &[u8] {
        &self.string_to_sign
    }

    /// The signature in Base64.
    #[must_use]
    pub fn signature(&self) -> &str {
        std::str::from_utf8(&self.signature).unwrap_or_default()
    }

    /// The form body or query: the canonical text followed by `&Signature=...`. It holds personal data, and is yours to wipe.
    #[must_use]
    pub fn into_wire(self) -> Vec<u8> {
        self.wire.into_vec()
    }

    /// The same, wiped on drop.
    pub(super) fn into_wiped_wire(self) -> WipedBytes {
        self.wire
    }
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v1::Signed({})", self.signature())
    }
}
