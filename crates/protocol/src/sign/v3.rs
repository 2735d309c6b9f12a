//! The signature V3: `ACS3-HMAC-SHA256`, in the `Authorization` header.
//!
//! ```text
//! canonical request = METHOD \n / \n query \n headers \n signed headers \n hex(SHA-256(body))
//! string to sign    = ACS3-HMAC-SHA256 \n hex(SHA-256(canonical request))
//! signature         = hex(HMAC-SHA256(secret, string to sign))
//! ```
//! Source: the vendor's third-generation SDKs (Python and Node agree on the vectors in `tests/vectors`).

use hmac::Mac;
use http::Method;
use sha2::{Digest, Sha256};

use super::checks::{check_size, sort};
use super::error::BuildError;
use crate::credentials::Credentials;
use crate::wipe::WipedBytes;
use crate::wire::encode::{Encoder, ascii};
use crate::wire::params::{Param, Params};
use crate::wire::stamp::hex;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";
const CREDENTIAL: &[u8] = b" Credential=";
const SIGNED_HEADERS: &[u8] = b",SignedHeaders=";
const SIGNATURE: &[u8] = b",Signature=";

/// The length of the `Authorization` header without the ID of the key and the names of the headers.
const AUTHORIZATION: usize = ALGORITHM.len() + CREDENTIAL.len() + SIGNED_HEADERS.len() + SIGNATURE.len() + 64;

/// The canonical query: sorted by name, encoded. It is also the query of the URL.
///
/// # Errors
/// If two parameters share a name, or the parameters have more than 10 MiB.
pub fn canonical_query(params: Params<'_>) -> Result<String, BuildError> {
    let mut params = params.0;
    check_size(&params)?;
    sort(&mut params)?;
    Ok(encode("", params.iter()).as_ascii().to_owned())
}

/// `name=value&...`, encoded, in the given order, after `prefix`.
pub(super) fn encode<'p>(prefix: &str, params: impl Iterator<Item = &'p Param<'p>> + Clone) -> WipedBytes {
    let bytes = params.clone().map(|param| param.name.text.len() + param.value.len() + 2).sum();
    let mut encoder = Encoder::new(bytes, prefix);
    for Param { name, value, .. } in params {
        encoder.pair(name.text, name.known, value);
    }
    encoder.finish()
}

/// Signs one request. `query` is encoded and sorted; `headers` are the headers to sign, in any order and case;
/// the values of a repeated name are sorted and joined with a comma.
pub fn sign<'a>(
    method: &Method,
    query: &str,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: &[u8],
    by: &Credentials,
) -> Signed {
    let mut headers: Vec<(String, &str)> =
        headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect();
    headers.sort();
    let mut names: Vec<&str> = Vec::new();
    let mut lines: Vec<[&[u8]; 4]> = Vec::new();
    for (name, value) in &headers {
        let value = value.as_bytes();
        if names.last().is_some_and(|last| last == name) {
            lines.push([b",", value, b"", b""]);
        } else {
            names.push(name);
            lines.push([b"\n", name.as_bytes(), b":", value]);
        }
    }
    let lines: Vec<&[&[u8]]> = lines.iter().map(|line| line.as_slice()).collect();
    sign_lines(method, query.as_bytes(), &lines, &names.join(";"), &hex_sha256(body), by)
}

/// Signs one request. `lines` are the pieces of the canonical headers, each line preceded by its line feed, and `names` their
/// names.
pub(super) fn sign_lines(
    method: &Method,
    query: &[u8],
    lines: &[&[&[u8]]],
    names: &str,
    payload: &[u8; 64],
    by: &Credentials,
) -> Signed {
    let pieces = lines.iter().copied().flatten();
    let headers: usize = pieces.clone().map(|piece| piece.len()).sum();
    let len = method.as_str().len() + query.len() + headers + names.len() + payload.len() + 6;
    let id = by.access_key_id().as_bytes();
    // One allocation for both texts.
    let mut texts = WipedBytes::with_capacity(len + AUTHORIZATION + id.len() + names.len());
    push(&mut texts, &[method.as_str().as_bytes(), b"\n/\n", query]);
    pieces.for_each(|piece| texts.extend_from_slice(piece));
    push(&mut texts, &[b"\n\n", names.as_bytes(), b"\n", payload]);
    let canonical_len = texts.len();

    let hashed = hex_sha256(&texts);
    let mut mac = by.secret().v3();
    for part in [ALGORITHM.as_bytes(), b"\n", &hashed] {
        mac.update(part);
    }
    let signature = hex(mac.finalize().into_bytes().into());
    push(
        &mut texts,
        &[ALGORITHM.as_bytes(), CREDENTIAL, id, SIGNED_HEADERS, names.as_bytes(), SIGNATURE, &signature],
    );
    Signed { texts, canonical_len, hashed, signature }
}

fn push(to: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| to.extend_from_slice(part));
}

/// The SHA-256 of some bytes in lower-case hexadecimal.
pub(super) fn hex_sha256(bytes: &[u8]) -> [u8; 64] {
    hex(Sha256::digest(bytes).into())
}

/// A V3 signature with its stages. The canonical request is wiped on drop.
pub struct Signed {
    /// The canonical request, then the value of the `Authorization` header.
    texts: WipedBytes,
    canonical_len: usize,
    hashed: [u8; 64],
    signature: [u8; 64],
}

impl Signed {
    /// The canonical request, including personal data.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        self.texts.get(..self.canonical_len).unwrap_or_default()
    }

    /// The input of the HMAC.
    #[must_use]
    pub fn string_to_sign(&self) -> String {
        format!("{ALGORITHM}\n{}", ascii(&self.hashed))
    }

    /// The signature in lower-case hexadecimal.
    #[must_use]
    pub fn signature(&self) -> &str {
        std::str::from_utf8(&self.signature).unwrap_or_default()
    }

    /// The value of the `Authorization` header.
    #[must_use]
    pub fn authorization(&self) -> &str {
        std::str::from_utf8(self.authorization_bytes()).unwrap_or_default()
    }

    pub(super) fn authorization_bytes(&self) -> &[u8] {
        self.texts.get(self.canonical_len..).unwrap_or_default()
    }
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v3::Signed({})", self.signature())
    }
}
