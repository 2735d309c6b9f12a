//! V3: ACS3-HMAC-SHA256 over the headers that the client says it has signed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::encode::{encoded, hex, wrong_encodings};
use super::refusal::{Guess, MASK, Refusal, Text, may_be_shown};
use super::{Claim, Incoming, Key, Keys};
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

pub(super) fn check(request: &Incoming, key: &Key, keys: &Keys) -> Result<(), GatewayError> {
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
    let recipe = Recipe::of(request, &authorization);
    let canonical = recipe.canonical_request(false);
    let body_is_as_signed = request.header("x-acs-content-sha256") == Some(recipe.payload.as_str());
    let given = authorization.signature;
    if body_is_as_signed && signature(&canonical, &key.secret) == given {
        return Ok(());
    }
    let error = GatewayError::bad_request(
        "SignatureDoesNotMatch",
        format!(
            "Specified signature does not match our calculation. server StringToSign is [{}] server CanonicalRequest is [{canonical}]",
            string_to_sign(&canonical)
        ),
    );
    let refusal = Refusal::new(recipe.text(), guess(&recipe, request, key, keys, given));
    Err(GatewayError { refusal: Some(Box::new(refusal)), ..error })
}

/// How a canonical request is made.
#[derive(Clone)]
struct Recipe<'a> {
    method: &'a str,
    path: &'a str,
    query: Vec<(&'a str, &'a str)>,
    is_sorted: bool,
    headers: Vec<(&'a str, String)>,
    payload: String,
    encode: fn(&str) -> String,
}

impl<'a> Recipe<'a> {
    /// As it is documented.
    fn of(request: &'a Incoming, authorization: &Authorization<'a>) -> Self {
        let value = |name: &&'a str| {
            let all = request.parts.headers.get_all(*name).iter();
            let mut values: Vec<_> = all.filter_map(|value| value.to_str().ok()).map(str::trim).collect();
            values.sort_unstable();
            (*name, values.join(","))
        };
        Self {
            method: request.parts.method.as_str(),
            path: request.parts.uri.path(),
            query: request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            is_sorted: true,
            headers: authorization.signed_headers.iter().map(value).collect(),
            payload: hex(&Sha256::digest(&request.body)),
            encode: encoded,
        }
    }

    fn canonical_request(&self, masked: bool) -> String {
        let hidden = |name| masked && !may_be_shown(name);
        let shown = |name, value| if hidden(name) { MASK.to_owned() } else { (self.encode)(value) };
        let mut query: Vec<_> = self.query.clone();
        if self.is_sorted {
            query.sort_unstable_by_key(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        }
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| format!("{}={}", (self.encode)(name), shown(name, value)))
            .collect();
        let headers: String = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}:{}\n", if hidden(name) { MASK } else { value }))
            .collect();
        let names: Vec<_> = self.headers.iter().map(|(name, _)| *name).collect();
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{}",
            self.method,
            self.path,
            query.join("&"),
            names.join(";"),
            self.payload,
        )
    }

    fn text(&self) -> Text {
        Text { plain: self.canonical_request(false), masked: self.canonical_request(true) }
    }
}

/// The mistake that gives the client's signature, of those that clients make.
fn guess(right: &Recipe<'_>, request: &Incoming, key: &Key, keys: &Keys, given: &str) -> Option<Guess> {
    let signs = |recipe: &Recipe<'_>, key: &str| signature(&recipe.canonical_request(false), key) == given;
    let of_key = |hint: String| Some(Guess { hint, client: None });
    if signs(right, &format!("{}&", key.secret)) {
        return of_key("the secret's key has a trailing `&`, as V1 wants it; V3 does not".into());
    }
    if let Some((id, _)) = keys.iter().find(|(_, other)| signs(right, &other.secret)) {
        let body = "the signature is right, and x-acs-content-sha256 is not the hash of the body that came"
            .to_owned();
        return of_key(if keys.get(id).is_some_and(|found| found.secret == key.secret) {
            body
        } else {
            format!("it is signed with the secret of {id}")
        });
    }
    let mistakes = mistakes(right, request);
    let (recipe, hint) = mistakes.into_iter().find(|(recipe, _)| signs(recipe, &key.secret))?;
    Some(Guess { hint, client: Some(recipe.text()) })
}

fn mistakes<'a>(right: &Recipe<'a>, request: &'a Incoming) -> Vec<(Recipe<'a>, String)> {
    let encode = |encode: fn(&str) -> String| Recipe { encode, ..right.clone() };
    let claimed = request.header("x-acs-content-sha256").unwrap_or_default().to_owned();
    let other_method = if right.method == "GET" { "POST" } else { "GET" };
    let mut sorted = right.clone();
    sorted.headers.sort_unstable();
    let mut mistakes = vec![
        (
            Recipe { payload: claimed, ..right.clone() },
            "the body that came is not the one whose hash was signed".into(),
        ),
        (
            Recipe { payload: hex(&Sha256::digest([])), ..right.clone() },
            "the hash of an empty body was signed".into(),
        ),
        (
            Recipe { method: other_method, ..right.clone() },
            format!("{other_method} was signed, and the request is a {}", right.method),
        ),
        (Recipe { is_sorted: false, ..right.clone() }, "the query is not sorted".into()),
        (sorted, "SignedHeaders are in another order than the headers that were signed".into()),
    ];
    mistakes.extend(wrong_encodings("query").map(|(wrong, hint)| (encode(wrong), hint)));
    mistakes.push((encode(str::to_owned), "the query is not encoded".into()));
    for at in 0..right.query.len() {
        let mut fewer = right.clone();
        let (name, _) = fewer.query.remove(at);
        mistakes.push((fewer, format!("parameter `{name}` is not in the string")));
    }
    mistakes
}

fn string_to_sign(canonical: &str) -> String {
    format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical.as_bytes())))
}

fn signature(canonical: &str, key: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length");
    mac.update(string_to_sign(canonical).as_bytes());
    hex(&mac.finalize().into_bytes())
}
