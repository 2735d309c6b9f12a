//! Builds and signs a request.

use std::borrow::Cow;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};

use super::checks::{check_action, signable, sort};
use super::error::{BuildError, LONGEST_URL};
use super::stages::{Explanation, Stages};
use super::{v1, v3};
use crate::credentials::Credentials;
use crate::operation::{Operation, VERSION};
use crate::wire::body::Body;
use crate::wire::encode::ascii;
use crate::wire::endpoint::Endpoint;
use crate::wire::params::{Param, ParamLocation, Params};
use crate::wire::stamp::Stamp;

const FORM: &str = "application/x-www-form-urlencoded";
const AGENT: &str = concat!("cloudauth-rust/", env!("CARGO_PKG_VERSION"));

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
    fn method(self) -> Method {
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
    Ok(Explanation::new(real.request, real.stages, masked))
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
            canonical: ascii(signed.canonical()),
            string_to_sign: ascii(signed.string_to_sign()),
            signature: signed.signature().to_owned(),
        },
    };
    let mut headers = common_headers(to)?;
    let (query, body) = match how {
        Signing::V1Get => (ascii(&signed.into_wire()), Vec::new()),
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
        _ => param.location == ParamLocation::Query,
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
        return Err(BuildError::url_too_long(length));
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
