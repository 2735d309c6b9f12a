//! V3: ACS3-HMAC-SHA256 over the headers that the client says it has signed.

use std::borrow::Cow;
use std::collections::HashSet;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::super::error::GatewayError;
use super::super::keys::{Key, Keys};
use super::super::request::Incoming;
use super::claim::Claim;
use super::encode::{Sink, encoded, hex};
use super::parameters::{Guess, Parameters};
use super::string::{MASK, Text, may_be_shown, quoted};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The most headers that a request may sign: hyper reads no more than a hundred.
const SIGNED_HEADERS: usize = 100;

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
    let signed_headers: Vec<_> = part("SignedHeaders")?.split(';').take(SIGNED_HEADERS + 1).collect();
    // A name that stands twice would repeat its value in the string to sign.
    let distinct: HashSet<_> = signed_headers.iter().map(|name| name.to_ascii_lowercase()).collect();
    if signed_headers.len() > SIGNED_HEADERS || distinct.len() < signed_headers.len() {
        return Err(malformed());
    }
    Ok(Authorization { access_key_id: part("Credential")?, signed_headers, signature: part("Signature")? })
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
    let recipe = Recipe::of(request, &authorization);
    let digest = recipe.digest();
    let body_is_as_signed = request.header("x-acs-content-sha256") == Some(&*recipe.payload);
    if body_is_as_signed && signature(&digest, &key.secret) == authorization.signature {
        return Ok(());
    }
    let canonical = quoted(|to| recipe.write(false, to));
    let string_to_sign = string_to_sign(&digest);
    Err(GatewayError::unmatched_signature(format!(
        "Specified signature does not match our calculation. server StringToSign is [{string_to_sign}] server \
         CanonicalRequest is [{canonical}]"
    )))
}

/// The server's string, and the mistake that explains the client's signature.
pub(super) fn explain(request: &Incoming, key: &Key, keys: &Keys) -> (Text, Option<Guess>) {
    match authorization(request) {
        Ok(authorization) => {
            let recipe = Recipe::of(request, &authorization);
            (recipe.text(), guess(&recipe, request, key, keys, authorization.signature))
        }
        // A request without the header is refused before its signature is.
        Err(_) => (Text::default(), None),
    }
}

/// The server's string.
pub(super) fn server_string(request: &Incoming) -> Text {
    authorization(request).map(|authorization| Recipe::of(request, &authorization).text()).unwrap_or_default()
}

/// How a canonical request is made.
#[derive(Clone)]
struct Recipe<'a> {
    method: &'a str,
    path: &'a str,
    query: Parameters<'a>,
    /// The signed headers, an entry per value. The values of one header are adjacent and sorted.
    headers: Vec<(&'a str, &'a str)>,
    payload: Cow<'a, str>,
}

impl<'a> Recipe<'a> {
    /// The documented recipe.
    fn of(request: &'a Incoming, authorization: &Authorization<'a>) -> Self {
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
        query.sort_by_cached_key(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
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
        let hidden = |name| masked && !may_be_shown(name);
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
                to(if hidden(name) { MASK } else { value }.as_bytes());
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

    fn text(&self) -> Text {
        Text::of(|masked, to| self.write(masked, to))
    }
}

/// The query's parameters in the order in which they arrived.
fn arrived(request: &Incoming) -> Vec<(&str, &str)> {
    request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The mistake that gives the client's signature, of those that clients make.
fn guess(right: &Recipe<'_>, request: &Incoming, key: &Key, keys: &Keys, given: &str) -> Option<Guess> {
    let of_key = |hint: String| Some(Guess { hint, client: None });
    let digest = right.digest();
    if signature(&digest, &format!("{}&", key.secret)) == given {
        return of_key("the secret's key has a trailing `&`, as V1 wants it; V3 does not".into());
    }
    if let Some((id, other)) = keys.iter().find(|(_, other)| signature(&digest, &other.secret) == given) {
        return of_key(if other.secret == key.secret {
            "the signature is right, and x-acs-content-sha256 is not the hash of the body that came".into()
        } else {
            format!("it is signed with the secret of {id}")
        });
    }
    let signs = |recipe: &Recipe<'_>| signature(&recipe.digest(), &key.secret) == given;
    let (recipe, hint) = mistakes(right, request).find(|(recipe, _)| signs(recipe))?;
    Some(Guess { hint, client: Some(recipe.text()) })
}

/// A recipe with one mistake, and its hint.
type Mistake<'a> = (Recipe<'a>, String);

/// The usual mistakes, apart from encodings and omitted parameters.
const MISTAKES: [for<'a> fn(&Recipe<'a>, &'a Incoming) -> Mistake<'a>; 5] = [
    |right, request| {
        let claimed = request.header("x-acs-content-sha256").unwrap_or_default();
        let hint = "the body that came is not the one whose hash was signed";
        (Recipe { payload: claimed.into(), ..right.clone() }, hint.into())
    },
    |right, _| {
        let payload = hex(&Sha256::digest([])).into();
        (Recipe { payload, ..right.clone() }, "the hash of an empty body was signed".into())
    },
    |right, _| {
        let method = if right.method == "GET" { "POST" } else { "GET" };
        let hint = format!("{method} was signed, and the request is a {}", right.method);
        (Recipe { method, ..right.clone() }, hint)
    },
    |right, request| {
        (
            Recipe { query: Parameters::new(arrived(request)), ..right.clone() },
            "the query is not sorted".into(),
        )
    },
    |right, _| {
        let mut sorted = right.clone();
        sorted.headers.sort_unstable();
        (sorted, "SignedHeaders are in another order than the headers that were signed".into())
    },
];

/// The usual mistakes. Each recipe is made when it is tried, so that only one is in memory.
fn mistakes<'a>(right: &Recipe<'a>, request: &'a Incoming) -> impl Iterator<Item = Mistake<'a>> {
    let of_query = right.query.mistakes("query", "the query is not encoded");
    MISTAKES
        .into_iter()
        .map(move |mistake| mistake(right, request))
        .chain(of_query.map(|(query, hint)| (Recipe { query, ..right.clone() }, hint)))
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
