//! How an emulator is started.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::routing::{any, get, post};
use axum::{Router, middleware};
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::fault::Fault;
use crate::server::Emulator;
use crate::state::{Setup, State};
use crate::store::Store;
use crate::verify::{Key, Keys, Standing, looks_real};
use crate::{admin, bounds, callback, gateway, h5, line, pages, picture, quota, rules};

/// How often an identity may fail in a day before `InitFaceVerify` answers 418. The vendor does not say; this is invented.
const FAILURES_A_DAY: u32 = 10;

/// Starts an [`Emulator`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    host: IpAddr,
    port: u16,
    public_url: Option<String>,
    admin_token: Option<String>,
    seed: u64,
    clock: Clock,
    calls_a_second: Option<u32>,
    failures_a_day: Option<u32>,
    faults: Vec<Fault>,
    rules: Option<String>,
    state_file: Option<PathBuf>,
    accept_any_id: bool,
    keys: Keys,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let secret = Emulator::ACCESS_KEY_SECRET;
        let keys = [
            (Emulator::ACCESS_KEY_ID, Key::active(secret)),
            ("EMUinactive", Key::active(secret).standing(Standing::Inactive)),
            ("EMUforbidden", Key::active(secret).standing(Standing::Forbidden)),
            ("STS.EMUexpired", Key::temporary(secret, "EMUtoken").standing(Standing::Expired)),
        ];
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            public_url: None,
            admin_token: None,
            seed: 0,
            clock: Clock::system(),
            calls_a_second: Some(quota::USUAL),
            failures_a_day: Some(FAILURES_A_DAY),
            faults: Vec::new(),
            rules: None,
            state_file: None,
            accept_any_id: false,
            keys: HashMap::from(keys.map(|(id, key)| (id.to_owned(), key))),
        }
    }

    /// The port; a free one unless set.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The address to listen on; loopback unless set. From elsewhere, `/_emu` asks for a token.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// What links begin with, where others reach it under another address than it listens on.
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// What `/_emu` asks for when it does not listen on loopback; a random one unless set.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.admin_token = Some(token.into());
        self
    }

    /// What its ids follow from; the same seed and the same calls give the same ids.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// A clock of your own.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How many calls of one action an access key may make in a second of the clock, before `Throttling.User`: the vendor's
    /// 50 unless set, `None` for as many as come.
    pub fn calls_a_second(mut self, most: impl Into<Option<u32>>) -> Self {
        self.calls_a_second = most.into();
        self
    }

    /// How often an identity may fail in a day before `InitFaceVerify` answers 418: 10 unless set, `None` for as often as
    /// it likes. The day ends at midnight in China, by the emulator's clock. The vendor's own number is not documented.
    pub fn failures_a_day(mut self, most: impl Into<Option<u32>>) -> Self {
        self.failures_a_day = most.into();
        self
    }

    /// Something that goes wrong, from the start.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// How verifications end that do not say so themselves: a JSON array, the first rule that fits counts. A rule looks
    /// at `order` (`OuterOrderNo`; `vip*` fits whatever begins so), `scene_id` and `user_id`, and says `sub_code`,
    /// `verify_score` or both.
    pub fn rules(mut self, json: impl Into<String>) -> Self {
        self.rules = Some(json.into());
        self
    }

    /// A file that keeps the state when the emulator ends (SQLite); it is created if it is missing. One emulator uses it
    /// at a time: another refuses to start. Needs the feature `sqlite`.
    pub fn state_file(mut self, path: impl AsRef<Path>) -> Self {
        self.state_file = Some(path.as_ref().to_owned());
        self
    }

    /// Takes one more access key.
    pub fn key(mut self, access_key_id: &str, access_key_secret: &str) -> Self {
        self.keys.insert(access_key_id.to_owned(), Key::active(access_key_secret));
        self
    }

    /// Takes one more temporary access key.
    pub fn temporary_key(
        mut self,
        access_key_id: &str,
        access_key_secret: &str,
        security_token: &str,
    ) -> Self {
        self.keys.insert(access_key_id.to_owned(), Key::temporary(access_key_secret, security_token));
        self
    }

    /// Takes ID numbers of every area. Real people may end up in your logs.
    pub fn accept_any_id(mut self) -> Self {
        self.accept_any_id = true;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// If the port cannot be had; if the rules or the state file cannot be read; if one of its keys looks like a key of
    /// a real account.
    pub async fn start(self) -> io::Result<Emulator> {
        let invalid = |problem: String| io::Error::new(io::ErrorKind::InvalidInput, problem);
        if self.keys.keys().any(|id| looks_real(id)) {
            let words = "an access key that begins with LTAI looks like one of a real account; make one up for the emulator";
            return Err(invalid(words.to_owned()));
        }
        let rules = self.rules.as_deref().map(rules::parse).transpose().map_err(invalid)?;
        let listener = TcpListener::bind((self.host, self.port)).await?;
        let address = listener.local_addr()?;
        let (store, saved) = match self.state_file.as_deref().map(Store::open).transpose()? {
            Some((store, saved)) => (Some(store), saved),
            None => (None, None),
        };
        let setup = Setup {
            url: self.public_url.unwrap_or_else(|| format!("http://{address}")),
            admin_token: admin_token(address, self.admin_token)?,
            keys: self.keys,
            accept_any_id: self.accept_any_id,
            calls_a_second: self.calls_a_second,
            failures_a_day: self.failures_a_day,
            faults: self.faults,
            rules: rules.unwrap_or_default(),
        };
        let http = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .build()
            .into();
        let state = Arc::new(State::new(setup, self.seed, self.clock, http, store));
        if let Some(saved) = saved {
            state.put(saved);
        }
        let engine = tokio::spawn(callback::run(Arc::clone(&state)));
        let saver = tokio::spawn(Arc::clone(&state).keep_saving());
        let server = tokio::spawn(line::serve(listener, router(&state), bounds::CONNECTIONS));
        Ok(Emulator { state, address, server, engine, saver })
    }
}

/// Off loopback, somebody else could look after the emulator.
fn admin_token(address: SocketAddr, given: Option<String>) -> io::Result<Option<String>> {
    if address.ip().is_loopback() {
        return Ok(None);
    }
    let random = || {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(crate::verify::hex(&bytes))
    };
    given.filter(|token| !token.is_empty()).map_or_else(random, Ok).map(Some)
}

fn router(state: &Arc<State>) -> Router {
    Router::new()
        .route("/s/{code}", get(h5::short))
        .route("/s/{token}/submit", post(h5::submit))
        .route("/s/{token}/cancel", post(h5::cancel))
        .route("/s/{token}/expire", post(h5::expire))
        .route("/h5/{token}", get(h5::page))
        .route("/h5/{token}/submit", post(h5::submit))
        .route("/h5/{token}/cancel", post(h5::cancel))
        .route("/h5/{token}/expire", post(h5::expire))
        .route("/jsvm_all.js", get(pages::meta_info_script))
        .route("/oss/{bucket}/{*object}", get(picture::get))
        .route("/_emu/assets/{file}", get(pages::asset))
        .layer(middleware::from_fn(bounds::small_body))
        .route("/", any(gateway::call))
        .merge(admin::router(state))
        .with_state(Arc::clone(state))
}
