//! A running emulator.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cloudauth_protocol::CertifyId;
use tokio::task::JoinHandle;

use crate::builder::Builder;
use crate::callback;
use crate::clock::Clock;
use crate::fault::Fault;
use crate::h5;
use crate::journal::What;
use crate::outcome::Outcome;
use crate::sessions::{Act, Refused};
use crate::snapshot::Snapshot;
use crate::state::State;

/// A running emulator. It stops when this is dropped.
#[derive(Debug)]
pub struct Emulator {
    pub(crate) state: Arc<State>,
    pub(crate) address: SocketAddr,
    pub(crate) server: JoinHandle<io::Result<()>>,
    pub(crate) engine: JoinHandle<()>,
    pub(crate) saver: JoinHandle<()>,
}

impl Emulator {
    /// The access key that is always there.
    pub const ACCESS_KEY_ID: &'static str = "EMUtestid";
    /// Its secret, and that of the other keys that are there.
    pub const ACCESS_KEY_SECRET: &'static str = "EMUtestsecret";

    /// How to start one.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The endpoint, `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.state.setup.url
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `/_emu` asks for in `Authorization: Bearer`; `None` on loopback, where it asks for nothing.
    #[must_use]
    pub fn admin_token(&self) -> Option<&str> {
        self.state.setup.admin_token.as_deref()
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// Sets its clock ahead, and runs what falls due on the way, in order; returns when all of it is done.
    pub async fn advance(&self, time: Duration) {
        callback::advance(&self.state, time).await;
    }

    /// Waits until no callback runs and none is due.
    pub async fn settle(&self) {
        callback::settle(&self.state).await;
    }

    /// Finishes a session as its person would, with this outcome: the callback follows, and `DescribeFaceVerify` returns the
    /// result. An outcome that the admin API forced for this session takes precedence.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// use cloudauth_emulator::{Emulator, Outcome};
    /// use cloudauth_protocol::FaceVerifySession;
    ///
    /// async fn person_fails(emulator: &Emulator, session: &FaceVerifySession) -> std::io::Result<()> {
    ///     emulator.finish(&session.certify_id, Outcome::with_sub_code("204"))?;
    ///     emulator.settle().await; // the callback was made
    ///     Ok(())
    /// }
    /// # let emulator = Emulator::builder().start().await?;
    /// # let unknown = cloudauth_protocol::CertifyId::new("unknown").unwrap();
    /// # assert!(emulator.finish(&unknown, Outcome::pass()).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the emulator does not know the session, or if the session was submitted or has expired.
    pub fn finish(&self, certify_id: &CertifyId, outcome: Outcome) -> io::Result<()> {
        let act = Act::Submit(Some(outcome));
        match h5::perform(&self.state, certify_id.as_str(), act, "submit", What::Admin) {
            Ok(_) => Ok(()),
            Err(Refused::Unknown) => Err(io::Error::new(io::ErrorKind::NotFound, "unknown CertifyId")),
            Err(Refused::Used) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "the session was submitted already"))
            }
            Err(Refused::Expired) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "the session has expired"))
            }
        }
    }

    /// Has something go wrong, from now on.
    pub fn inject(&self, fault: Fault) {
        self.state.faults().add(fault);
    }

    /// Has nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.state.faults().clear();
    }

    /// Everything as it was at the start, the clock too.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Everything that it knows, as a JSON document: sessions, callbacks, faults, the clock; not the journal. Links and
    /// callback tokens stand in it.
    #[must_use]
    pub fn snapshot(&self) -> String {
        serde_json::to_string(&self.state.snapshot()).unwrap_or_default()
    }

    /// Everything as it was when the snapshot was taken, of this emulator or of another.
    ///
    /// # Errors
    /// If it is no snapshot that this version reads; then nothing has changed. The error does not quote it.
    pub fn restore(&self, snapshot: &str) -> io::Result<()> {
        let read = Snapshot::parse(snapshot.as_bytes());
        self.state.restore(read.map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem))?);
        Ok(())
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
        self.engine.abort();
        self.saver.abort();
        self.state.close();
    }
}
