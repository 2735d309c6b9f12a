//! Credentials from a URL in an environment variable.

use std::fmt;

use cloudauth_protocol::{Body, Endpoint, UnixTime};
use cloudauth_transport::TransportError;
use http::{Request, Response, Uri};

use super::error::ProvideError;
use super::provide_problem::ProvideProblem;
use super::provider::{CredentialExchange, CredentialStep, ProvideCredentials};
use super::remote;
use crate::inputs::Entropy;

/// A URL that returns credentials (`ALIBABA_CLOUD_CREDENTIALS_URI`). `Debug` shows only the host, because the
/// URL may contain a secret.
#[derive(Clone)]
pub struct CredentialsUri(Uri);

const NAME: &str = "credentials URI";

impl CredentialsUri {
    /// Creates a provider for an `https` URL, or for an `http` URL on this machine.
    ///
    /// # Errors
    /// If the URL is neither. The error does not quote it.
    pub fn new(uri: &str) -> Result<Self, ProvideError> {
        let uri: Uri = uri.parse().map_err(|_| ProvideError::of(NAME, ProvideProblem::InvalidUri))?;
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(_)) => Ok(Self(uri)),
            // The hosts that `Endpoint` accepts without TLS.
            (Some("http"), Some(host)) if format!("http://{host}").parse::<Endpoint>().is_ok() => {
                Ok(Self(uri))
            }
            _ => Err(ProvideError::of(NAME, ProvideProblem::InsecureUri)),
        }
    }
}

impl fmt::Debug for CredentialsUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialsUri({})", self.0.host().unwrap_or_default())
    }
}

impl ProvideCredentials for CredentialsUri {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        Box::new(UriExchange(self))
    }
}

struct UriExchange<'a>(&'a CredentialsUri);

impl CredentialExchange for UriExchange<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        _: Entropy,
        answer: Option<Result<Response<Body>, TransportError>>,
    ) -> CredentialStep {
        match answer {
            Some(answer) => CredentialStep::Done(remote::read_credentials(NAME, now, answer)),
            None => {
                let request = Request::get(self.0.0.clone()).body(Body::empty());
                let step = remote::send(NAME, request, remote::LIMITS);
                step.unwrap_or_else(|error| CredentialStep::Done(Err(error)))
            }
        }
    }
}
