//! `AssumeRole`: a role, assumed with other credentials.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloudauth_protocol::sign::v1;
use cloudauth_protocol::{Body, Credentials, Endpoint, ParamLocation, UnixTime};
use cloudauth_transport::TransportError;
use http::{Method, Response};

use super::super::error::ProvideError;
use super::super::provide_problem::ProvideProblem;
use super::super::provider::{CredentialExchange, CredentialStep, ProvideCredentials};
use super::super::remote;
use super::role::{Host, Role, SHORTEST, StsRole, role_settings};
use crate::inputs::Entropy;

const NAME: &str = "AssumeRole";

/// A role that is assumed with other credentials (`AssumeRole`). `Debug` does not show the external id.
#[derive(Clone)]
pub struct AssumeRole {
    source: Arc<dyn ProvideCredentials>,
    role: Role,
    external_id: Option<String>,
}

impl AssumeRole {
    /// Creates a provider for the role `arn` (`acs:ram::<account>:role/<name>`), assumed with the credentials
    /// of `source`.
    pub fn new(source: impl ProvideCredentials + 'static, arn: impl Into<String>) -> Self {
        Self { source: Arc::new(source), role: Role::new(arn), external_id: None }
    }

    /// Sets the external id, which the role's owner in another account requires.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    fn request(
        &self,
        by: &Credentials,
        now: UnixTime,
        entropy: Entropy,
    ) -> Result<CredentialStep, ProvideError> {
        let mut params = self.role.params(NAME, now, entropy);
        params.push("AccessKeyId", ParamLocation::Query, by.access_key_id());
        params.push("SignatureMethod", ParamLocation::Query, "HMAC-SHA1");
        params.push("SignatureVersion", ParamLocation::Query, "1.0");
        if let Some(id) = &self.external_id {
            params.push_personal("ExternalId", ParamLocation::Query, &**id);
        }
        if let Some(token) = by.security_token() {
            params.push_personal("SecurityToken", ParamLocation::Query, token.expose());
        }
        let signed = v1::sign(&Method::POST, params, by.secret())
            .map_err(|error| ProvideError::of(NAME, ProvideProblem::CannotSign).with_source(error))?;
        self.role.post(NAME, signed.into_wire())
    }
}

role_settings!(AssumeRole);

impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole")
            .field("source", &self.source)
            .field("role", &self.role)
            .field("external_id", &self.external_id.as_ref().map(|_| format_args!("[redacted]")))
            .finish()
    }
}

impl ProvideCredentials for AssumeRole {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        Box::new(AssumeRoleExchange { provider: self, source: Some(self.source.begin()) })
    }
}

struct AssumeRoleExchange<'a> {
    provider: &'a AssumeRole,
    /// The exchange for the credentials that sign the request; `None` once they are known.
    source: Option<Box<dyn CredentialExchange + 'a>>,
}

impl CredentialExchange for AssumeRoleExchange<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        entropy: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> CredentialStep {
        match (&mut self.source, answer) {
            (Some(source), answer) => match source.next(now, entropy, answer) {
                CredentialStep::Done(Ok(by)) => {
                    self.source = None;
                    let step = self.provider.request(&by.credentials, now, entropy);
                    step.unwrap_or_else(|error| CredentialStep::Done(Err(error)))
                }
                step => step,
            },
            (None, Some(answer)) => CredentialStep::Done(remote::read_credentials(NAME, now, answer)),
            (None, None) => {
                CredentialStep::Done(Err(ProvideError::of(NAME, ProvideProblem::PolledWithoutResponse)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_external_id() {
        let by = Credentials::new("id", "secret").unwrap();
        let role = AssumeRole::new(by, "acs:ram::1:role/r").external_id("planted");
        let shown = format!("{role:?}{role:#?}");
        assert!(shown.contains("external_id: Some([redacted])") && !shown.contains("planted"), "{shown}");
    }
}
