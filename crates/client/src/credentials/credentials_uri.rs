//! Credentials from a URL in an environment variable.

use std::fmt;

use cloudauth_protocol::{Body, Endpoint, UnixTime, web_url};
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
        let uri = web_url(uri).map_err(|_| ProvideError::of(NAME, ProvideProblem::InvalidUri))?;
        // The hosts that `Endpoint` accepts without TLS.
        let is_local = |host: &str| format!("http://{host}").parse::<Endpoint>().is_ok();
        if uri.scheme_str() == Some("https") || uri.host().is_some_and(is_local) {
            Ok(Self(uri))
        } else {
            Err(ProvideError::of(NAME, ProvideProblem::InsecureUri))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_an_invalid_host_or_port() {
        for good in ["https://keys.example/k?token=t", "https://keys.example:65535/", "http://[::1]:9/k"] {
            assert!(CredentialsUri::new(good).is_ok(), "{good}");
        }
        for bad in ["http://127.0.0.1:0/k", "http://127.0.0.1:99999/k", "https://a%20b/k", "keys.example/k"] {
            let error = CredentialsUri::new(bad).unwrap_err();
            assert!(matches!(error.problem(), Some(ProvideProblem::InvalidUri)), "{bad}: {error}");
        }
    }

    #[test]
    fn debug_and_errors_do_not_show_the_url() {
        let uri = CredentialsUri::new("https://keys.example/planted?token=planted").unwrap();
        assert_eq!(format!("{uri:?}"), "CredentialsUri(keys.example)");
        for bad in ["http://keys.example/planted", "ftp://keys.example/planted", "planted"] {
            let error = CredentialsUri::new(bad).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("planted"), "{error:?}");
        }
        let insecure = CredentialsUri::new("http://keys.example/k").unwrap_err();
        assert!(matches!(insecure.problem(), Some(ProvideProblem::InsecureUri)));
    }
}
