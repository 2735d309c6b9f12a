//! The part that both clients share: credentials, settings and shared state, with the system's clock and randomness.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use cloudauth_protocol::{CertifyId, Credentials, Endpoint, GatewayCode, Operation, UnixTime};
use cloudauth_transport::{BlockingTransport, Transport};

use super::call_span::CallSpan;
use crate::credentials::{CredentialCache, ProvideCredentials, ProvideError};
use crate::error::{Error, Failure};
use crate::exchange::{Exchange, SharedState, Step, origin_of};
use crate::inputs::{Entropy, Now};
use crate::settings::Settings;

/// A client without its transport.
#[derive(Debug)]
pub(super) struct Core {
    credentials: Arc<CredentialCache>,
    settings: Settings,
    shared: Arc<SharedState>,
    /// The origin of [`Now::steady`].
    origin: Instant,
}

impl Core {
    pub(super) fn new(provider: Arc<dyn ProvideCredentials>, settings: Settings) -> Self {
        let credentials = Arc::new(CredentialCache::new(provider));
        Self { credentials, settings, shared: Arc::default(), origin: Instant::now() }
    }

    /// Returns a core with other settings, which shares credentials and state with this one.
    pub(super) fn with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings.clone();
        change(&mut settings);
        let (credentials, shared) = (Arc::clone(&self.credentials), Arc::clone(&self.shared));
        Self { credentials, settings, shared, origin: self.origin }
    }

    /// Returns a core with other credentials, which shares settings and state with this one.
    pub(super) fn with_credentials(&self, provider: Arc<dyn ProvideCredentials>) -> Self {
        Self { credentials: Arc::new(CredentialCache::new(provider)), ..self.with(|_| ()) }
    }

    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn set_origin(&self, session: &CertifyId, endpoint: &Endpoint) {
        self.shared.remember_origin(session, endpoint);
    }

    /// Starts the report of a call.
    pub(super) fn span<O: Operation>(&self, op: &O) -> CallSpan {
        let endpoints = &self.settings.endpoints;
        let first = || endpoints.at(origin_of(op, endpoints, &self.shared).unwrap_or_default()).clone();
        CallSpan::new(op.action(), self.settings.signing, first)
    }

    /// Starts the exchange of a call that began at `begun`, or fails if there are no credentials.
    pub(super) fn exchange<'a, O: Operation>(
        &'a self,
        op: &'a O,
        begun: Now,
        credentials: Result<Credentials, ProvideError>,
    ) -> Result<Exchange<'a, O>, Error> {
        match credentials {
            Ok(by) => Ok(Exchange::new(op, &by, &self.settings, &self.shared).since(begun)),
            Err(error) => {
                let endpoint = self.settings.endpoints.first();
                Err(Error::new(op.action(), endpoint, 0, false, Failure::Credentials(error)))
            }
        }
    }

    /// Returns the next step of an exchange, using the system's random bytes.
    pub(super) fn poll<O: Operation>(
        &self,
        exchange: &mut Exchange<'_, O>,
        now: Now,
    ) -> Result<Step<O::Output>, Error> {
        let mut entropy = Entropy([0; 24]);
        if exchange.needs_entropy() {
            getrandom::fill(&mut entropy.0).map_err(|error| exchange.entropy_failed(error))?;
        }
        Ok(exchange.poll(now, entropy))
    }

    /// Returns the credentials for a call that began at `begun`, within its deadline, and the time after that. The clocks are read again
    /// only if the credentials were not at hand.
    pub(super) async fn credentials(
        &self,
        begun: Now,
        now: Now,
        transport: &dyn Transport,
    ) -> (Result<Credentials, ProvideError>, Now) {
        if let Some(fresh) = self.credentials.fresh(now.wall) {
            return (Ok(fresh), now);
        }
        let left = self.time_left(begun, now);
        let fetched = self.credentials.get(now.wall, left, &wall_clock, transport).await;
        (fetched, self.now())
    }

    /// Like [`credentials`](Self::credentials), but on the calling thread.
    pub(super) fn credentials_blocking(
        &self,
        begun: Now,
        now: Now,
        transport: &dyn BlockingTransport,
    ) -> (Result<Credentials, ProvideError>, Now) {
        if let Some(fresh) = self.credentials.fresh(now.wall) {
            return (Ok(fresh), now);
        }
        let left = self.time_left(begun, now);
        let fetched = self.credentials.get_blocking(now.wall, left, &wall_clock, transport);
        (fetched, self.now())
    }

    /// Drops credentials that the service rejected as expired.
    pub(super) fn drop_expired(&self, credentials: &Credentials) {
        self.credentials.drop_expired(credentials);
    }

    /// Drops the credentials of a call that ended because they had expired.
    pub(super) fn ended<T>(&self, credentials: &Credentials, result: &Result<T, Error>) {
        let code = result.as_ref().err().and_then(Error::gateway_code);
        if code == Some(&GatewayCode::SecurityTokenExpired) {
            self.drop_expired(credentials);
        }
    }

    /// Reads the system's clocks.
    pub(super) fn now(&self) -> Now {
        Now { wall: wall_clock(), steady: self.origin.elapsed() }
    }

    fn time_left(&self, begun: Now, now: Now) -> Duration {
        self.settings.deadline.saturating_sub(now.steady.saturating_sub(begun.steady))
    }
}

fn wall_clock() -> UnixTime {
    UnixTime::from(SystemTime::now())
}
