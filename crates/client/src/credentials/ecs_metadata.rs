//! Credentials of the machine's role, from the ECS metadata service.

use std::time::Duration;

use cloudauth_protocol::{Body, Endpoint, UnixTime};
use cloudauth_transport::{Limits, TransportError};
use http::{HeaderValue, Request, Response, StatusCode};

use super::error::ProvideError;
use super::provide_problem::ProvideProblem;
use super::provider::{CredentialExchange, CredentialStep, ProvideCredentials};
use super::remote;
use crate::inputs::Entropy;

const NAME: &str = "ECS metadata";
const BASE: &str = "http://100.100.100.200";
const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
/// The service is on the local network: if it does not answer within a second, it counts as missing.
const LIMITS: Limits = Limits::DEFAULT.with_attempt(Duration::from_secs(1));

/// A provider for the role of the ECS instance that the program runs on. It uses version 2 of the metadata
/// service, which requires a token. It falls back to version 1 if the service issues no token.
///
/// As in the vendor's SDKs, requests use plain http to `100.100.100.200` on the machine's own network. They
/// use the client's transport: through a proxy, they would reach the proxy's network instead.
#[derive(Clone, Debug)]
pub struct EcsMetadata {
    base: String,
    role: Option<String>,
    allows_v1: bool,
    /// Whether this source was chosen explicitly. A missing service or role is then an error, not an absent source.
    configured: bool,
}

impl EcsMetadata {
    /// Creates a provider for the role that the instance has.
    #[must_use]
    pub fn new() -> Self {
        Self { base: BASE.to_owned(), role: None, allows_v1: true, configured: false }
    }

    /// Sets the role. The exchange then skips the request for the instance's role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self.configured()
    }

    /// Marks the source as chosen explicitly, by a profile or a variable.
    pub(super) const fn configured(mut self) -> Self {
        self.configured = true;
        self
    }

    /// Turns off the fallback to version 1.
    #[must_use]
    pub const fn token_required(mut self) -> Self {
        self.allows_v1 = false;
        self
    }

    /// Sets another metadata service, such as a fake one in tests.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
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
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        Box::new(EcsExchange { provider: self, token: None, requested: Requested::Nothing, answered: false })
    }
}

struct EcsExchange<'a> {
    provider: &'a EcsMetadata,
    token: Option<String>,
    requested: Requested,
    /// Whether any request was answered.
    answered: bool,
}

/// The last request.
#[derive(Clone, Copy)]
enum Requested {
    Nothing,
    Token,
    Role,
    Credentials,
}

impl EcsExchange<'_> {
    fn step(
        &mut self,
        now: UnixTime,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> Result<CredentialStep, ProvideError> {
        match (self.requested, answer) {
            (Requested::Token, Some(answer)) => {
                self.answered = answer.is_ok();
                match remote::received(NAME, answer).and_then(|response| word(&response)) {
                    Ok(token) => self.token = Some(token),
                    Err(_) if self.provider.allows_v1 => {}
                    Err(error) => return Err(if self.is_absent() { error.absent() } else { error }),
                }
                match &self.provider.role {
                    Some(role) => self.request_credentials(role),
                    None => self.get(ROLES_PATH, Requested::Role),
                }
            }
            (Requested::Role, Some(answer)) => {
                self.answered |= answer.is_ok();
                let has_no_role = answer.as_ref().ok().map(Response::status) == Some(StatusCode::NOT_FOUND)
                    && !self.provider.configured;
                let role = remote::received(NAME, answer).and_then(|response| word(&response));
                let role = role
                    .map_err(|error| if has_no_role || self.is_absent() { error.absent() } else { error })?;
                self.request_credentials(&role)
            }
            (Requested::Credentials, Some(answer)) => {
                Ok(CredentialStep::Done(remote::read_credentials(NAME, now, answer)))
            }
            _ => {
                self.requested = Requested::Token;
                let request = Request::put(format!("{}{TOKEN_PATH}", self.provider.base))
                    .header("X-aliyun-ecs-metadata-token-ttl-seconds", "21600");
                remote::send(NAME, request.body(Body::empty()), LIMITS)
            }
        }
    }

    fn request_credentials(&mut self, role: &str) -> Result<CredentialStep, ProvideError> {
        self.get(&format!("{ROLES_PATH}{}", checked_role(role)?), Requested::Credentials)
    }

    fn get(&mut self, path: &str, requested: Requested) -> Result<CredentialStep, ProvideError> {
        self.requested = requested;
        let mut request = Request::get(format!("{}{path}", self.provider.base));
        if let Some(mut token) = self.token.as_ref().and_then(|token| HeaderValue::from_str(token).ok()) {
            token.set_sensitive(true);
            request = request.header("X-aliyun-ecs-metadata-token", token);
        }
        remote::send(NAME, request.body(Body::empty()), LIMITS)
    }

    /// Returns whether this machine has no metadata service: none of the requests was answered.
    const fn is_absent(&self) -> bool {
        !self.answered && !self.provider.configured
    }
}

