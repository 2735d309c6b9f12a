//! `AssumeRoleWithOIDC`: a role, assumed with the token of an identity provider.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloudauth_protocol::sign::v3;
use cloudauth_protocol::{Body, Endpoint, ParamLocation, UnixTime};
use cloudauth_transport::TransportError;
use http::Response;

use super::super::error::ProvideError;
use super::super::provide_problem::ProvideProblem;
use super::super::provider::{CredentialExchange, CredentialStep, ProvideCredentials};
use super::super::remote;
use super::role::{Host, Role, SHORTEST, StsRole, role_settings};
use crate::inputs::Entropy;

const NAME: &str = "AssumeRoleWithOIDC";
/// The largest token, in bytes.
const LARGEST_TOKEN: u64 = 64 << 10;

/// A role that is assumed with the token of an identity provider (`AssumeRoleWithOIDC`), as in a Kubernetes cluster with
/// RRSA. The token file is read for each request, because the cluster replaces the token. The request is not signed.
#[derive(Clone, Debug)]
pub struct AssumeRoleWithOidc {
    role: Role,
    provider_arn: String,
    token_file: PathBuf,
}

impl AssumeRoleWithOidc {
    /// Creates a provider for the role `arn`, assumed with the token in `token_file`. The identity provider
    /// `provider_arn` issued the token.
    pub fn new(
        arn: impl Into<String>,
        provider_arn: impl Into<String>,
        token_file: impl Into<PathBuf>,
    ) -> Self {
        Self { role: Role::new(arn), provider_arn: provider_arn.into(), token_file: token_file.into() }
    }

    fn request(&self, now: UnixTime, entropy: Entropy) -> Result<CredentialStep, ProvideError> {
        let token = read_token(&self.token_file).map_err(|error| {
            ProvideError::of(NAME, ProvideProblem::UnreadableToken(self.token_file.clone(), error.kind()))
        })?;
        let mut params = self.role.params(NAME, now, entropy);
        params.push("OIDCProviderArn", ParamLocation::Query, &*self.provider_arn);
        params.push_personal("OIDCToken", ParamLocation::Query, token.trim());
        let form = v3::canonical_query(params)
            .map_err(|error| ProvideError::of(NAME, ProvideProblem::CannotBuild).with_source(error))?;
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

fn read_token(file: &Path) -> io::Result<String> {
    let mut token = String::new();
    File::open(file)?.take(LARGEST_TOKEN + 1).read_to_string(&mut token)?;
    if token.len() as u64 > LARGEST_TOKEN {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_a_role_last_at_least_15_minutes() {
        let lasts = |seconds| {
            let role = AssumeRoleWithOidc::new("acs:ram::1:role/r", "acs:ram::1:oidc-provider/p", "token");
            role.duration(Duration::from_secs(seconds)).role.duration.as_secs()
        };
        assert_eq!([1, 899, 900, 901].map(lasts), [900, 900, 900, 901]);
    }

    #[test]
    fn rejects_a_token_file_over_64_kib() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let role = AssumeRoleWithOidc::new("acs:ram::1:role/r", "acs:ram::1:oidc-provider/p", file.path());
        let step = |length| {
            std::fs::write(file.path(), "t".repeat(length)).unwrap();
            role.begin().next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), None)
        };
        assert!(matches!(step(64 << 10), CredentialStep::Send(..)));
        let CredentialStep::Done(Err(error)) = step((64 << 10) + 1) else { panic!("the file was read") };
        assert!(error.to_string().ends_with(": file too large"), "{error}");
    }
}
