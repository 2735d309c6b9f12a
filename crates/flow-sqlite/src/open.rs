//! Opens the file: checks whose it is, makes it private, creates or migrates the tables.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloudauth_flow::{StoreError, StoreErrorKind};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior};

use crate::cached::Cached;
use crate::error::{OpenError, OpenErrorKind, failed};

/// Marks a store in the header of the file: `cafl`.
const APPLICATION_ID: i32 = 0x6361_666c;

/// Where SQLite keeps the mark in the header.
const MARK_AT: usize = 68;

/// The steps from an empty file to the current schema. The schema's version is the number of steps.
const MIGRATIONS: [&str; 2] = [include_str!("schema-1.sql"), include_str!("schema-2.sql")];

const RECORDED: &str = "SELECT version FROM ca_schema";

/// How long a connection waits for another one's transaction.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The device and inode of each file that this process has opened as a store. To close such a file again outside of SQLite
/// would drop all of SQLite's locks on it, those of other connections included, as POSIX has it.
static OPENED: Mutex<Opened> = Mutex::new(None);

type Opened = Option<HashSet<(u64, u64)>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Opens a connection, and creates the file or its newer tables if needed.
pub(crate) fn connect(path: &Path) -> Result<Connection, OpenError> {
    let _opening = check_file(path, Access::Write)?;
    // Without URIs: the file that was checked is the one that is opened.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    check_mark(&connection)?;
    private(path).map_err(OpenError::unavailable)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What a redaction or a purge deletes is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What the savepoint of a task changed: with a file, each group of tasks would write it twice.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    migrate(&mut connection)?;
    // After the tables, so that the header in the file itself has the mark from the start.
    write_ahead(&connection)?;
    Ok(connection)
}

/// Opens a connection that only reads the file at a path, under the name that SQLite gets. The tables may be older ones.
pub(crate) fn connect_to_read(path: &Path, name: &OsStr, more: OpenFlags) -> Result<Connection, OpenError> {
    let _opening = check_file(path, Access::Read)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(Path::new(name), flags)?;
    connection.busy_timeout(PATIENCE)?;
    check_mark(&connection)?;
    match version(&connection)? {
        0 => Err(OpenError::new(OpenErrorKind::NotAStore)),
        found if found > MIGRATIONS.len() => Err(OpenError::new(OpenErrorKind::NewerSchema)),
        _ => Ok(connection),
    }
}

/// Checks that the tables are those of this version: another program may have migrated the file since.
pub(crate) fn check_schema(connection: &Cached<'_>) -> Result<(), StoreError> {
    // One query in each transaction. `version` tells why it failed.
    match connection.query_row(RECORDED, [], recorded).or_else(|_| version(connection)) {
        Ok(found) if found == MIGRATIONS.len() => Ok(()),
        Ok(_) => {
            Err(StoreError::with_source(StoreErrorKind::Corrupt, OpenError::new(OpenErrorKind::NewerSchema)))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Checks the file before SQLite opens it, and creates it if it is missing and may be written. Hold the result until the connection
/// is ready: a second thread must not look at the file while the first one has a lock on it.
fn check_file(path: &Path, access: Access) -> Result<MutexGuard<'static, Opened>, OpenError> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let files = opened.get_or_insert_default();
    if !identity(path).is_some_and(|file| files.contains(&file)) {
        if check_owner(path, access)? {
            create(path).map_err(OpenError::unavailable)?;
        }
        files.extend(identity(path));
    }
    if has_other_names(path) {
        return Err(OpenError::unavailable("the file has several names (hard links): remove the others"));
    }
    Ok(opened)
}

/// Whether the file is new. Reads the header without SQLite, which would write files beside a foreign database.
fn check_owner(path: &Path, access: Access) -> Result<bool, OpenError> {
    let foreign = || OpenError::new(OpenErrorKind::NotAStore);
    let writes = access == Access::Write;
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if writes && error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(OpenError::unavailable(error)),
    };
    if !metadata.is_file() {
        return Err(foreign());
    }
    if metadata.len() == 0 && writes {
        return Ok(true);
    }
    let mut header = Vec::new();
    // For writing too: of a file that it cannot write, SQLite would open a connection that only reads.
    let file = OpenOptions::new().read(true).write(writes).open(path).map_err(OpenError::unavailable)?;
    file.take(100).read_to_end(&mut header).map_err(OpenError::unavailable)?;
    let mark = header.get(MARK_AT..MARK_AT + 4);
    let is_ours = header.starts_with(b"SQLite format 3\0") && mark == Some(&APPLICATION_ID.to_be_bytes());
    if is_ours { Ok(false) } else { Err(foreign()) }
}

/// Checks the mark again, through SQLite: a new file may have the inode of one that was deleted.
fn check_mark(connection: &Connection) -> Result<(), OpenError> {
    // One transaction: another process may write mark and tables between the two queries.
    let _transaction = connection.unchecked_transaction()?;
    let mark = connection.query_row("PRAGMA application_id", [], |row| row.get::<_, i32>(0));
    let is_empty = || connection.query_row("SELECT count(*) = 0 FROM sqlite_master", [], |row| row.get(0));
    let is_ours = mark.and_then(|mark| Ok(mark == APPLICATION_ID || is_empty()?));
    match is_ours {
        Ok(true) => Ok(()),
        Err(error) if error.sqlite_error_code() != Some(ErrorCode::NotADatabase) => Err(error.into()),
        Ok(false) | Err(_) => Err(OpenError::new(OpenErrorKind::NotAStore)),
    }
}

/// The device and inode of a file.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().filter(std::fs::Metadata::is_file).map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

/// Whether the file has several names. The log is named after the file: under two names it would have two logs, and be damaged.
/// A symbolic link does not count, because SQLite follows it first.
#[cfg(unix)]
fn has_other_names(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.nlink() > 1)
}

#[cfg(not(unix))]
fn has_other_names(_: &Path) -> bool {
    false
}

/// Creates the file if it is missing, private from the first moment.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Makes the file readable only for its owner. SQLite gives its log the same mode.
#[cfg(unix)]
fn private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Brings the tables to the current version, in one transaction.
fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    if version(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    // Again: another process may have migrated in between.
    let found = version(&transaction)?;
    let steps = MIGRATIONS.get(found..).ok_or(OpenError::new(OpenErrorKind::NewerSchema))?;
    for step in steps {
        transaction.execute_batch(step)?;
    }
    if !steps.is_empty() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.execute(
            "INSERT INTO ca_schema (one, version) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET version = ?1",
            [i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

/// The version of the tables; 0 before the first migration.
fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ca_schema'";
    if connection.query_row(exists, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    connection.query_row(RECORDED, [], recorded)
}

fn recorded(row: &Row<'_>) -> rusqlite::Result<usize> {
    let version: i64 = row.get(0)?;
    // A version that this program does not know is newer.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Switches the file to a write-ahead log, once for all connections.
fn write_ahead(connection: &Connection) -> Result<(), OpenError> {
    let mut tries = 0;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(OpenError::unavailable("the file system has no shared memory for SQLite")),
            // Another process opens the file at this moment. SQLite does not wait here.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && tries < 100 => {
                tries += 1;
                std::thread::sleep(PATIENCE / 100);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
