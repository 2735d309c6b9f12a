//! Credentials of the machine's role (ECS metadata), and from an address that the environment names.

use std::time::Duration;

use cloudauth_protocol::{Body, Endpoint, UnixTime};
use cloudauth_transport::{Limits, TransportError};
use http::{HeaderValue, Request, Response, StatusCode, Uri};

use super::keys::{self, body_of};
use super::provide::{Fetch, FetchStep, ProvideCredentials, ProvideError};
use crate::exchange::Entropy;

const ECS: &str = "ECS metadata";
const BASE: &str = "http://100.100.100.200";
const ROLES: &str = "/latest/meta-data/ram/security-credentials/";
/// A neighbour that does not answer within a second is not there.
const LIMITS: Limits = Limits::DEFAULT.with_attempt(Duration::from_secs(1));

/// The role of the ECS instance that the program runs on: version 2 of the metadata service, which wants a token first,
/// and version 1 where the token is not given.
///
/// Plain http, to the address `100.100.100.200` in the machine's own network, as the vendor's SDKs. It is asked over the
/// client's transport: one that has a proxy would ask the proxy's neighbour.
#[derive(Clone, Debug)]
pub struct EcsMetadata {
    base: String,
    role: Option<String>,
    without_token: bool,
    /// A machine without the service or without a role is then an error, not an absent source.
    configured: bool,
}

impl EcsMetadata {
    /// The role that the instance has.
    #[must_use]
    pub fn new() -> Self {
        Self { base: BASE.to_owned(), role: None, without_token: true, configured: false }
    }

    /// This role, without asking which there is.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self.configured()
    }

    /// This source was chosen, by a profile or a variable.
    pub(super) const fn configured(mut self) -> Self {
        self.configured = true;
        self
    }

    /// Version 2 only.
    #[must_use]
    pub const fn token_required(mut self) -> Self {
        self.without_token = false;
        self
    }

    /// A stand-in elsewhere, for tests.
    #[must_use]
    pub fn at(mut self, endpoint: &Endpoint) -> Self {
        self.base = endpoint.to_string();
        self
    }
}

impl Default for EcsMetadata {
    fn default() -> Self {
        Self::new()
    }
}

impl ProvideCredentials for EcsMetadata {
    fn begin(&self) -> Box<dyn Fetch + '_> {
        Box::new(EcsFetch { of: self, token: None, asked: Asked::Nothing, answered: false })
    }
}

struct EcsFetch<'a> {
    of: &'a EcsMetadata,
    token: Option<String>,
    asked: Asked,
    /// Whether any request was answered.
    answered: bool,
}

#[derive(Clone, Copy)]
enum Asked {
    Nothing,
    Token,
    Role,
    Keys,
}

impl EcsFetch<'_> {
    fn get(&mut self, path: &str, asked: Asked) -> Result<FetchStep, ProvideError> {
        self.asked = asked;
        let mut request = Request::get(format!("{}{path}", self.of.base));
        if let Some(token) = self.token.as_ref().and_then(|token| HeaderValue::from_str(token).ok()) {
            let mut token = token;
            token.set_sensitive(true);
            request = request.header("X-aliyun-ecs-metadata-token", token);
        }
        built(ECS, request.body(Body::empty()), LIMITS)
    }

    /// Whether this machine has no metadata service, as far as anybody can tell: no request was answered.
    const fn is_absent(&self) -> bool {
        !self.answered && !self.of.configured
    }

    fn keys_or_role(&mut self) -> Result<FetchStep, ProvideError> {
        match &self.of.role {
            Some(role) => self.get(&format!("{ROLES}{}", checked_role(role)?), Asked::Keys),
            None => self.get(ROLES, Asked::Role),
        }
    }

    fn step(
        &mut self,
        now: UnixTime,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> Result<FetchStep, ProvideError> {
        match (self.asked, answer) {
            (Asked::Token, Some(answer)) => {
                self.answered = answer.is_ok();
                match body_of(ECS, answer).and_then(|response| text_of(&response)) {
                    Ok(token) => self.token = Some(token),
                    Err(_) if self.of.without_token => {}
                    Err(error) => return Err(if self.is_absent() { error.absent() } else { error }),
                }
                self.keys_or_role()
            }
            (Asked::Role, Some(answer)) => {
                self.answered |= answer.is_ok();
                let has_no_role = answer.as_ref().ok().map(Response::status) == Some(StatusCode::NOT_FOUND)
                    && !self.of.configured;
                let role = body_of(ECS, answer).and_then(|response| text_of(&response));
                let role = role
                    .map_err(|error| if has_no_role || self.is_absent() { error.absent() } else { error })?;
                self.get(&format!("{ROLES}{}", checked_role(&role)?), Asked::Keys)
            }
            (Asked::Keys, Some(answer)) => Ok(FetchStep::Done(keys::read(ECS, now, answer))),
            _ => {
                self.asked = Asked::Token;
                let request = Request::put(format!("{}/latest/api/token", self.of.base))
                    .header("X-aliyun-ecs-metadata-token-ttl-seconds", "21600");
                built(ECS, request.body(Body::empty()), LIMITS)
            }
        }
    }
}

