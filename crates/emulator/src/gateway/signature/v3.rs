//! Signature V3: ACS3-HMAC-SHA256 over the request and the headers that the client lists as signed.

use std::borrow::Cow;
use std::collections::HashSet;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::super::error::GatewayError;
use super::super::keys::{AccessKey, AccessKeys};
use super::super::request::ApiRequest;
use super::claims::Claims;
use super::encode::{Sink, hex};
use super::parameters::{Diagnosis, Parameters, signed_by};
use super::string::{MASK, SignedString, may_be_shown, quoted};
use crate::http::{Message, both};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The maximum number of signed headers. hyper reads at most a hundred headers.
const MAX_SIGNED_HEADERS: usize = 100;

/// The parts of the `Authorization` header.
struct Authorization<'a> {
    access_key_id: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

fn authorization(request: &ApiRequest) -> Result<Authorization<'_>, GatewayError> {
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
    let signed_headers: Vec<_> = part("SignedHeaders")?.split(';').take(MAX_SIGNED_HEADERS + 1).collect();
    // A repeated name would repeat its value in the string to sign.
    let distinct: HashSet<_> = signed_headers.iter().map(|name| name.to_ascii_lowercase()).collect();
    if signed_headers.len() > MAX_SIGNED_HEADERS || distinct.len() < signed_headers.len() {
        return Err(malformed());
    }
    Ok(Authorization { access_key_id: part("Credential")?, signed_headers, signature: part("Signature")? })
}

pub(super) fn claim(request: &ApiRequest) -> Result<Claims<'_>, GatewayError> {
    let need = |name: &str| {
        request.header(name).filter(|value| !value.is_empty()).ok_or_else(|| GatewayError::missing(name))
    };
    Ok(Claims {
        access_key_id: authorization(request)?.access_key_id,
        token: request.header("x-acs-security-token"),
        time: need("x-acs-date")?,
        nonce: need("x-acs-signature-nonce")?,
    })
}

pub(super) fn check(request: &ApiRequest, key: &AccessKey) -> Result<(), GatewayError> {
    let authorization = authorization(request)?;
    // According to the vendor's page, every public header in the request must be signed, except
    // Authorization.
    for name in request.parts.headers.keys().map(|name| name.as_str()) {
        // aiohttp adds a content-type to an empty POST after the vendor's asynchronous client has signed it.
        let is_optional = name == "content-type" && request.body.is_empty();
        let must = name.starts_with("x-acs-") || matches!(name, "host" | "content-type");
        if must && !is_optional && !authorization.signed_headers.contains(&name) {
            return Err(GatewayError::bad_request(
                "IncompleteSignature",
                format!(
                    "The request signature does not conform to Aliyun standards. The header {name} is not signed."
                ),
            ));
        }
    }
    let canonical = CanonicalRequest::of(request, &authorization);
    let digest = canonical.digest();
    let body_is_as_signed = request.header("x-acs-content-sha256") == Some(&*canonical.payload);
    if body_is_as_signed && signature(&digest, &key.secret) == authorization.signature {
        return Ok(());
    }
    let canonical = quoted(|to| canonical.write(false, to));
    let string_to_sign = string_to_sign(&digest);
    Err(GatewayError::signature_mismatch(format!(
        "Specified signature does not match our calculation. server StringToSign is [{string_to_sign}] server \
         CanonicalRequest is [{canonical}]"
    )))
}

/// Returns the server's string to sign, and the mistake that explains the client's signature.
pub(super) fn explain(
    request: &ApiRequest,
    key: &AccessKey,
    keys: &AccessKeys,
) -> (SignedString, Option<Diagnosis>) {
    match authorization(request) {
        Ok(authorization) => {
            let canonical = CanonicalRequest::of(request, &authorization);
            (canonical.text(), diagnose(&canonical, request, key, keys, authorization.signature))
        }
        // A request without the header is refused before the signature check.
        Err(_) => (SignedString::default(), None),
    }
}

/// Returns the server's string to sign.
pub(super) fn server_string(request: &ApiRequest) -> SignedString {
    authorization(request)
        .map(|authorization| CanonicalRequest::of(request, &authorization).text())
        .unwrap_or_default()
}

/// The way to build a canonical request.
#[derive(Clone)]
struct CanonicalRequest<'a> {
    method: &'a str,
    path: &'a str,
    query: Parameters<'a>,
    /// The signed headers, one entry per value. The values of one header are adjacent and sorted.
    headers: Vec<(&'a str, &'a str)>,
    payload: Cow<'a, str>,
}

