//! Builds and signs a request.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::uri::{Parts, PathAndQuery};
use http::{HeaderMap, Method, Request, Uri};

use super::checks::{check_action, check_size, sort};
use super::error::{BuildError, LONGEST_URL};
use super::request::SignedRequest;
use super::stages::{Explanation, Stages};
use super::{v1, v3};
use crate::credentials::Credentials;
use crate::operation::{Operation, VERSION};
use crate::redact::printable;
use crate::wipe::WipedBytes;
use crate::wire::body::Body;
use crate::wire::encode::ascii;
use crate::wire::endpoint::Endpoint;
use crate::wire::params::{Name, Param, ParamLocation, Params};
use crate::wire::stamp::Stamp;

const FORM: &str = "application/x-www-form-urlencoded";
/// The path of every request, and the start of its query.
const PATH: &str = "/?";
/// The start of a name's mask.
const MASK: &str = "[name ";
const AGENT: &str = concat!("cloudauth-rust/", env!("CARGO_PKG_VERSION"));

const ACS_ACCESSKEY_ID: HeaderName = HeaderName::from_static("x-acs-accesskey-id");
const ACS_ACTION: HeaderName = HeaderName::from_static("x-acs-action");
const ACS_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-acs-content-sha256");
const ACS_DATE: HeaderName = HeaderName::from_static("x-acs-date");
const ACS_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-acs-security-token");
const ACS_SIGNATURE_NONCE: HeaderName = HeaderName::from_static("x-acs-signature-nonce");
const ACS_VERSION: HeaderName = HeaderName::from_static("x-acs-version");

/// The signature version and the location of the parameters. The module [`sign`](crate::sign) has a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signing {
    /// HMAC-SHA1, POST, all parameters in the form body. No personal data in the URL.
    #[default]
    V1,
    /// HMAC-SHA1, GET, all parameters in the query. **Puts personal data into the URL.**
    V1Get,
    /// ACS3-HMAC-SHA256, POST, each parameter where the vendor's third-generation SDKs put it.
    /// **Puts personal data into the URL**, as those SDKs do.
    V3,
    /// ACS3-HMAC-SHA256, GET, all parameters in the query. **Puts personal data into the URL.**
    V3Get,
    /// ACS3-HMAC-SHA256, POST, all parameters in the form body. The signature follows the algorithm; whether the gateway reads
    /// these parameters from the body has **not been verified against the live service**.
    V3Body,
}

impl Signing {
    /// Returns the HTTP method of the request.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::V1 | Self::V3 | Self::V3Body => Method::POST,
            Self::V1Get | Self::V3Get => Method::GET,
        }
    }
}

/// Builds and signs one request. It consumes the stamp: a second attempt needs a new one.
///
/// The headers that carry the signature or a token are marked sensitive.
///
/// # Errors
/// If two parameters share a name, the operation's action is not an identifier, the parameters have more than 10 MiB, or the URL
/// is too long.
pub fn prepare<O: Operation + ?Sized>(
    op: &O,
    to: &Endpoint,
    by: &Credentials,
    how: Signing,
    stamp: Stamp,
) -> Result<SignedRequest, BuildError> {
    build(op, to, by, how, &stamp, Show::Nothing)?.unsent.request(to)
}

/// Like [`prepare`], but keeps every stage of the signature, to compare with another implementation or with the string that the
/// gateway's `SignatureDoesNotMatch` quotes.
///
/// # Errors
/// As [`prepare`].
pub fn explain<O: Operation + ?Sized>(
    op: &O,
    to: &Endpoint,
    by: &Credentials,
    how: Signing,
    stamp: Stamp,
) -> Result<Explanation, BuildError> {
    let real = build(op, to, by, how, &stamp, Show::Stages)?;
    let mut masked = build(op, to, by, how, &stamp, Show::Masked)?.stages;
    masked.signature.clone_from(&real.stages.signature);
    Ok(Explanation::new(real.unsent.request(to)?, real.stages, masked))
}

/// What to return besides the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    Nothing,
    Stages,
    /// The stages, with personal values replaced.
    Masked,
}

struct Built {
    unsent: Unsent,
    stages: Stages,
}

