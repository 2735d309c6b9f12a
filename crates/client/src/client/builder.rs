//! The builder of both clients.

use std::sync::Arc;
use std::time::Duration;

use cloudauth_protocol::{Endpoint, Signing};

use super::core::Core;
use crate::credentials::ProvideCredentials;
use crate::endpoints::Endpoints;
use crate::settings::Settings;

/// Builds a [`Client`](crate::Client) or a [`BlockingClient`](crate::BlockingClient), depending on its transport.
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder<T: ?Sized> {
    transport: Arc<T>,
    credentials: Arc<dyn ProvideCredentials>,
    settings: Settings,
}

impl<T: ?Sized> ClientBuilder<T> {
    pub(super) fn new(transport: Arc<T>, credentials: Arc<dyn ProvideCredentials>) -> Self {
        Self { transport, credentials, settings: Settings::default() }
    }

    /// Sets a single endpoint, without failover. The default is Shanghai, then Beijing.
    pub fn endpoint(self, endpoint: Endpoint) -> Self {
        self.endpoints(endpoint)
    }

    /// Sets the endpoints: the first is preferred, the others are for failover. An empty array does not compile. A list of
    /// unknown length goes through [`Endpoints::new`], which rejects an empty one.
    pub fn endpoints(mut self, endpoints: impl Into<Endpoints>) -> Self {
        self.settings.endpoints = endpoints.into();
        self
    }

    /// Sets the signature version and the location of the parameters. The default is [`Signing::V1`], which
    /// keeps personal data out of URLs.
    pub fn signing(mut self, signing: Signing) -> Self {
        self.settings.signing = signing;
        self
    }

    /// Sets the maximum number of requests per call, including the first. The default is 3.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.settings.attempts = attempts.max(1);
        self
    }

    /// Sets the maximum number of calls per second and operation, for all clones together. The default is
    /// unlimited. A call waits for its slot. It fails if the slot is after its deadline.
    pub fn rate(mut self, calls_per_second: u32) -> Self {
        self.settings.rate = Some(calls_per_second);
        self
    }

    /// Sets the time limit of one attempt. The default is 10 seconds.
    pub fn attempt_timeout(mut self, time: Duration) -> Self {
        self.settings.limits = self.settings.limits.with_attempt(time);
        self
    }

    /// Sets the time limit of a whole call, including waits. The default is 25 seconds.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.settings.deadline = time;
        self
    }

    pub(super) fn into_parts(self) -> (Arc<T>, Arc<Core>) {
        (self.transport, Arc::new(Core::new(self.credentials, self.settings)))
    }
}
