//! The isahc client in use, and its replacement when too many sends on it were dropped.
//!
//! isahc looks whether a send was dropped only when bytes arrive: the connection of a silent server stays open until the
//! attempt's time is over. A client that is dropped closes all its connections. So a client with dropped sends is replaced
//! by a new one, immediately if nothing else runs on it and otherwise after [`MOST_DROPPED`] of them, and it is dropped
//! when the last send on it ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use isahc::HttpClient;

/// The largest number of dropped sends that hold connections of a client that is in use.
const MOST_DROPPED: usize = 16;

/// Makes a client.
pub(crate) type Make = dyn Fn() -> Result<HttpClient, isahc::Error> + Send + Sync;

pub(crate) struct Clients {
    current: Mutex<Option<Arc<Counted>>>,
    /// `None` for a client that the user brought and that cannot be made again.
    make: Option<Box<Make>>,
}

/// A client with its sends counted.
struct Counted {
    client: HttpClient,
    running: AtomicUsize,
    dropped: AtomicUsize,
}

/// A client for one send. Dropped before [`done`](Self::done), it counts as a dropped send.
pub(crate) struct Lease<'a> {
    clients: &'a Clients,
    counted: Arc<Counted>,
    done: bool,
}

impl Clients {
    pub(crate) fn new(make: Box<Make>) -> Result<Self, isahc::Error> {
        let first = Counted::new(make()?);
        Ok(Self { current: Mutex::new(Some(first)), make: Some(make) })
    }

    pub(crate) fn fixed(client: HttpClient) -> Self {
        Self { current: Mutex::new(Some(Counted::new(client))), make: None }
    }

    pub(crate) fn lease(&self) -> Result<Lease<'_>, isahc::Error> {
        let mut current = self.lock();
        let counted = match (&*current, &self.make) {
            (Some(counted), _) => Arc::clone(counted),
            (None, Some(make)) => Arc::clone(current.insert(Counted::new(make()?))),
            (None, None) => return Err(isahc::error::ErrorKind::ClientInitialization.into()),
        };
        counted.running.fetch_add(1, Ordering::Relaxed);
        Ok(Lease { clients: self, counted, done: false })
    }

    /// Leaves the client to the sends that still run on it; the next send gets a new one.
    fn retire(&self, counted: &Arc<Counted>) {
        let mut current = self.lock();
        if self.make.is_some() && current.as_ref().is_some_and(|current| Arc::ptr_eq(current, counted)) {
            *current = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Counted>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn new(client: HttpClient) -> Arc<Self> {
        Arc::new(Self { client, running: AtomicUsize::new(0), dropped: AtomicUsize::new(0) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.dropped.load(Ordering::Relaxed) == 0 {
            return;
        }
        // Dropping the last handle of a client waits for its thread, which may wait for a name to be resolved.
        let client = self.client.clone();
        let dropper = std::thread::Builder::new().name("isahc-drop".to_owned());
        // Without another thread it is dropped here.
        let _ = dropper.spawn(move || drop(client));
    }
}

impl Lease<'_> {
    pub(crate) fn client(&self) -> &HttpClient {
        &self.counted.client
    }

    /// The send has ended, well or badly.
    pub(crate) fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let counted = &self.counted;
        if !self.done {
            counted.dropped.fetch_add(1, Ordering::Relaxed);
        }
        let others = counted.running.fetch_sub(1, Ordering::Relaxed) - 1;
        let dropped = counted.dropped.load(Ordering::Relaxed);
        if dropped >= MOST_DROPPED || (dropped > 0 && others == 0) {
            self.clients.retire(counted);
        }
    }
}