impl Fetch for EcsFetch<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        _: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> FetchStep {
        self.step(now, answer).unwrap_or_else(|error| FetchStep::Done(Err(error)))
    }
}

/// A short text of a 200.
fn text_of(response: &Response<Body>) -> Result<String, ProvideError> {
    let failed = |why: String| ProvideError::new(ECS, why);
    if response.status() != StatusCode::OK {
        return Err(failed(format!("refused with HTTP {}", response.status().as_u16())));
    }
    let text = std::str::from_utf8(response.body().as_bytes()).map(str::trim).unwrap_or_default();
    let is_plain = !text.is_empty() && text.len() <= 4096 && text.bytes().all(|b| b.is_ascii_graphic());
    is_plain.then(|| text.to_owned()).ok_or_else(|| failed("the answer is not a word".to_owned()))
}

/// A role's name goes into a path.
fn checked_role(role: &str) -> Result<&str, ProvideError> {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let is_role = !role.is_empty() && role.len() <= 64 && role.bytes().all(is_name) && !role.starts_with('.');
    is_role.then_some(role).ok_or_else(|| ProvideError::new(ECS, "this is not a role's name"))
}

/// An address that answers with credentials, `ALIBABA_CLOUD_CREDENTIALS_URI`. `Debug` shows no more than the host, since
/// such an address may hold a secret.
#[derive(Clone)]
pub struct CredentialsUri(Uri);

const URI: &str = "the credentials address";

impl CredentialsUri {
    /// An `https` address, or `http` on this machine.
    ///
    /// # Errors
    /// If it is none. The address is not quoted.
    pub fn new(uri: &str) -> Result<Self, ProvideError> {
        let uri: Uri = uri.parse().map_err(|_| ProvideError::new(URI, "is not a URL"))?;
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(_)) => Ok(Self(uri)),
            // What an endpoint may be, this may.
            (Some("http"), Some(host)) if format!("http://{host}").parse::<Endpoint>().is_ok() => {
                Ok(Self(uri))
            }
            _ => Err(ProvideError::new(URI, "is neither https nor http on this machine")),
        }
    }
}

impl std::fmt::Debug for CredentialsUri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CredentialsUri({})", self.0.host().unwrap_or_default())
    }
}

impl ProvideCredentials for CredentialsUri {
    fn begin(&self) -> Box<dyn Fetch + '_> {
        Box::new(UriFetch(self))
    }
}

struct UriFetch<'a>(&'a CredentialsUri);

impl Fetch for UriFetch<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        _: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> FetchStep {
        match answer {
            Some(answer) => FetchStep::Done(keys::read(URI, now, answer)),
            None => built(URI, Request::get(self.0.0.clone()).body(Body::empty()), keys::LIMITS)
                .unwrap_or_else(|error| FetchStep::Done(Err(error))),
        }
    }
}

/// A request to be sent, if it could be written.
pub(super) fn built(
    provider: &str,
    request: http::Result<Request<Body>>,
    limits: Limits,
) -> Result<FetchStep, ProvideError> {
    let request = request.map_err(|_| ProvideError::new(provider, "the request cannot be written"))?;
    Ok(FetchStep::Send(request, limits))
}
