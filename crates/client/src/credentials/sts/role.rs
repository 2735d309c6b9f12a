//! The settings and parameters that both STS operations share.

use std::time::Duration;

use cloudauth_protocol::{Body, Endpoint, ParamLocation, Params, UnixTime};
use http::Request;
use http::header::CONTENT_TYPE;

use super::super::error::ProvideError;
use super::super::provide_problem::ProvideProblem;
use super::super::provider::CredentialStep;
use super::super::remote;
use crate::inputs::Entropy;

const VERSION: &str = "2015-04-01";
const FORM: &str = "application/x-www-form-urlencoded";
/// The shortest lifetime that STS accepts.
pub(super) const SHORTEST: Duration = Duration::from_secs(15 * 60);

/// A role and the STS endpoint that issues its credentials.
#[derive(Clone, Debug)]
pub(super) struct Role {
    arn: String,
    pub(super) session: String,
    pub(super) duration: Duration,
    pub(super) policy: Option<String>,
    pub(super) host: Host,
}

/// The STS endpoint.
#[derive(Clone, Debug)]
pub(super) enum Host {
    Global,
    Region(String),
    /// The endpoint of a region inside a VPC.
    Vpc(String),
    Other(Endpoint),
}

impl Role {
    pub(super) fn new(arn: impl Into<String>) -> Self {
        let session = "cloudauth-rust".to_owned();
        let duration = Duration::from_secs(60 * 60);
        Self { arn: arn.into(), session, duration, policy: None, host: Host::Global }
    }

    /// Returns the parameters that both operations share.
    pub(super) fn params<'a>(&'a self, action: &'a str, now: UnixTime, entropy: Entropy) -> Params<'a> {
        let mut params = Params::new();
        params.push("Action", ParamLocation::Query, action);
        params.push("DurationSeconds", ParamLocation::Query, self.duration.as_secs().to_string());
        params.push("Format", ParamLocation::Query, "JSON");
        if let Some(policy) = &self.policy {
            params.push("Policy", ParamLocation::Query, policy);
        }
        params.push("RoleArn", ParamLocation::Query, &*self.arn);
        params.push("RoleSessionName", ParamLocation::Query, &*self.session);
        params.push("SignatureNonce", ParamLocation::Query, entropy.nonce().as_str().to_owned());
        params.push("Timestamp", ParamLocation::Query, now.to_string());
        params.push("Version", ParamLocation::Query, VERSION);
        params
    }

    /// Returns the step that posts a form to STS.
    pub(super) fn post(&self, provider: &str, form: Vec<u8>) -> Result<CredentialStep, ProvideError> {
        let is_region = |region: &str| region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let url = match &self.host {
            Host::Global => "https://sts.aliyuncs.com/".to_owned(),
            Host::Region(region) if is_region(region) => format!("https://sts.{region}.aliyuncs.com/"),
            Host::Vpc(region) if is_region(region) => format!("https://sts-vpc.{region}.aliyuncs.com/"),
            Host::Region(_) | Host::Vpc(_) => {
                return Err(ProvideError::of(provider, ProvideProblem::InvalidRegion));
            }
            Host::Other(endpoint) => format!("{endpoint}/"),
        };
        let request = Request::post(url).header(CONTENT_TYPE, FORM);
        remote::send(provider, request.body(Body::from(form)), remote::LIMITS)
    }
}

/// The settings of both operations that files and the environment can provide.
pub(in crate::credentials) trait StsRole {
    fn named(self, session: &str) -> Self;
    fn in_region(self, region: &str, vpc: bool) -> Self;
}

/// Defines the settings of a type with a field `role`.
macro_rules! role_settings {
    ($name:ident) => {
        impl $name {
            /// Sets the session's name in the audit log. The default is `cloudauth-rust`.
            #[must_use]
            pub fn session_name(mut self, name: impl Into<String>) -> Self {
                self.role.session = name.into();
                self
            }

            /// Sets the lifetime of the credentials. The default is one hour, the minimum 15 minutes.
            #[must_use]
            pub fn duration(mut self, duration: Duration) -> Self {
                self.role.duration = duration.max(SHORTEST);
                self
            }

            /// Sets a policy that restricts the role's permissions further.
            #[must_use]
            pub fn policy(mut self, policy: impl Into<String>) -> Self {
                self.role.policy = Some(policy.into());
                self
            }

            /// Sets the region of STS, such as `cn-hangzhou`. The default is the global endpoint.
            #[must_use]
            pub fn region(mut self, region: impl Into<String>) -> Self {
                self.role.host = Host::Region(region.into());
                self
            }

            /// Sets the region of STS, and uses its endpoint inside a VPC.
            #[must_use]
            pub fn vpc_region(mut self, region: impl Into<String>) -> Self {
                self.role.host = Host::Vpc(region.into());
                self
            }

            /// Sets another STS endpoint, such as a fake one in tests.
            #[must_use]
            pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
                self.role.host = Host::Other(endpoint);
                self
            }
        }

        impl StsRole for $name {
            fn named(self, session: &str) -> Self {
                self.session_name(session)
            }

            fn in_region(self, region: &str, vpc: bool) -> Self {
                if vpc { self.vpc_region(region) } else { self.region(region) }
            }
        }
    };
}

pub(super) use role_settings;

#[cfg(test)]
mod tests {
    use super::*;

    /// A region is a part of the name of the host that receives the token.
    #[test]
    fn a_region_that_would_lead_to_another_host_is_refused() {
        for host in [Host::Region, Host::Vpc] {
            let post = |region: &str| {
                let role = Role { host: host(region.to_owned()), ..Role::new("acs:ram::1:role/r") };
                role.post("test", Vec::new())
            };
            let Ok(CredentialStep::Send(request, _)) = post("cn-beijing") else { panic!("a request") };
            assert!(request.uri().host().is_some_and(|host| host.ends_with(".cn-beijing.aliyuncs.com")));
            for region in ["evil.example/", "a@evil.example", "evil.example#", "evil.example:1"] {
                assert!(post(region).is_err_and(|error| error.to_string().contains("region")), "{region}");
            }
        }
    }
}