impl CredentialExchange for EcsExchange<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        _: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> CredentialStep {
        self.step(now, answer).unwrap_or_else(|error| CredentialStep::Done(Err(error)))
    }
}

/// Reads a response that consists of one word.
fn word(response: &Response<Body>) -> Result<String, ProvideError> {
    let failed = |problem| ProvideError::of(NAME, problem);
    if response.status() != StatusCode::OK {
        return Err(failed(ProvideProblem::Refused { status: response.status().as_u16(), code: None }));
    }
    let text = std::str::from_utf8(response.body().as_bytes()).map(str::trim).unwrap_or_default();
    let is_word = !text.is_empty() && text.len() <= 4096 && text.bytes().all(|b| b.is_ascii_graphic());
    is_word.then(|| text.to_owned()).ok_or_else(|| failed(ProvideProblem::NotAWord))
}

/// Checks a role's name, which becomes part of a path.
fn checked_role(role: &str) -> Result<&str, ProvideError> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let is_role =
        !role.is_empty() && role.len() <= 64 && role.bytes().all(is_allowed) && !role.starts_with('.');
    is_role.then_some(role).ok_or_else(|| ProvideError::of(NAME, ProvideProblem::InvalidRole))
}

#[cfg(test)]
mod tests {
    use cloudauth_transport::{Sent, TransportErrorKind};

    use super::*;

    #[test]
    fn takes_a_token_of_at_most_4096_bytes_and_a_role_of_at_most_64() {
        let answer = |length| Response::new(Body::from("t".repeat(length)));
        assert_eq!(word(&answer(4096)).map(|word| word.len()).unwrap(), 4096);
        assert!(word(&answer(4097)).is_err() && word(&answer(0)).is_err());
        assert!(checked_role(&"r".repeat(64)).is_ok());
        assert!(checked_role(&"r".repeat(65)).is_err() && checked_role("").is_err());
    }

    const KEYS: &str = r#"{"AccessKeyId":"STS.id","AccessKeySecret":"s","SecurityToken":"t"}"#;

    /// Runs an exchange with these answers: a status and a body, or nothing if the service cannot be reached. Returns the
    /// requests and the outcome.
    fn run(
        provider: &EcsMetadata,
        answers: &[Option<(u16, &'static str)>],
    ) -> (Vec<String>, Result<(), ProvideError>) {
        let (mut exchange, mut answers, mut requests) = (provider.begin(), answers.iter(), Vec::new());
        let mut answer = None;
        loop {
            match exchange.next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), answer.take()) {
                CredentialStep::Send(request, _) => {
                    let token = request.headers().get("x-aliyun-ecs-metadata-token");
                    let token = token.map(|token| format!(" with {}", token.to_str().unwrap()));
                    let (method, url) = (request.method(), request.uri());
                    assert_eq!(
                        provider.base,
                        format!("{}://{}", url.scheme_str().unwrap(), url.authority().unwrap())
                    );
                    requests.push(format!("{method} {}{}", url.path(), token.unwrap_or_default()));
                    answer = Some(match answers.next().unwrap() {
                        Some((status, body)) => {
                            Ok(Response::builder().status(*status).body(Body::from(*body)).unwrap())
                        }
                        None => Err(TransportError::new(TransportErrorKind::Connect, Sent::No)),
                    });
                }
                CredentialStep::Done(result) => {
                    assert!(answers.next().is_none());
                    return (requests, result.map(|_| ()));
                }
            }
        }
    }