/// A request before its limits are checked: with masks it can be longer than the request that is sent.
struct Unsent {
    method: Method,
    /// [`PATH`] and the query.
    target: WipedBytes,
    headers: HeaderMap,
    body: WipedBytes,
}

fn build<O: Operation + ?Sized>(
    op: &O,
    to: &Endpoint,
    by: &Credentials,
    how: Signing,
    stamp: &Stamp,
    show: Show,
) -> Result<Built, BuildError> {
    check_action(op.action())?;
    let masks;
    let mut params = Params::new();
    op.params(&mut params);
    check_size(&params.0)?;
    if show == Show::Masked {
        masks = self::masks(&params);
        mask_personal(&mut params, &masks);
    }
    match how {
        Signing::V1 | Signing::V1Get => build_v1(op.action(), params, to, by, how, stamp, show),
        Signing::V3 | Signing::V3Get | Signing::V3Body => {
            build_v3(op.action(), params, to, by, how, stamp, show)
        }
    }
}

fn build_v1(
    action: &str,
    params: Params<'_>,
    to: &Endpoint,
    by: &Credentials,
    how: Signing,
    stamp: &Stamp,
    show: Show,
) -> Result<Built, BuildError> {
    let method = how.method();
    let signed = v1::sign_with_common(&method, action, params, by, stamp, show == Show::Masked)?;
    let stages = match show {
        Show::Nothing => Stages::default(),
        Show::Stages | Show::Masked => Stages {
            canonical: ascii(signed.canonical()),
            string_to_sign: ascii(signed.string_to_sign()),
            signature: signed.signature().to_owned(),
        },
    };
    let mut headers = common_headers();
    headers.insert(HOST, HeaderValue::from_str(to.authority().as_str())?);
    let (target, body) = match how {
        Signing::V1Get => {
            (WipedBytes::from([PATH.as_bytes(), &signed.into_wiped_wire()].concat()), WipedBytes::default())
        }
        _ => (WipedBytes::from(Vec::from(PATH)), signed.into_wiped_wire()),
    };
    if !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    }
    Ok(Built { unsent: Unsent { method, target, headers, body }, stages })
}

fn build_v3(
    action: &str,
    mut params: Params<'_>,
    to: &Endpoint,
    by: &Credentials,
    how: Signing,
    stamp: &Stamp,
    show: Show,
) -> Result<Built, BuildError> {
    sort(&mut params.0)?;
    let is_in_query = |param: &&Param<'_>| match how {
        Signing::V3Get => true,
        Signing::V3Body => false,
        _ => param.location == ParamLocation::Query,
    };
    let target = v3::encode(PATH, params.0.iter().filter(is_in_query));
    let body = v3::encode("", params.0.iter().filter(|param| !is_in_query(param)));
    let payload = v3::hex_sha256(&body);
    let token = by.security_token().map(|token| match show {
        Show::Masked => "[SecurityToken]",
        Show::Nothing | Show::Stages => token.expose(),
    });
    let token_text = token.unwrap_or_default().as_bytes();
    let date = stamp.at.to_wire();
    let (host, action) = (to.authority().as_str().as_bytes(), action.as_bytes());
    let (date, nonce) = (date.as_bytes(), stamp.nonce.as_bytes());
    let of_body: &[&[u8]] = if body.is_empty() { &[] } else { &[b"\ncontent-type:", FORM.as_bytes()] };
    let (id_line, token_line): (&[u8], &[u8]) = match token {
        Some(_) => (b"\nx-acs-accesskey-id:", b"\nx-acs-security-token:"),
        None => (b"", b""),
    };
    // Each name and value in the order of the names, as the signature needs them.
    let lines: [&[&[u8]]; 5] = [
        of_body,
        &[b"\nhost:", host, id_line, token.map_or(b"", |_| by.access_key_id().as_bytes())],
        &[b"\nx-acs-action:", action, b"\nx-acs-content-sha256:", &payload, b"\nx-acs-date:", date],
        &[token_line, token_text],
        &[b"\nx-acs-signature-nonce:", nonce, b"\nx-acs-version:", VERSION.as_bytes()],
    ];
    let query = target.get(PATH.len()..).unwrap_or_default();
    let method = how.method();
    let names = names_to_sign(!body.is_empty(), token.is_some());
    let signed = v3::sign_lines(&method, query, &lines, names, &payload, by);
    let stages = match show {
        Show::Nothing => Stages::default(),
        Show::Stages | Show::Masked => Stages {
            canonical: ascii(signed.canonical()),
            string_to_sign: signed.string_to_sign(),
            signature: signed.signature().to_owned(),
        },
    };
    let [host, action, digest, date, nonce, mut authorization] =
        header_values([host, action, &payload, date, nonce, signed.authorization_bytes()])?;
    authorization.set_sensitive(true);
    let mut headers = common_headers();
    if !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    }
    headers.insert(HOST, host);
    if token.is_some() {
        let [mut token] = header_values([token_text])?;
        token.set_sensitive(true);
        headers.insert(ACS_ACCESSKEY_ID, HeaderValue::from_str(by.access_key_id())?);
        headers.insert(ACS_SECURITY_TOKEN, token);
    }
    headers.insert(ACS_ACTION, action);
    headers.insert(ACS_CONTENT_SHA256, digest);
    headers.insert(ACS_DATE, date);
    headers.insert(ACS_SIGNATURE_NONCE, nonce);
    headers.insert(ACS_VERSION, HeaderValue::from_static(VERSION));
    headers.insert(AUTHORIZATION, authorization);
    Ok(Built { unsent: Unsent { method, target, headers, body }, stages })
}

