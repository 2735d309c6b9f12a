//! `AssumeRoleWithOIDC`: a role, assumed with the token of an identity provider.

use std::path::PathBuf;
use std::time::Duration;

use cloudauth_protocol::sign::v3;
use cloudauth_protocol::{Body, Endpoint, ParamLocation, UnixTime};
use cloudauth_transport::TransportError;
use http::Response;

use super::super::error::ProvideError;
use super::super::provider::{CredentialExchange, CredentialStep, ProvideCredentials};
use super::super::remote;
use super::role::{Host, Role, SHORTEST, StsRole, role_settings};
use crate::inputs::Entropy;

const NAME: &str = "AssumeRoleWithOIDC";

/// A role that is assumed with the token of an identity provider (`AssumeRoleWithOIDC`), as in a Kubernetes cluster with
/// RRSA. The token file is read for each request, because the cluster replaces the token. The request is not signed.
#[derive(Clone, Debug)]
pub struct AssumeRoleWithOidc {
    role: Role,
    provider_arn: String,
    token_file: PathBuf,
}

impl AssumeRoleWithOidc {
    /// The role `arn`, assumed with the token in `token_file`, which was issued by the identity provider `provider_arn`.
    pub fn new(
        arn: impl Into<String>,
        provider_arn: impl Into<String>,
        token_file: impl Into<PathBuf>,
    ) -> Self {
        Self { role: Role::new(arn), provider_arn: provider_arn.into(), token_file: token_file.into() }
    }

    fn request(&self, now: UnixTime, entropy: Entropy) -> Result<CredentialStep, ProvideError> {
        let token = std::fs::read_to_string(&self.token_file).map_err(|error| {
            let file = self.token_file.display();
            ProvideError::new(NAME, format!("cannot read the token file {file}: {}", error.kind()))
        })?;
        let mut params = self.role.params(NAME, now, entropy);
        params.push("OIDCProviderArn", ParamLocation::Query, &*self.provider_arn);
        params.push_personal("OIDCToken", ParamLocation::Query, token.trim());
        let form = v3::canonical_query(params)
            .map_err(|error| ProvideError::new(NAME, "cannot build the request").with_source(error))?;
        self.role.post(NAME, form.into_bytes())
    }
}

role_settings!(AssumeRoleWithOidc);

impl ProvideCredentials for AssumeRoleWithOidc {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        Box::new(OidcExchange(self))
    }
}

struct OidcExchange<'a>(&'a AssumeRoleWithOidc);

impl CredentialExchange for OidcExchange<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        entropy: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> CredentialStep {
        match answer {
            Some(answer) => CredentialStep::Done(remote::read_credentials(NAME, now, answer)),
            None => {
                let step = self.0.request(now, entropy);
                step.unwrap_or_else(|error| CredentialStep::Done(Err(error)))
            }
        }
    }
}
