//! V3: ACS3-HMAC-SHA256 over the headers that the client says it has signed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Claim, Incoming, Key, encoded};
use crate::error::GatewayError;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The parts of the `Authorization` header.
struct Authorization<'a> {
    access_key_id: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

fn authorization(request: &Incoming) -> Result<Authorization<'_>, GatewayError> {
    let malformed = || {
        GatewayError::bad_request(
            "IncompleteSignature",
            "The request signature does not conform to Aliyun standards.",
        )
    };
    let header = request.header("authorization").unwrap_or_default();
    let (algorithm, rest) = header.split_once(' ').ok_or_else(malformed)?;
    if algorithm != ALGORITHM {
        return Err(GatewayError::bad_request(
            "InvalidSignatureMethod",
            "Specified signature method is not supported.",
        ));
    }
    let part = |name: &str| {
        rest.split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .ok_or_else(malformed)
    };
    Ok(Authorization {
        access_key_id: part("Credential")?,
        signed_headers: part("SignedHeaders")?.split(';').collect(),
        signature: part("Signature")?,
    })
}

pub(super) fn claim(request: &Incoming) -> Result<Claim<'_>, GatewayError> {
    let need = |name: &str| {
        request.header(name).filter(|value| !value.is_empty()).ok_or_else(|| GatewayError::missing(name))
    };
    Ok(Claim {
        access_key_id: authorization(request)?.access_key_id,
        token: request.header("x-acs-security-token"),
        time: need("x-acs-date")?,
        nonce: need("x-acs-signature-nonce")?,
    })
}

pub(super) fn check(request: &Incoming, key: &Key) -> Result<(), GatewayError> {
    let authorization = authorization(request)?;
    // "All public headers but Authorization must be signed if they are there."
    for name in request.parts.headers.keys().map(|name| name.as_str()) {
        let must = name.starts_with("x-acs-") || matches!(name, "host" | "content-type");
        if must && !authorization.signed_headers.contains(&name) {
            return Err(GatewayError::bad_request(
                "IncompleteSignature",
                format!(
                    "The request signature does not conform to Aliyun standards. The header {name} is not signed."
                ),
            ));
        }
    }
    let payload = hex(&Sha256::digest(&request.body));
    let canonical = canonical_request(request, &authorization, &payload);
    let string_to_sign = format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.secret.as_bytes()).expect("a key of any length");
    mac.update(string_to_sign.as_bytes());
    let body_is_as_signed = request.header("x-acs-content-sha256") == Some(payload.as_str());
    if body_is_as_signed && hex(&mac.finalize().into_bytes()) == authorization.signature {
        return Ok(());
    }
    Err(GatewayError::bad_request(
        "SignatureDoesNotMatch",
        format!(
            "Specified signature does not match our calculation. server StringToSign is [{string_to_sign}] server CanonicalRequest is [{canonical}]"
        ),
    ))
}

fn canonical_request(request: &Incoming, authorization: &Authorization<'_>, payload: &str) -> String {
    let mut query: Vec<_> =
        request.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    query.sort();
    let headers: String = authorization
        .signed_headers
        .iter()
        .map(|name| {
            let mut values: Vec<_> = request
                .parts
                .headers
                .get_all(*name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .map(str::trim)
                .collect();
            values.sort_unstable();
            format!("{name}:{}\n", values.join(","))
        })
        .collect();
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{payload}",
        request.parts.method,
        request.parts.uri.path(),
        query.join("&"),
        authorization.signed_headers.join(";"),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