/// The names of the signed headers of V3.
const fn names_to_sign(has_body: bool, has_token: bool) -> &'static str {
    macro_rules! names {
        ($before:literal, $id:literal, $token:literal) => {
            concat!(
                $before,
                "host;",
                $id,
                "x-acs-action;x-acs-content-sha256;x-acs-date;",
                $token,
                "x-acs-signature-nonce;x-acs-version"
            )
        };
    }
    match (has_body, has_token) {
        (false, false) => names!("", "", ""),
        (false, true) => names!("", "x-acs-accesskey-id;", "x-acs-security-token;"),
        (true, false) => names!("content-type;", "", ""),
        (true, true) => names!("content-type;", "x-acs-accesskey-id;", "x-acs-security-token;"),
    }
}

/// Header values that share one buffer, which is wiped when the last of them is dropped.
fn header_values<const N: usize>(texts: [&[u8]; N]) -> Result<[HeaderValue; N], BuildError> {
    let mut rest = Bytes::from(WipedBytes::from(texts.concat()));
    let mut values = [const { HeaderValue::from_static("") }; N];
    for (value, text) in values.iter_mut().zip(texts) {
        *value = HeaderValue::from_maybe_shared(rest.split_to(text.len()))?;
    }
    Ok(values)
}

/// Whether a parameter's name may be a value in the wrong place, or be taken for a mask.
fn is_hidden(name: &str) -> bool {
    printable(name) != name || name.starts_with(MASK)
}

/// A different mask for each name that is hidden, because a repeated name is an error.
fn masks(params: &Params<'_>) -> Vec<String> {
    let hidden = params.names().filter(|name| is_hidden(name)).count();
    (1..=hidden).map(|number| format!("{MASK}{number}]")).collect()
}

fn mask_personal<'a>(params: &mut Params<'a>, masks: &'a [String]) {
    let mut masks = masks.iter();
    for param in &mut params.0 {
        if is_hidden(param.name.text)
            && let Some(mask) = masks.next()
        {
            (param.name, param.personal) = (Name::new(mask), true);
        }
        if param.personal {
            param.value = Cow::Owned(format!("[{}]", param.name.text));
        }
    }
}

fn common_headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers
}

impl Unsent {
    fn request(self, to: &Endpoint) -> Result<SignedRequest, BuildError> {
        let has_query = self.target.len() > PATH.len();
        let target = if has_query { Bytes::from(self.target) } else { Bytes::from_static(b"/") };
        let length = to.scheme().as_str().len() + "://".len() + to.authority().as_str().len() + target.len();
        if length > LONGEST_URL {
            return Err(BuildError::url_too_long(length));
        }
        let mut parts = Parts::default();
        parts.scheme = Some(to.scheme().clone());
        parts.authority = Some(to.authority().clone());
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(target).map_err(http::Error::from)?);
        let uri = Uri::from_parts(parts).map_err(http::Error::from)?;
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        Ok(SignedRequest::new(request))
    }
}
