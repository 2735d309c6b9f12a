//! An endpoint: where the messages go, and by which secrets they are signed.

use std::fmt;
use std::sync::Arc;

use cloudauth_transport::Transport;
use http::Uri;

use crate::driver::settings::https_or_loopback;
use crate::machine::ids::{EndpointId, InvalidId};
use crate::webhook::secret::WebhookSecret;

/// A receiver of webhooks. Address and secrets come from your configuration: the database has the id only, so that a person who can
/// write to it cannot redirect the events, and one who can read it cannot forge them.
#[derive(Clone)]
pub struct WebhookEndpoint {
    pub(super) id: EndpointId,
    pub(super) url: Uri,
    pub(super) secrets: Vec<WebhookSecret>,
}

impl WebhookEndpoint {
    /// An endpoint with one secret.
    ///
    /// # Errors
    /// If the address is not an `https` URL, or has a fragment. Plain `http` is for loopback.
    pub fn new(id: EndpointId, url: &str, secret: WebhookSecret) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("the webhook's address", "an https URL");
        https_or_loopback(url).ok_or(invalid)?;
        Ok(Self { id, url: url.parse().map_err(|_| invalid)?, secrets: vec![secret] })
    }

    /// Signs with the previous secret too, until the receiver has the new one.
    #[must_use]
    pub fn with_previous(mut self, secret: WebhookSecret) -> Self {
        self.secrets.truncate(1);
        self.secrets.push(secret);
        self
    }
}

/// Shows the id: an address may have a token in it.
impl fmt::Debug for WebhookEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookEndpoint({:?}, {} secrets)", self.id, self.secrets.len())
    }
}

/// The endpoints of a flow, and the transport to them. The transport follows no redirects, which is part of its contract.
#[derive(Debug)]
pub struct Webhooks {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) endpoints: Vec<WebhookEndpoint>,
}

impl Webhooks {
    /// Takes the transport, such as a clone of the client's, and the endpoints. Wrap it in `PublicOnly` if others than you choose
    /// the addresses.
    pub fn new(
        transport: impl Transport + 'static,
        endpoints: impl IntoIterator<Item = WebhookEndpoint>,
    ) -> Self {
        Self { transport: Arc::new(transport), endpoints: endpoints.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_https_or_on_this_machine_and_debug_hides_its_address() {
        let secret = || WebhookSecret::new(&WebhookSecret::text(&[1; 32])).unwrap();
        let endpoint = |url: &str| WebhookEndpoint::new(EndpointId::new("crm").unwrap(), url, secret());
        assert!(endpoint("http://127.0.0.1:80/hook").is_ok());
        for bad in ["http://shop.example/hook", "ftp://shop.example", "/hook", "", "https://a.example/#b"] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
        let shown = endpoint("https://shop.example/hook?token=planted").unwrap().with_previous(secret());
        assert_eq!(format!("{shown:?}"), "WebhookEndpoint(EndpointId(\"crm\"), 2 secrets)");
    }
}
