//! Connections: their settings, their pool, and the time that a statement may take.

use std::net::IpAddr;
use std::time::Duration;

use cloudauth_flow::{StoreError, StoreErrorKind};
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Transaction,
};
use tokio_postgres::config::{Host, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row, Socket};

use crate::error::{OpenError, OpenErrorKind, failed, failed_write};

/// The connections of a store.
const CONNECTIONS: usize = 16;

/// How long a caller waits for a free connection, and for a new one.
const WAIT: Duration = Duration::from_secs(5);

/// How long a statement may take. The server cancels it after half of that time.
const PATIENCE: Duration = Duration::from_secs(20);

/// The settings that the store relies on, for the time of a connection: each statement of `ca_events` has its own snapshot, and a
/// commit that was acknowledged survives a power failure.
const SETTINGS: &str = "SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off; \
    SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

pub(crate) fn pool<T>(mut config: Config, tls: T) -> Result<Pool, OpenError>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send + Sync,
    T::TlsConnect: Send + Sync,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    if config.get_application_name().is_none() {
        config.application_name("cloudauth-flow");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(WAIT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(PATIENCE);
    }
    let manager =
        Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let settings = Hook::async_fn(|client, _| {
        Box::pin(async move { client.batch_execute(SETTINGS).await.map_err(HookError::Backend) })
    });
    Pool::builder(manager)
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(2 * WAIT))
        .post_create(settings)
        .build()
        .map_err(|_| OpenError::new(OpenErrorKind::Unavailable))
}

/// Whether the server is on this machine, so that nothing of the connection is on a network.
pub(crate) fn is_local(config: &Config) -> bool {
    let named = config.get_hosts().iter().all(|host| match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
    });
    named && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Checks that tokio-postgres would not log the parameters of a statement: they contain documents, references to people and sealed
/// identities.
pub(crate) fn check_logs() -> Result<(), StoreError> {
    if log::log_enabled!(target: "tokio_postgres::query", log::Level::Debug) {
        let why = "tokio-postgres would log the parameters; set its log filter to `tokio_postgres=info`";
        return Err(StoreError::with_source(StoreErrorKind::Unavailable, why));
    }
    Ok(())
}

pub(crate) async fn client(pool: &Pool) -> Result<Object, StoreError> {
    check_logs()?;
    pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            StoreError::with_source(StoreErrorKind::Unavailable, failed(&error))
        }
        PoolError::Timeout(_) => {
            StoreError::with_source(StoreErrorKind::Unavailable, "no connection became free in time")
        }
        _ => StoreErrorKind::Unavailable.into(),
    })
}

/// Whether a statement writes: without an answer, it may have happened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Writes,
}

/// Runs a function in a transaction. After an error other than `OutcomeUnknown` nothing of it happened.
pub(crate) async fn run_transaction(
    pool: &Pool,
    function: impl AsyncFnOnce(&Transaction<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut client = client(pool).await?;
    let ended = async {
        let transaction = client.transaction().await.map_err(|error| failed(&error))?;
        function(&transaction).await?;
        transaction.commit().await.map_err(|error| failed_write(&error))
    };
    match tokio::time::timeout(PATIENCE, ended).await {
        Ok(result) => result,
        Err(_) => {
            drop(Object::take(client));
            Err(StoreErrorKind::OutcomeUnknown.into())
        }
    }
}

/// Runs a statement in a transaction of its own. A connection that does not answer is closed.
pub(crate) async fn run(
    pool: &Pool,
    effect: Effect,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, StoreError> {
    let client = client(pool).await?;
    let rows = async {
        let statement = client.prepare_cached(statement).await.map_err(|error| failed(&error))?;
        // It ends when the server is ready for the next statement: this one is committed then.
        client.query(&statement, parameters).await.map_err(|error| match effect {
            Effect::Reads => failed(&error),
            Effect::Writes => failed_write(&error),
        })
    };
    match tokio::time::timeout(PATIENCE, rows).await {
        Ok(rows) => rows,
        Err(_) => {
            drop(Object::take(client));
            Err(match effect {
                Effect::Reads => StoreErrorKind::Unavailable.into(),
                Effect::Writes => StoreErrorKind::OutcomeUnknown.into(),
            })
        }
    }
}
