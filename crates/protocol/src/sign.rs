//! From an operation to a signed request.
//!
//! | [`Signing`] | method | parameters stand in | vendor clients that send this shape |
//! | --- | --- | --- | --- |
//! | `V1` (default) | POST | the form body, all of them | Node `pop-core` |
//! | `V1Get` | GET | the query, all of them | Node `pop-core` |
//! | `V3` | POST | query or body, as the API's metadata says | the SDKs of generation 3 |
//! | `V3Get` | GET | the query, all of them | none known |
//! | `V3Body` | POST | the form body, all of them | none: **not verified against the live service** |
//!
//! Only the two `...Body`-like shapes (`V1`, `V3Body`) keep a name and an ID number out of the URL, and so
//! out of the access logs of everything on the way.

pub mod oss;
pub mod v1;
pub mod v3;

use std::borrow::Cow;
use std::fmt;

use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, InvalidHeaderValue, USER_AGENT,
};
use http::{HeaderMap, Method, Request, Uri};

use crate::body::Body;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::operation::{Operation, VERSION};
use crate::params::{Param, Params, Place};
use crate::redact::is_plain_identifier;
use crate::stamp::Stamp;

const FORM: &str = "application/x-www-form-urlencoded";
/// The longest URL that the `http` crate takes.
const LONGEST_URL: usize = 65_534;
/// The longest action name that is accepted.
pub(crate) const LONGEST_ACTION: usize = 64;
const AGENT: &str = concat!("cloudauth-rust/", env!("CARGO_PKG_VERSION"));

/// Which signature, and where the parameters stand. See the [module](self) for the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signing {
    /// HMAC-SHA1, POST, everything in the form body. No personal data in the URL.
    #[default]
    V1,
    /// HMAC-SHA1, GET, everything in the query. **Puts personal data into the URL.**
    V1Get,
    /// ACS3-HMAC-SHA256, POST, each parameter where the vendor's SDKs of generation 3 put it.
    /// **Puts personal data into the URL**, as those SDKs do.
    V3,
    /// ACS3-HMAC-SHA256, GET, everything in the query. **Puts personal data into the URL.**
    V3Get,
    /// ACS3-HMAC-SHA256, POST, everything in the form body. The signature is sound by the algorithm; that the
    /// gateway looks for these parameters in the body has **not been verified against the live service**.
    V3Body,
}

impl Signing {
    fn method(self) -> Method {
        match self {
            Self::V1 | Self::V3 | Self::V3Body => Method::POST,
            Self::V1Get | Self::V3Get => Method::GET,
        }
    }
}

/// Writes and signs one request. The stamp is used up: a second attempt needs a new one.
///
/// The headers that carry the signature or a token are marked sensitive.
///
/// # Errors
/// If two parameters share a name, the operation's action is not an identifier, or the URL is too long.
pub fn prepare<O: Operation + ?Sized>(
    op: &O,
    to: &Endpoint,
    by: &Credentials,
    how: Signing,
    stamp: Stamp,
) -> Result<Request<Body>, BuildError> {
    build(op, to, by, how, &stamp, Show::Nothing).map(|built| built.request)
}

/// Like [`prepare`], and keeps every stage of the signature, to be compared with another implementation's or
/// with the string that the gateway's `SignatureDoesNotMatch` quotes.
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
    Ok(Explanation { request: real.request, stages: real.stages, masked })
}

/// A signed request and how its signature came about.
pub struct Explanation {
    request: Request<Body>,
    stages: Stages,
    masked: Stages,
}

/// The stages of one signature.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Stages {
    /// V1: the sorted, encoded parameters. V3: the canonical request.
    pub canonical: String,
    /// What the HMAC is computed over.
    pub string_to_sign: String,
    /// Base64 (V1) or lower-case hexadecimal (V3).
    pub signature: String,
}

impl Explanation {
    /// The request, as [`prepare`] would have given it.
    #[must_use]
    pub fn into_request(self) -> Request<Body> {
        self.request
    }

    /// The stages with each personal value replaced by its name, and the true signature. Computed from the
    /// replaced values, so hashing them again does not give the signature.
    #[must_use]
    pub const fn masked(&self) -> &Stages {
        &self.masked
    }

    /// The stages as they were signed, names, ID numbers and tokens included.
    #[must_use]
    pub const fn expose(&self) -> &Stages {
        &self.stages
    }
}

impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation").field("masked", &self.masked.canonical).finish_non_exhaustive()
    }
}

impl fmt::Debug for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stages(canonical: {} bytes, signature: {})", self.canonical.len(), self.signature)
    }
}

/// What is wanted besides the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    Nothing,
    Stages,
    /// The stages of a request whose personal values are replaced.
    Masked,
}

