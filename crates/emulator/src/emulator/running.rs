//! A running emulator.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cloudauth_protocol::CertifyId;
use tokio::task::JoinHandle;

use crate::callbacks;
use crate::faults::{Fault, FaultError};
use crate::gateway;
use crate::lifecycle::perform;
use crate::sessions::{ActionError, SessionOutcome, UserAction};
use crate::state::{AppState, EntrySource, Snapshot, SnapshotError};
use crate::time::Clock;

/// A running emulator. Dropping it stops the emulator.
#[derive(Debug)]
pub struct Emulator {
    pub(super) state: Arc<AppState>,
    pub(super) address: SocketAddr,
    pub(super) server: JoinHandle<io::Result<()>>,
    pub(super) engine: JoinHandle<()>,
    pub(super) saver: JoinHandle<()>,
}

impl Emulator {
    /// The id of the default access key.
    pub const ACCESS_KEY_ID: &'static str = gateway::ACCESS_KEY_ID;
    /// The secret of the default access key and of the other built-in keys.
    pub const ACCESS_KEY_SECRET: &'static str = gateway::ACCESS_KEY_SECRET;

    /// Returns the endpoint for clients: `http://127.0.0.1:port`, or the public URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.state.settings.url
    }

    /// Returns the address that the emulator listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the token for `/_emu`, sent as `Authorization: Bearer`. `None` on loopback, where no token is
    /// needed.
    #[must_use]
    pub fn admin_token(&self) -> Option<&str> {
        self.state.settings.admin_token.as_deref()
    }

    /// Returns the seed of the ids and faults: until a reset, that of the state file or of the snapshot, if one was read.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.state.seed()
    }

    /// Returns the emulator's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// Advances the clock and runs everything that falls due, in order. Returns when all of it is done.
    pub async fn advance(&self, time: Duration) {
        callbacks::advance(&self.state, time).await;
    }

    /// Waits until no callback is running or due.
    pub async fn settle(&self) {
        callbacks::settle(&self.state).await;
    }

    /// Finishes a session with this outcome, as the end user would. The callback follows, and `DescribeFaceVerify` returns
    /// the result. An outcome that the admin API forced for this session takes precedence.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// use cloudauth_emulator::{Emulator, SessionOutcome};
    /// use cloudauth_protocol::FaceVerifySession;
    ///
    /// async fn person_fails(emulator: &Emulator, session: &FaceVerifySession) -> std::io::Result<()> {
    ///     emulator.finish(&session.certify_id, SessionOutcome::with_sub_code("204"))?;
    ///     emulator.settle().await; // the callback was delivered
    ///     Ok(())
    /// }
    /// # let emulator = Emulator::builder().start().await?;
    /// # let unknown = cloudauth_protocol::CertifyId::new("unknown").unwrap();
    /// # assert!(emulator.finish(&unknown, SessionOutcome::pass()).is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the emulator does not know the session, if the session was submitted or has expired, or if the SubCode has more than
    /// eight digits or the score is out of range.
    pub fn finish(&self, certify_id: &CertifyId, outcome: SessionOutcome) -> io::Result<()> {
        outcome.check().map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem.en))?;
        let act = UserAction::Submit(Some(outcome));
        match perform(&self.state, certify_id.as_str(), act, "submit", EntrySource::Admin) {
            Ok(_) => Ok(()),
            Err(ActionError::Unknown) => Err(io::Error::new(io::ErrorKind::NotFound, "unknown CertifyId")),
            Err(ActionError::Ended) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "the session was submitted already"))
            }
            Err(ActionError::Expired) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "the session has expired"))
            }
        }
    }

    /// Adds a fault.
    ///
    /// # Errors
    /// If the fault cannot happen ([`Fault::check`]).
    pub fn inject(&self, fault: Fault) -> Result<(), FaultError> {
        fault.check()?;
        self.state.faults().add(fault);
        Ok(())
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.state.faults().clear();
    }

    /// Restores the initial state, including the clock.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Returns the state as a JSON document: sessions, callbacks, faults and the clock, without the journal. It contains
    /// links and callback tokens.
    #[must_use]
    pub fn snapshot(&self) -> String {
        serde_json::to_string(&self.state.snapshot()).unwrap_or_default()
    }

    /// Restores a snapshot of this emulator or of another one.
    ///
    /// # Errors
    /// If this version cannot read the snapshot, or a value is out of range. The state is unchanged, and the error does not
    /// quote the snapshot.
    pub fn restore(&self, snapshot: &str) -> Result<(), SnapshotError> {
        self.state.restore(Snapshot::parse(snapshot.as_bytes())?);
        Ok(())
    }

    /// Runs until the server fails.
    ///
    /// # Errors
    /// If accepting connections fails permanently.
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