impl<'a> CanonicalRequest<'a> {
    /// Builds the canonical request in the documented way.
    fn of(request: &'a ApiRequest, authorization: &Authorization<'a>) -> Self {
        let values = |name: &&'a str| {
            let name = *name;
            let all = request.parts.headers.get_all(name).iter();
            let mut values: Vec<_> = all.filter_map(|value| value.to_str().ok()).map(str::trim).collect();
            values.sort_unstable();
            if values.is_empty() {
                values.push("");
            }
            values.into_iter().map(move |value| (name, value))
        };
        let mut query = arrived(request);
        query.sort_unstable();
        Self {
            method: request.parts.method.as_str(),
            path: request.parts.uri.path(),
            query: Parameters::new(query),
            headers: authorization.signed_headers.iter().flat_map(values).collect(),
            payload: hex(&Sha256::digest(&request.body)).into(),
        }
    }

    /// Writes the canonical request.
    fn write(&self, masked: bool, to: &mut Sink<'_>) {
        let hidden = |name, value| masked && !may_be_shown(name, value);
        for part in [self.method, "\n", self.path, "\n"] {
            to(part.as_bytes());
        }
        self.query.write(masked, to);
        to(b"\n");
        let of_one_header = || self.headers.chunk_by(|(one, _), (other, _)| one == other);
        for values in of_one_header() {
            let mut joint: Option<&str> = None;
            for (name, value) in values {
                if joint.is_none() {
                    to(name.as_bytes());
                }
                to(joint.unwrap_or(":").as_bytes());
                joint = Some(",");
                to(if hidden(name, value) { MASK } else { value }.as_bytes());
            }
            to(b"\n");
        }
        let mut joint = "\n";
        for (name, _) in of_one_header().filter_map(<[_]>::first) {
            to(joint.as_bytes());
            joint = ";";
            to(name.as_bytes());
        }
        to(b"\n");
        to(self.payload.as_bytes());
    }

    fn digest(&self) -> String {
        let mut digest = Sha256::new();
        self.write(false, &mut |piece| digest.update(piece));
        hex(&digest.finalize())
    }

    fn text(&self) -> SignedString {
        SignedString::of(|masked, to| self.write(masked, to))
    }
}

/// Returns the query parameters in order of arrival.
fn arrived(request: &ApiRequest) -> Vec<(&str, &str)> {
    request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Finds the common mistake that results in the client's signature.
fn diagnose(
    right: &CanonicalRequest<'_>,
    request: &ApiRequest,
    key: &AccessKey,
    keys: &AccessKeys,
    given: &str,
) -> Option<Diagnosis> {
    let of_key = |hint: Message| Some(Diagnosis { hint, client: None });
    let digest = right.digest();
    if signature(&digest, &format!("{}&", key.secret)) == given {
        let hint = both(
            "the signing key has a trailing `&`, which only V1 requires",
            "签名密钥末尾有 `&`，只有 V1 签名需要",
        );
        return of_key(hint.into());
    }
    if let Some((id, other)) = keys.iter().find(|(_, other)| signature(&digest, &other.secret) == given) {
        let other_body = both(
            "the signature is correct, but x-acs-content-sha256 is not the hash of the received body",
            "签名正确，但 x-acs-content-sha256 不是所收到请求体的哈希",
        );
        return of_key(if other.secret == key.secret { other_body.into() } else { signed_by(id) });
    }
    let signs = |canonical: &CanonicalRequest<'_>| signature(&canonical.digest(), &key.secret) == given;
    let (canonical, hint) = mistakes(right, request).find(|(canonical, _)| signs(canonical))?;
    Some(Diagnosis { hint, client: Some(canonical.text()) })
}

/// A canonical request with one mistake, and the hint.
type Mistake<'a> = (CanonicalRequest<'a>, Message);

/// The common mistakes, except those in parameters.
const MISTAKES: [for<'a> fn(&CanonicalRequest<'a>, &'a ApiRequest) -> Mistake<'a>; 5] = [
    |right, request| {
        let claimed = request.header("x-acs-content-sha256").unwrap_or_default();
        let hint = both(
            "the received body differs from the one whose hash was signed",
            "收到的请求体与签名时计算哈希的请求体不同",
        );
        (CanonicalRequest { payload: claimed.into(), ..right.clone() }, hint.into())
    },
    |right, _| {
        let payload = hex(&Sha256::digest([])).into();
        let hint = both("the hash of an empty body was signed", "签名时使用的是空请求体的哈希");
        (CanonicalRequest { payload, ..right.clone() }, hint.into())
    },
    |right, _| {
        let method = if right.method == "GET" { "POST" } else { "GET" };
        let hint = Message::new(
            format!("{method} was signed, but the request is a {}", right.method),
            format!("签名时的方法是 {method}，而请求方法是 {}", right.method),
        );
        (CanonicalRequest { method, ..right.clone() }, hint)
    },
    |right, request| {
        (
            CanonicalRequest { query: Parameters::new(arrived(request)), ..right.clone() },
            both("the query is not sorted", "查询参数没有排序").into(),
        )
    },
    |right, _| {
        let mut sorted = right.clone();
        sorted.headers.sort_unstable();
        let hint = both(
            "the order of SignedHeaders differs from that of the signed headers",
            "SignedHeaders 的顺序与实际签名的请求头顺序不同",
        );
        (sorted, hint.into())
    },
];

/// Iterates over the common mistakes. Each is created when it is tried, so that only one is in memory.
fn mistakes<'a>(right: &CanonicalRequest<'a>, request: &'a ApiRequest) -> impl Iterator<Item = Mistake<'a>> {
    let unencoded = both("the query is not encoded", "查询参数没有编码");
    let of_query = right.query.mistakes(both("query", "查询参数"), unencoded);
    MISTAKES
        .into_iter()
        .map(move |mistake| mistake(right, request))
        .chain(of_query.map(|(query, hint)| (CanonicalRequest { query, ..right.clone() }, hint)))
}

fn string_to_sign(digest: &str) -> String {
    format!("{ALGORITHM}\n{digest}")
}

fn signature(digest: &str, key: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length");
    mac.update(string_to_sign(digest).as_bytes());
    hex(&mac.finalize().into_bytes())
}
