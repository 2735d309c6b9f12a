//! The builder of an emulator: its settings and its start.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloudauth_protocol::web_url;
use tokio::net::TcpListener;

use super::router::router;
use super::running::Emulator;
use crate::faults::{Fault, MAX_FAULTS};
use crate::gateway::{self, AccessKey, AccessKeys, looks_like_real_key};
use crate::http::{Limits, serve};
use crate::state::{AppState, Settings, StateFileError, Store};
use crate::time::Clock;
use crate::{callbacks, sessions};

/// The default number of failures per identity and day before `InitFaceVerify` answers 418. The vendor does not document
/// its number; this one is invented.
const FAILURES_PER_DAY: u32 = 10;

/// Builds and starts an [`Emulator`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    host: IpAddr,
    port: u16,
    public_url: Option<String>,
    admin_token: Option<String>,
    seed: u64,
    clock: Clock,
    calls_per_second: Option<u32>,
    failures_per_day: Option<u32>,
    faults: Vec<Fault>,
    rules: Option<String>,
    state_file: Option<PathBuf>,
    accept_any_id: bool,
    keys: AccessKeys,
    limits: Limits,
}

impl Builder {
    fn new() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            public_url: None,
            admin_token: None,
            seed: 0,
            clock: Clock::system(),
            calls_per_second: Some(gateway::DEFAULT_CALLS_PER_SECOND),
            failures_per_day: Some(FAILURES_PER_DAY),
            faults: Vec::new(),
            rules: None,
            state_file: None,
            accept_any_id: false,
            keys: gateway::built_in_keys(),
            limits: Limits::default(),
        }
    }

    /// Sets the port. Default: a free port.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the address to listen on. Default: loopback. On any other address, `/_emu` requires a token.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// Sets the base URL of links, for an emulator that clients reach at a different address from the one it
    /// listens on.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Sets the token that `/_emu` requires when the emulator does not listen on loopback. Default: a random token.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.admin_token = Some(token.into());
        self
    }

    /// Sets the seed. The same seed and the same calls give the same ids and faults. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the clock. Default: the system's time.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the maximum number of calls per action and access key in one second of the clock. Further calls
    /// are answered with `Throttling.User`. `None` removes the limit. Default: 50, as the vendor documents.
    pub fn calls_per_second(mut self, most: impl Into<Option<u32>>) -> Self {
        self.calls_per_second = most.into();
        self
    }

    /// Sets the number of failures per identity and day after which `InitFaceVerify` answers 418. `None`
    /// removes the limit. The day ends at midnight in China, by the emulator's clock. Default: 10; the vendor
    /// does not document its number.
    pub fn failures_per_day(mut self, most: impl Into<Option<u32>>) -> Self {
        self.failures_per_day = most.into();
        self
    }

    /// Adds a fault that is present from the start. There may be 1,000.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Sets rules for the outcome of sessions, as a JSON array. The first matching rule applies. A rule matches
    /// `order` (`OuterOrderNo`; `vip*` matches a prefix), `scene_id` and `user_id`, and sets `sub_code`, `verify_score`
    /// or both. A forced outcome, a choice on the page and a magic identity take precedence.
    pub fn rules(mut self, json: impl Into<String>) -> Self {
        self.rules = Some(json.into());
        self
    }

    /// Sets the state file (SQLite), which is created if missing. Only one emulator can use it at a time: a second one
    /// fails to start. Needs the feature `sqlite`.
    pub fn state_file(mut self, path: impl AsRef<Path>) -> Self {
        self.state_file = Some(path.as_ref().to_owned());
        self
    }

    /// Adds an access key.
    pub fn key(mut self, access_key_id: &str, access_key_secret: &str) -> Self {
        self.keys.insert(access_key_id.to_owned(), AccessKey::active(access_key_secret));
        self
    }

    /// Adds a temporary access key.
    pub fn temporary_key(
        mut self,
        access_key_id: &str,
        access_key_secret: &str,
        security_token: &str,
    ) -> Self {
        self.keys.insert(access_key_id.to_owned(), AccessKey::temporary(access_key_secret, security_token));
        self
    }

    /// Accepts ID numbers of any area. Real people may then appear in your logs.
    pub fn accept_any_id(mut self) -> Self {
        self.accept_any_id = true;
        self
    }

    /// Sets the limits on connections and times.
    #[cfg(test)]
    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Starts the emulator.
    ///
    /// # Errors
    /// If the port is not available (the kind is `AddrInUse` if another program has it), if the rules are invalid, if the state
    /// file cannot be used (the inner error is a [`StateFileError`]; the kind is `ResourceBusy` if another emulator has it), if
    /// the public URL is invalid, or if an access key looks like a key of a real account.
    pub async fn start(self) -> io::Result<Emulator> {
        let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
        if self.keys.keys().any(|id| looks_like_real_key(id)) {
            let reason = "an access key id that begins with LTAI looks like one of a real account; make one up for the emulator";
            return Err(invalid(reason.to_owned()));
        }
        if self.public_url.as_deref().is_some_and(|url| web_url(url).is_err()) {
            return Err(invalid("the public URL is not a valid URL".to_owned()));
        }
        if self.faults.len() > MAX_FAULTS {
            return Err(invalid("there are more than 1,000 faults".to_owned()));
        }
        let checked = self.faults.iter().try_for_each(Fault::check);
        checked.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let rules = self.rules.as_deref().map(sessions::parse_rules).transpose();
        let rules = rules.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let listener = TcpListener::bind((self.host, self.port)).await?;
        let address = listener.local_addr()?;
        let opened = self.state_file.as_deref().map(|path| {
            Store::open(path).map_err(|error| io::Error::new(error.kind(), StateFileError::new(path, error)))
        });
        let (store, saved) = match opened.transpose()? {
            Some((store, saved)) => (Some(store), saved),
            None => (None, None),
        };
        let settings = Settings {
            url: self.public_url.unwrap_or_else(|| format!("http://{address}")),
            admin_token: admin_token(address, self.admin_token)?,
            keys: self.keys,
            accept_any_id: self.accept_any_id,
            calls_per_second: self.calls_per_second,
            failures_per_day: self.failures_per_day,
            faults: self.faults,
            rules: rules.unwrap_or_default(),
            limits: self.limits,
        };
        let http = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .build()
            .into();
        let state = Arc::new(AppState::new(settings, self.seed, self.clock, http, store));
        if let Some(saved) = saved {
            state.put(saved);
            // What was just read is already in the file.
            state.sessions().discard_unsaved();
        }
        let engine = tokio::spawn(callbacks::run(Arc::clone(&state)));
        let saver = tokio::spawn(Arc::clone(&state).keep_saving());
        let server = tokio::spawn(serve(listener, router(&state), self.limits));
        Ok(Emulator { state, address, server, engine, saver })
    }
}

/// Returns the admin token: none on loopback, otherwise the given one or a random one.
fn admin_token(address: SocketAddr, given: Option<String>) -> io::Result<Option<String>> {
    if address.ip().is_loopback() {
        return Ok(None);
    }
    let random = || {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(gateway::hex(&bytes))
    };
    given.filter(|token| !token.is_empty()).map_or_else(random, Ok).map(Some)
}

impl Emulator {
    /// Returns a builder with the default settings.
    pub fn builder() -> Builder {
        Builder::new()
    }
}
