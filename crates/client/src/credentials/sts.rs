//! Temporary credentials of a role, from STS (`2015-04-01`): `AssumeRole` with other credentials, `AssumeRoleWithOIDC`
//! with the token that a Kubernetes cluster puts into a file.
//!
//! The vendor's SDKs send both as GET; here they are POST with everything in the form body, so that neither the OIDC token
//! nor the security token stands in a URL. That the gateway takes it so is by the rules of its RPC style, and **not
//! verified against the live service**.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloudauth_protocol::sign::{v1, v3};
use cloudauth_protocol::{Body, Credentials, Endpoint, Nonce, Params, Place, UnixTime};
use cloudauth_transport::TransportError;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};

use super::keys;
use super::metadata::built;
use super::provide::{Fetch, FetchStep, ProvideCredentials, ProvideError};
use crate::exchange::Entropy;

const VERSION: &str = "2015-04-01";
const FORM: &str = "application/x-www-form-urlencoded";
const SHORTEST: Duration = Duration::from_secs(15 * 60);

/// What both have in common: the role, and where STS is.
#[derive(Clone, Debug)]
struct Role {
    arn: String,
    session: String,
    duration: Duration,
    policy: Option<String>,
    host: Host,
}

/// Where STS is.
#[derive(Clone, Debug)]
enum Host {
    Global,
    Region(String),
    /// A region's, from inside its networks.
    Vpc(String),
    Other(Endpoint),
}

impl Role {
    fn new(arn: impl Into<String>) -> Self {
        let session = "cloudauth-rust".to_owned();
        let duration = Duration::from_secs(60 * 60);
        Self { arn: arn.into(), session, duration, policy: None, host: Host::Global }
    }

    /// The parameters of both, but for who asks.
    fn params<'a>(&'a self, action: &'a str, common: &'a Common, params: &mut Params<'a>) {
        params.push("Action", Place::Query, action);
        params.push("DurationSeconds", Place::Query, self.duration.as_secs().to_string());
        params.push("Format", Place::Query, "JSON");
        if let Some(policy) = &self.policy {
            params.push("Policy", Place::Query, policy);
        }
        params.push("RoleArn", Place::Query, &*self.arn);
        params.push("RoleSessionName", Place::Query, &*self.session);
        params.push("SignatureNonce", Place::Query, common.nonce.as_str());
        params.push("Timestamp", Place::Query, &*common.time);
        params.push("Version", Place::Query, VERSION);
    }

    fn post(&self, provider: &str, form: Vec<u8>) -> Result<FetchStep, ProvideError> {
        let is_region = |region: &str| region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let url = match &self.host {
            Host::Global => "https://sts.aliyuncs.com/".to_owned(),
            Host::Region(region) if is_region(region) => format!("https://sts.{region}.aliyuncs.com/"),
            Host::Vpc(region) if is_region(region) => format!("https://sts-vpc.{region}.aliyuncs.com/"),
            Host::Region(_) | Host::Vpc(_) => {
                return Err(ProvideError::new(provider, "the STS region is no region's name"));
            }
            Host::Other(endpoint) => format!("{endpoint}/"),
        };
        let request = Request::post(url).header(CONTENT_TYPE, FORM);
        built(provider, request.body(Body::from(form)), keys::LIMITS)
    }
}

struct Common {
    nonce: Nonce,
    time: String,
}

impl Common {
    fn new(now: UnixTime, entropy: Entropy) -> Self {
        Self { nonce: entropy.nonce(), time: now.to_string() }
    }
}

macro_rules! role_settings {
    () => {
        /// The name under which the audit log shows the session; `cloudauth-rust` unless set.
        #[must_use]
        pub fn session_name(mut self, name: impl Into<String>) -> Self {
            self.role.session = name.into();
            self
        }

        /// For how long the credentials shall hold: an hour unless set, a quarter of an hour at least.
        #[must_use]
        pub fn duration(mut self, duration: Duration) -> Self {
            self.role.duration = duration.max(SHORTEST);
            self
        }

        /// A policy that takes away from what the role may do.
        #[must_use]
        pub fn policy(mut self, policy: impl Into<String>) -> Self {
            self.role.policy = Some(policy.into());
            self
        }

        /// The STS of this region, such as `cn-hangzhou`, instead of the global one.
        #[must_use]
        pub fn region(mut self, region: impl Into<String>) -> Self {
            self.role.host = Host::Region(region.into());
            self
        }

        /// The STS of this region, as it is reached from inside a VPC.
        #[must_use]
        pub fn vpc_region(mut self, region: impl Into<String>) -> Self {
            self.role.host = Host::Vpc(region.into());
            self
        }

        /// Another STS, such as a stand-in for tests.
        #[must_use]
        pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
            self.role.host = Host::Other(endpoint);
            self
        }
    };
}

/// What files and the environment set of both.
pub(super) trait Sts {
    fn named(self, session: &str) -> Self;
    fn in_region(self, region: &str, vpc: bool) -> Self;
}

