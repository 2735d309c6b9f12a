//! The store: a pool of connections to one database.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_flow::{
    Audit, Commit, Cursor, Event, LoggedEvent, Lookup, Outbox, Pages, Queue, Store, StoreError, Stored,
    Usage, UsageOf, VerificationId,
};
use cloudauth_protocol::UnixTime;
use deadpool_postgres::Pool;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, NoTls, Socket};

use crate::connect::{client, is_local, pool};
use crate::error::{OpenError, OpenErrorKind};
use crate::migrate::migrate;
use crate::{audit, claim, read, write};

/// A store of verifications in a PostgreSQL database, 13 or newer. Any number of processes on any number of machines may use it.
///
/// It needs a Tokio runtime. Its tables are in the first schema of the connection's `search_path`; their names begin with `ca_`.
pub struct PostgresStore {
    pub(crate) pool: Pool,
}

impl PostgresStore {
    /// Opens a database on this machine, over a socket or the loopback interface. Creates the tables, or brings older ones to the
    /// current schema.
    ///
    /// # Errors
    /// If the server is on another machine, if it cannot be reached or is too old, or if a newer version wrote the tables.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        if !is_local(&config) {
            return Err(OpenError::new(OpenErrorKind::NeedsTls));
        }
        Self::open_with(config, NoTls).await
    }

    /// Opens a database over TLS. The server must have a certificate that `tls` trusts, for the name of the host.
    ///
    /// # Errors
    /// If the server cannot be reached or is too old, if it does not use TLS or its certificate is not trusted, or if a newer
    /// version wrote the tables.
    #[cfg(feature = "rustls")]
    pub async fn open_tls(mut config: Config, tls: rustls::ClientConfig) -> Result<Self, OpenError> {
        config.ssl_mode(tokio_postgres::config::SslMode::Require);
        Self::open_with(config, rustls_tokio_postgres::MakeRustlsConnect::new(tls)).await
    }

    /// Opens a database with another implementation of TLS. Set [`SslMode::Require`](tokio_postgres::config::SslMode) unless the
    /// network is trusted.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), except for a server on another machine.
    pub async fn open_with<T>(config: Config, tls: T) -> Result<Self, OpenError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let pool = pool(config, tls)?;
        migrate(&mut *client(&pool).await?).await?;
        Ok(Self { pool })
    }

    /// Checks every verification, in one snapshot: each event follows the one before it, and the document says what the events say.
    /// `cursor` is that of an earlier checkpoint, which [`Audit::earlier`] is then comparable with. It uses little memory, and
    /// commits wait only for a moment.
    ///
    /// # Errors
    /// Those of reading; [`StoreErrorKind::Corrupt`](cloudauth_flow::StoreErrorKind) with [`OpenErrorKind::NewerSchema`] if a newer
    /// version wrote a document, so audit with that version; and [`StoreErrorKind::Unavailable`](cloudauth_flow::StoreErrorKind) if a transaction with an event stays
    /// open for two seconds.
    pub async fn audit(&self, cursor: Option<Cursor>) -> Result<Audit, StoreError> {
        audit::audit(&self.pool, cursor).await
    }
}

/// Shows the use of the connections, and nothing of the address.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("connections", &self.pool.status()).finish()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn load(&self, by: Lookup<'_>) -> Result<Option<Stored>, StoreError> {
        read::load(&self.pool, by).await
    }

    async fn usage(&self, of: &UsageOf) -> Result<Usage, StoreError> {
        read::usage(&self.pool, of).await
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        write::commit(&self.pool, commit).await
    }

    /// A clock that is ahead of the database claims at the database's time.
    async fn claim(
        &self,
        queue: Queue,
        now: UnixTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        claim::claim(&self.pool, queue, now, lease, limit).await
    }

    async fn unreadable(&self, limit: usize) -> Result<Vec<VerificationId>, StoreError> {
        claim::unreadable(&self.pool, limit).await
    }

    async fn events_after(&self, cursor: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        read::events_after(&self.pool, cursor, limit).await
    }

    async fn history(&self, id: &VerificationId) -> Result<Vec<Event>, StoreError> {
        read::history(&self.pool, id).await
    }

    /// A clock that is ahead of the database purges at the database's time.
    async fn purge(&self, now: UnixTime, limit: usize) -> Result<usize, StoreError> {
        write::purge(&self.pool, now, limit).await
    }

    /// The second is that of the database.
    async fn reserve_calls(
        &self,
        operation: &str,
        _: UnixTime,
        want: u32,
        limit: u32,
    ) -> Result<u32, StoreError> {
        write::reserve_calls(&self.pool, operation, want, limit).await
    }

    async fn now(&self) -> Result<Option<UnixTime>, StoreError> {
        claim::now(&self.pool).await.map(Some)
    }

    fn outbox(&self) -> Option<&dyn Outbox> {
        Some(self)
    }

    fn pages(&self) -> Option<&dyn Pages> {
        Some(self)
    }
}
