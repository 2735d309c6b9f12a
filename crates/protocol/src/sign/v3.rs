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

use super::checks::sort;
use super::error::BuildError;
use crate::credentials::Credentials;
use crate::wire::encode::{ascii, push_encoded};
use crate::wire::params::{Param, Params};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// A V3 signature with its stages.
#[derive(Clone)]
pub struct Signed {
    /// The canonical request, including personal data.
    pub canonical_request: String,
    /// The input of the HMAC.
    pub string_to_sign: String,
    /// The signature in lower-case hexadecimal.
    pub signature: String,
    /// The value of the `Authorization` header.
    pub authorization: String,
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v3::Signed({})", self.signature)
    }
}

/// The canonical query: sorted by name, encoded. It is also the query of the URL.
///
/// # Errors
/// If two parameters share a name.
pub fn canonical_query(params: Params<'_>) -> Result<String, BuildError> {
    let mut params = params.0;
    sort(&mut params)?;
    Ok(encode(&params))
}

/// `name=value&...`, encoded, in the given order.
pub(super) fn encode(params: &[Param<'_>]) -> String {
    let mut out = Vec::with_capacity(params.iter().map(|p| p.name.text.len() + p.value.len() * 3 + 2).sum());
    for param in params {
        if !out.is_empty() {
            out.push(b'&');
        }
        push_encoded(&mut out, param.name.text);
        out.push(b'=');
        push_encoded(&mut out, &param.value);
    }
    ascii(&out)
}

/// Whether the signature must cover this header. `user-agent` and `accept` are not signed: proxies and HTTP libraries rewrite
/// them.
pub(super) fn must_be_signed(name: &str) -> bool {
    name.starts_with("x-acs-") || matches!(name, "host" | "content-type")
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
    let (mut lines, mut names) = (String::new(), String::new());
    let mut last = None;
    for (name, value) in &headers {
        if last == Some(name) {
            lines.push(',');
        } else {
            if last.is_some() {
                lines.push('\n');
                names.push(';');
            }
            names.push_str(name);
            lines.push_str(name);
            lines.push(':');
        }
        lines.push_str(value);
        last = Some(name);
    }
    let canonical_request =
        format!("{method}\n/\n{query}\n{lines}\n\n{names}\n{payload}", payload = hex_sha256(body));
    let string_to_sign = format!("{ALGORITHM}\n{}", hex_sha256(canonical_request.as_bytes()));
    let mut mac = by.secret().v3();
    mac.update(string_to_sign.as_bytes());
    let signature = lower_hex(&mac.finalize().into_bytes());
    let authorization =
        format!("{ALGORITHM} Credential={},SignedHeaders={names},Signature={signature}", by.access_key_id());
    Signed { canonical_request, string_to_sign, signature, authorization }
}

pub(super) fn hex_sha256(bytes: &[u8]) -> String {
    lower_hex(&Sha256::digest(bytes))
}

pub(super) fn lower_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