macro_rules! sts {
    ($name:ident) => {
        impl Sts for $name {
            fn named(self, session: &str) -> Self {
                self.session_name(session)
            }

            fn in_region(self, region: &str, vpc: bool) -> Self {
                if vpc { self.vpc_region(region) } else { self.region(region) }
            }
        }
    };
}

sts!(AssumeRole);
sts!(AssumeRoleWithOidc);

/// A role that other credentials may take on (`AssumeRole`).
#[derive(Clone, Debug)]
pub struct AssumeRole {
    source: Arc<dyn ProvideCredentials>,
    role: Role,
    external_id: Option<String>,
}

const ASSUME: &str = "AssumeRole";

impl AssumeRole {
    /// The role `arn` (`acs:ram::<account>:role/<name>`), asked for with the credentials of `source`.
    pub fn new(source: impl ProvideCredentials + 'static, arn: impl Into<String>) -> Self {
        Self { source: Arc::new(source), role: Role::new(arn), external_id: None }
    }

    /// What the role's owner and you agreed on, where the role is another account's.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    role_settings!();

    fn request(&self, by: &Credentials, now: UnixTime, entropy: Entropy) -> Result<FetchStep, ProvideError> {
        let common = Common::new(now, entropy);
        let mut params = Params::new();
        self.role.params(ASSUME, &common, &mut params);
        params.push("AccessKeyId", Place::Query, by.access_key_id());
        params.push("SignatureMethod", Place::Query, "HMAC-SHA1");
        params.push("SignatureVersion", Place::Query, "1.0");
        if let Some(id) = &self.external_id {
            params.push("ExternalId", Place::Query, &**id);
        }
        if let Some(token) = by.security_token() {
            params.push_personal("SecurityToken", Place::Query, token.expose());
        }
        let signed = v1::sign(&Method::POST, params, by.secret())
            .map_err(|error| ProvideError::new(ASSUME, "the request cannot be signed").with_source(error))?;
        self.role.post(ASSUME, signed.into_wire())
    }
}

impl ProvideCredentials for AssumeRole {
    fn begin(&self) -> Box<dyn Fetch + '_> {
        Box::new(AssumeFetch { of: self, source: Some(self.source.begin()) })
    }
}

struct AssumeFetch<'a> {
    of: &'a AssumeRole,
    /// Who asks, until that is known.
    source: Option<Box<dyn Fetch + 'a>>,
}

impl Fetch for AssumeFetch<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        entropy: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> FetchStep {
        match (&mut self.source, answer) {
            (Some(source), answer) => match source.next(now, entropy, answer) {
                FetchStep::Done(Ok(by)) => {
                    self.source = None;
                    let request = self.of.request(&by.credentials, now, entropy);
                    request.unwrap_or_else(|error| FetchStep::Done(Err(error)))
                }
                step => step,
            },
            (None, Some(answer)) => FetchStep::Done(keys::read(ASSUME, now, answer)),
            (None, None) => FetchStep::Done(Err(ProvideError::new(ASSUME, "was asked twice"))),
        }
    }
}

/// A role that a token of an identity provider may take on (`AssumeRoleWithOIDC`), as in a Kubernetes cluster with RRSA.
/// The file is read anew each time: the cluster replaces the token. The call is not signed.
#[derive(Clone, Debug)]
pub struct AssumeRoleWithOidc {
    role: Role,
    provider_arn: String,
    token_file: PathBuf,
}

const OIDC: &str = "AssumeRoleWithOIDC";

impl AssumeRoleWithOidc {
    /// The role `arn`, by the token in `token_file`, which the provider `provider_arn` vouches for.
    pub fn new(
        arn: impl Into<String>,
        provider_arn: impl Into<String>,
        token_file: impl Into<PathBuf>,
    ) -> Self {
        Self { role: Role::new(arn), provider_arn: provider_arn.into(), token_file: token_file.into() }
    }

    role_settings!();

    fn request(&self, now: UnixTime, entropy: Entropy) -> Result<FetchStep, ProvideError> {
        let token = std::fs::read_to_string(&self.token_file).map_err(|error| {
            let file = self.token_file.display();
            ProvideError::new(OIDC, format!("cannot read the token file {file}: {}", error.kind()))
        })?;
        let common = Common::new(now, entropy);
        let mut params = Params::new();
        self.role.params(OIDC, &common, &mut params);
        params.push("OIDCProviderArn", Place::Query, &*self.provider_arn);
        params.push_personal("OIDCToken", Place::Query, token.trim());
        let form = v3::canonical_query(params)
            .map_err(|error| ProvideError::new(OIDC, "the request cannot be written").with_source(error))?;
        self.role.post(OIDC, form.into_bytes())
    }
}

impl ProvideCredentials for AssumeRoleWithOidc {
    fn begin(&self) -> Box<dyn Fetch + '_> {
        Box::new(OidcFetch(self))
    }
}

struct OidcFetch<'a>(&'a AssumeRoleWithOidc);

impl Fetch for OidcFetch<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        entropy: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> FetchStep {
        match answer {
            Some(answer) => FetchStep::Done(keys::read(OIDC, now, answer)),
            None => self.0.request(now, entropy).unwrap_or_else(|error| FetchStep::Done(Err(error))),
        }
    }
}
