//! The server: how it starts and stops.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{any, get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::fault::{Fault, Faults};
use crate::state::State;
use crate::verify::Key;
use crate::{gateway, h5, line, quota};

/// A running emulator. It stops when this is dropped.
#[derive(Debug)]
pub struct Emulator {
    state: Arc<State>,
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

impl Emulator {
    /// The access key that is always there.
    pub const ACCESS_KEY_ID: &'static str = "EMUtestid";
    /// Its secret.
    pub const ACCESS_KEY_SECRET: &'static str = "EMUtestsecret";

    /// How to start one.
    pub fn builder() -> Builder {
        Builder {
            port: 0,
            seed: 0,
            clock: Clock::system(),
            calls_a_second: Some(quota::USUAL),
            faults: Vec::new(),
            accept_any_id: false,
            keys: HashMap::from([(
                Self::ACCESS_KEY_ID.to_owned(),
                Key { secret: Self::ACCESS_KEY_SECRET.to_owned(), token: None },
            )]),
        }
    }

    /// The endpoint, `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// Has something go wrong, from now on.
    pub fn inject(&self, fault: Fault) {
        self.state.faults().add(fault);
    }

    /// Has nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.state.faults().clear();
    }

    /// Serves until the server fails.
    ///
    /// # Errors
    /// If accepting connections fails for good.
    pub async fn run(mut self) -> io::Result<()> {
        (&mut self.server).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Starts an [`Emulator`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    port: u16,
    seed: u64,
    clock: Clock,
    calls_a_second: Option<u32>,
    faults: Vec<Fault>,
    accept_any_id: bool,
    keys: HashMap<String, Key>,
}

impl Builder {
    /// The port on loopback; a free one unless set.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
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

    /// Something that goes wrong, from the start.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Takes one more access key.
    pub fn key(mut self, access_key_id: &str, access_key_secret: &str) -> Self {
        self.keys.insert(access_key_id.to_owned(), Key { secret: access_key_secret.to_owned(), token: None });
        self
    }

    /// Takes one more temporary access key.
    pub fn temporary_key(
        mut self,
        access_key_id: &str,
        access_key_secret: &str,
        security_token: &str,
    ) -> Self {
        let key = Key { secret: access_key_secret.to_owned(), token: Some(security_token.to_owned()) };
        self.keys.insert(access_key_id.to_owned(), key);
        self
    }

    /// Takes ID numbers of every area. Real people may end up in your logs.
    pub fn accept_any_id(mut self) -> Self {
        self.accept_any_id = true;
        self
    }

    /// Starts it, on the loopback interface.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub async fn start(self) -> io::Result<Emulator> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let address = listener.local_addr()?;
        let http = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .build()
            .into();
        let state = Arc::new(State {
            url: format!("http://{address}"),
            keys: self.keys,
            accept_any_id: self.accept_any_id,
            clock: self.clock,
            nonces: Mutex::default(),
            http,
            sessions: Mutex::default(),
            seed: self.seed,
            made: AtomicU64::new(0),
            faults: Mutex::new(Faults::new(self.seed, self.faults)),
            quota: Mutex::default(),
            calls_a_second: self.calls_a_second,
        });
        let router = Router::new()
            .route("/", any(gateway::call))
            .route("/h5/{token}", get(h5::page))
            .route("/h5/{token}/submit", post(h5::submit))
            .with_state(Arc::clone(&state));
        let server = tokio::spawn(line::serve(listener, router));
        Ok(Emulator { state, address, server })
    }
}