struct Built {
    request: Request<Body>,
    stages: Stages,
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
    let mut params = Params::new();
    op.params(&mut params);
    if show == Show::Masked {
        mask_personal(&mut params);
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
            canonical: text(signed.canonical()),
            string_to_sign: text(signed.string_to_sign()),
            signature: signed.signature().to_owned(),
        },
    };
    let mut headers = common_headers(to)?;
    let (query, body) = match how {
        Signing::V1Get => (text(&signed.into_wire()), Vec::new()),
        _ => (String::new(), signed.into_wire()),
    };
    if !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    }
    Ok(Built { request: request(method, to, &query, headers, body)?, stages })
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
    let in_query = |param: &Param<'_>| match how {
        Signing::V3Get => true,
        Signing::V3Body => false,
        _ => param.place == Place::Query,
    };
    let (query, body): (Vec<_>, Vec<_>) = params.0.into_iter().partition(in_query);
    let (query, body) = (v3::encode(&query), v3::encode(&body).into_bytes());

    let mut headers = common_headers(to)?;
    let mut set = |name: &'static str, value: &str| -> Result<(), BuildError> {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        Ok(())
    };
    set("x-acs-action", action)?;
    set("x-acs-version", VERSION)?;
    set("x-acs-date", stamp.at.to_wire().as_str())?;
    set("x-acs-signature-nonce", stamp.nonce.as_str())?;
    set("x-acs-content-sha256", &v3::hex_sha256(&body))?;
    if !body.is_empty() {
        set("content-type", FORM)?;
    }
    if let Some(token) = by.security_token() {
        set("x-acs-accesskey-id", by.access_key_id())?;
        set("x-acs-security-token", if show == Show::Masked { "[SecurityToken]" } else { token.expose() })?;
    }
    let method = how.method();
    let to_sign = signable(&headers, v3::must_be_signed)?;
    let signed = v3::sign(&method, &query, to_sign, &body, by);
    let mut authorization = HeaderValue::from_str(&signed.authorization)?;
    authorization.set_sensitive(true);
    headers.insert(AUTHORIZATION, authorization);
    if let Some(token) = headers.get_mut("x-acs-security-token") {
        token.set_sensitive(true);
    }
    let stages = Stages {
        canonical: signed.canonical_request,
        string_to_sign: signed.string_to_sign,
        signature: signed.signature,
    };
    Ok(Built { request: request(method, to, &query, headers, body)?, stages })
}

fn mask_personal(params: &mut Params<'_>) {
    for param in params.0.iter_mut().filter(|param| param.personal) {
        param.value = Cow::Owned(format!("[{}]", param.name.text));
    }
}

/// Sorts by name, byte by byte, and refuses a name that comes twice: the gateway could read one and this
/// side mean the other.
fn sort(params: &mut [Param<'_>]) -> Result<(), BuildError> {
    let in_order = |one: &Param<'_>, next: &Param<'_>| one.name < next.name;
    if params.is_sorted_by(in_order) {
        return Ok(());
    }
    params.sort_by(|one, next| one.name.cmp(&next.name));
    match params.iter().zip(params.iter().skip(1)).find(|(one, next)| one.name == next.name) {
        Some((twice, _)) => Err(BuildError::duplicate(twice.name.text)),
        None => Ok(()),
    }
}

fn common_headers(to: &Endpoint) -> Result<HeaderMap, BuildError> {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(HOST, HeaderValue::from_str(to.authority().as_str())?);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    Ok(headers)
}

fn request(
    method: Method,
    to: &Endpoint,
    query: &str,
    headers: HeaderMap,
    body: Vec<u8>,
) -> Result<Request<Body>, BuildError> {
    let path = if query.is_empty() { "/".to_owned() } else { format!("/?{query}") };
    let length = to.scheme().as_str().len() + "://".len() + to.authority().as_str().len() + path.len();
    if length > LONGEST_URL {
        return Err(BuildError(Problem::UrlTooLong(length)));
    }
    let uri = Uri::builder()
        .scheme(to.scheme().clone())
        .authority(to.authority().clone())
        .path_and_query(path)
        .build()?;
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The headers that a signature covers. A value that is not visible ASCII cannot be signed, and is an error: a header
/// that is sent but not signed is refused by the service.
fn signable(headers: &HeaderMap, covers: impl Fn(&str) -> bool) -> Result<Vec<(&str, &str)>, BuildError> {
    headers
        .iter()
        .filter(|(name, _)| covers(name.as_str()))
        .map(|(name, value)| match value.to_str() {
            Ok(value) => Ok((name.as_str(), value)),
            Err(_) => Err(BuildError(Problem::Unsignable(name.clone()))),
        })
        .collect()
}

/// Refuses an action that is not an identifier, under every signature alike.
fn check_action(action: &str) -> Result<(), BuildError> {
    if is_plain_identifier(action, LONGEST_ACTION) { Ok(()) } else { Err(BuildError(Problem::Action)) }
}

/// What an encoder wrote is ASCII.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A request that cannot be written. Nothing was sent.
#[derive(Debug)]
pub struct BuildError(Problem);

#[derive(Debug)]
enum Problem {
    Duplicate(Box<str>),
    Action,
    Unsignable(HeaderName),
    UrlTooLong(usize),
    Http(http::Error),
}

impl BuildError {
    fn duplicate(name: &str) -> Self {
        let shown = if is_plain_identifier(name, 64) { name } else { "(unprintable)" };
        Self(Problem::Duplicate(shown.into()))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Problem::Duplicate(name) => write!(f, "the parameter {name} is given twice"),
            Problem::Action => {
                write!(f, "the action must be 1 to {LONGEST_ACTION} ASCII letters, digits, `.`, `-` or `_`")
            }
            Problem::Unsignable(name) => write!(f, "the header {name} must be visible ASCII to be signed"),
            Problem::UrlTooLong(length) => write!(
                f,
                "the URL would be {length} bytes, and at most {LONGEST_URL} are allowed; \
                 send the parameters in the body (signing V1)"
            ),
            Problem::Http(_) => f.write_str("the request cannot be written as HTTP"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Problem::Http(error) => Some(error),
            _ => None,
        }
    }
}

impl From<http::Error> for BuildError {
    fn from(error: http::Error) -> Self {
        Self(Problem::Http(error))
    }
}

impl From<InvalidHeaderValue> for BuildError {
    fn from(error: InvalidHeaderValue) -> Self {
        Self(Problem::Http(error.into()))
    }
}