    #[test]
    fn asks_for_a_token_then_the_role_then_its_credentials() {
        let roles = "/latest/meta-data/ram/security-credentials/";
        let (token, list) = ("PUT /latest/api/token", format!("GET {roles}"));
        let answers = [Some((200, "secret-token")), Some((200, "shop-role")), Some((200, KEYS))];
        let (requests, outcome) = run(&EcsMetadata::new(), &answers);
        outcome.unwrap();
        let role = format!("{list}shop-role");
        let with = |request: &str| format!("{request} with secret-token");
        assert_eq!(requests, [token.to_owned(), with(&list), with(&role)]);
        // Version 1 of the service has no tokens.
        let (requests, outcome) =
            run(&EcsMetadata::new(), &[Some((404, "")), Some((200, "shop-role")), Some((200, KEYS))]);
        outcome.unwrap();
        assert_eq!(requests, [token.to_owned(), list, role.clone()]);
        // A role that is set is not asked for.
        let (requests, outcome) =
            run(&EcsMetadata::new().role("shop-role"), &[Some((404, "")), Some((200, KEYS))]);
        outcome.unwrap();
        assert_eq!(requests, [token.to_owned(), role]);
    }

    #[test]
    fn asks_the_metadata_service_that_is_set() {
        let elsewhere = "http://127.0.0.1:8321".parse::<Endpoint>().unwrap();
        let provider = EcsMetadata::new().role("shop-role").endpoint(elsewhere);
        assert_eq!(provider.base, "http://127.0.0.1:8321");
        run(&provider, &[Some((404, "")), Some((200, KEYS))]).1.unwrap();
    }

    #[test]
    fn source_is_absent_only_without_a_service_or_a_role_and_if_it_was_not_chosen() {
        let (any, chosen) = (EcsMetadata::new(), EcsMetadata::new().configured());
        let (strict, silent) = (EcsMetadata::new().token_required(), [None, None]);
        let (no_role, broken) = ([Some((200, "t")), Some((404, ""))], [Some((200, "t")), Some((500, ""))]);
        for (provider, answers, is_absent) in [
            (&any, &silent[..], true),
            (&chosen, &silent, false),
            (&strict, &silent[..1], true),
            (&strict.clone().configured(), &silent[..1], false),
            // The service exists, but issues no token.
            (&strict, &[Some((404, ""))], false),
            (&any, &no_role, true),
            (&chosen, &no_role, false),
            (&any, &broken, false),
            (&any, &[None, Some((200, "two words"))], false),
        ] {
            let error = run(provider, answers).1.unwrap_err();
            assert_eq!(error.is_absent(), is_absent, "{provider:?} {answers:?}: {error}");
        }
    }

    #[test]
    fn name_of_a_role_stays_within_its_folder() {
        for role in [".", "..", "../token", "a/b", "a?b", "a b", "角色"] {
            assert!(checked_role(role).is_err(), "{role}");
        }
        assert!(checked_role("Shop-role_2.x").is_ok());
        for text in ["two words", "词", "a\tb"] {
            assert!(word(&Response::new(Body::from(text))).is_err(), "{text}");
        }
        assert_eq!(word(&Response::new(Body::from("shop-role\n"))).unwrap(), "shop-role");
    }
}
