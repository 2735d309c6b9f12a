//! What both clients are made of: settings, clock, entropy, and what they remember.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use cloudauth_protocol::{Credentials, Endpoint, GatewayCode, Operation, Signing, UnixTime};
use cloudauth_transport::{BlockingTransport, Transport};

use crate::credentials::{CredentialCache, ProvideCredentials, ProvideError};
use crate::endpoints::Endpoints;
use crate::error::{Error, Problem};
use crate::exchange::{Entropy, Exchange, Now, Step};
use crate::memory::Memory;
use crate::settings::Settings;

/// All of a client but its transport.
#[derive(Debug)]
pub(crate) struct Core {
    credentials: Arc<CredentialCache>,
    settings: Settings,
    memory: Arc<Memory>,
    made: Instant,
}

impl Core {
    /// A call that began then.
    pub(crate) fn exchange<'a, O: Operation>(
        &'a self,
        op: &'a O,
        begun: Now,
        by: Result<Credentials, ProvideError>,
    ) -> Result<Exchange<'a, O>, Error> {
        match by {
            Ok(by) => Ok(Exchange::new(op, &by, &self.settings, &self.memory).since(begun)),
            Err(error) => {
                let endpoint = self.settings.endpoints.first();
                Err(Error::new(op.action(), endpoint, 0, false, Problem::Credentials(error)))
            }
        }
    }

    /// What to sign with, for a call that began then.
    pub(crate) async fn credentials(
        &self,
        begun: Now,
        transport: &dyn Transport,
    ) -> Result<Credentials, ProvideError> {
        self.credentials.get(self.left(begun), &|| self.now().wall, transport).await
    }

    /// The same on the calling thread.
    pub(crate) fn credentials_blocking(
        &self,
        begun: Now,
        transport: &dyn BlockingTransport,
    ) -> Result<Credentials, ProvideError> {
        self.credentials.get_blocking(self.left(begun), &|| self.now().wall, transport)
    }

    fn left(&self, begun: Now) -> Duration {
        self.settings.deadline.saturating_sub(self.now().steady.saturating_sub(begun.steady))
    }

    /// The service says that these have expired.
    pub(crate) fn refused(&self, credentials: &Credentials) {
        self.credentials.refused(credentials);
    }

    /// Looks at what became of a call that these signed.
    pub(crate) fn ended<T>(&self, credentials: &Credentials, result: &Result<T, Error>) {
        let code = result.as_ref().err().and_then(Error::gateway_code);
        if code == Some(&GatewayCode::SecurityTokenExpired) {
            self.refused(credentials);
        }
    }

    /// The same with other settings; what is learnt of the endpoints is shared.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings.clone();
        change(&mut settings);
        let (credentials, memory) = (Arc::clone(&self.credentials), Arc::clone(&self.memory));
        Self { credentials, settings, memory, made: self.made }
    }

    /// The same with other credentials.
    pub(crate) fn with_credentials(&self, provider: Arc<dyn ProvideCredentials>) -> Self {
        Self { credentials: Arc::new(CredentialCache::new(provider)), ..self.with(|_| ()) }
    }

    /// The next step of an exchange, by the system's clock and random bytes.
    pub(crate) fn poll<O: Operation>(
        &self,
        exchange: &mut Exchange<'_, O>,
    ) -> Result<Step<O::Output>, Error> {
        let mut entropy = Entropy([0; 24]);
        if exchange.wants_entropy() {
            getrandom::fill(&mut entropy.0).map_err(|error| exchange.without_entropy(error))?;
        }
        Ok(exchange.poll(self.now(), entropy))
    }

    pub(crate) fn now(&self) -> Now {
        Now { wall: UnixTime::from(SystemTime::now()), steady: self.made.elapsed() }
    }
}

/// Builds a [`Client`](crate::Client) or a [`BlockingClient`](crate::BlockingClient), by the kind of its transport.
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder<T: ?Sized> {
    transport: Arc<T>,
    credentials: Arc<dyn ProvideCredentials>,
    settings: Settings,
}

impl<T: ?Sized> ClientBuilder<T> {
    pub(crate) fn new(transport: Arc<T>, credentials: Arc<dyn ProvideCredentials>) -> Self {
        Self { transport, credentials, settings: Settings::default() }
    }

    /// Where calls go, and nowhere else; Shanghai and then Beijing unless set.
    pub fn endpoint(self, endpoint: Endpoint) -> Self {
        self.endpoints(endpoint)
    }

    /// Where calls go: the first, and the others where it fails. An empty array does not compile; a list of unknown
    /// length goes through [`Endpoints::new`], which refuses an empty one.
    pub fn endpoints(mut self, endpoints: impl Into<Endpoints>) -> Self {
        self.settings.endpoints = endpoints.into();
        self
    }

    /// Which signature; [`Signing::V1`] unless set, which keeps personal data out of URLs.
    pub fn signing(mut self, signing: Signing) -> Self {
        self.settings.signing = signing;
        self
    }

    /// How often a call may be sent, the first time included; three times unless set.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.settings.attempts = attempts.max(1);
        self
    }

    /// How many calls of one operation are made in a second, by all clones together; unlimited unless set. A call
    /// waits its turn, or fails if that is beyond its deadline.
    pub fn rate(mut self, calls_a_second: u32) -> Self {
        self.settings.rate = Some(calls_a_second);
        self
    }

    /// What one attempt may take; ten seconds unless set.
    pub fn attempt_timeout(mut self, time: Duration) -> Self {
        self.settings.limits = self.settings.limits.with_attempt(time);
        self
    }

    /// What a whole call may take, waits included; 25 seconds unless set.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.settings.deadline = time;
        self
    }

    pub(crate) fn into_parts(self) -> (Arc<T>, Arc<Core>) {
        let Self { transport, credentials, settings } = self;
        let credentials = Arc::new(CredentialCache::new(credentials));
        (transport, Arc::new(Core { credentials, settings, memory: Arc::default(), made: Instant::now() }))
    }
}
