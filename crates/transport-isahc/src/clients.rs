//! The isahc client in use, and its replacement after too many dropped sends.
//!
//! isahc notices a dropped send only when bytes arrive: the connection to a silent server stays open until
//! the time limit of the attempt. Dropping a client closes all its connections. So a client with dropped
//! sends is replaced by a new one: immediately if no other send uses it, and otherwise after [`MOST_DROPPED`]
//! dropped sends. The old client is dropped when the last send on it ends.
//!
//! The drop happens on another thread, because it must not block an executor: dropping the last handle of a
//! client waits for the client's thread, which may wait for name resolution.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use isahc::HttpClient;

/// The largest number of dropped sends that hold connections of a client in use.
const MOST_DROPPED: usize = 16;

/// Clients that are about to be dropped.
static LEAVING: Leaving<HttpClient> = Leaving::new();

/// Builds a client.
pub(crate) type Make = dyn Fn() -> Result<HttpClient, isahc::Error> + Send + Sync;

pub(crate) struct Clients {
    current: Mutex<Option<Arc<Counted>>>,
    /// `None` for a client that the user supplied, which cannot be built again.
    make: Option<Box<Make>>,
}

/// A client and the number of its sends.
struct Counted {
    /// The only handle. `None` once dropped.
    client: Option<HttpClient>,
    running: AtomicUsize,
    dropped: AtomicUsize,
}

/// A client for one send. If it is dropped before [`done`](Self::done), it counts as a dropped send.
pub(crate) struct Lease<'a> {
    clients: &'a Clients,
    counted: Arc<Counted>,
    done: bool,
}

/// Values to drop on another thread.
struct Leaving<T>(Mutex<Vec<T>>);

impl Clients {
    pub(crate) fn new(make: Box<Make>) -> Result<Self, isahc::Error> {
        let first = Counted::new(make()?);
        Ok(Self { current: Mutex::new(Some(first)), make: Some(make) })
    }

    pub(crate) fn fixed(client: HttpClient) -> Self {
        Self { current: Mutex::new(Some(Counted::new(client))), make: None }
    }

    pub(crate) fn lease(&self) -> Result<Lease<'_>, isahc::Error> {
        if let Some(lease) = self.lease_current() {
            return Ok(lease);
        }
        let Some(make) = &self.make else {
            return Err(isahc::error::ErrorKind::ClientInitialization.into());
        };
        // Built without the lock, so that no other send waits. If another send also builds one, the first to
        // finish is used.
        let made = Counted::new(make()?);
        let mut current = self.lock();
        let counted = Arc::clone(current.get_or_insert_with(|| Arc::clone(&made)));
        Ok(self.lease_of(counted))
    }

    fn lease_current(&self) -> Option<Lease<'_>> {
        self.lock().as_ref().map(|counted| self.lease_of(Arc::clone(counted)))
    }

    /// Called with the lock held, so that [`retire`](Self::retire) sees the send.
    fn lease_of(&self, counted: Arc<Counted>) -> Lease<'_> {
        counted.running.fetch_add(1, Ordering::Relaxed);
        Lease { clients: self, counted, done: false }
    }

    /// Leaves the client to its running sends; the next send gets a new one.
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
        Arc::new(Self { client: Some(client), running: AtomicUsize::new(0), dropped: AtomicUsize::new(0) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.dropped.load(Ordering::Relaxed) > 0
            && let Some(client) = self.client.take()
        {
            LEAVING.drop_elsewhere(client);
        }
    }
}

impl<T: Send> Leaving<T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Drops a value on a new thread. If no thread can be started, the value waits for the next call.
    fn drop_elsewhere(&'static self, value: T) {
        self.lock().push(value);
        let dropper = std::thread::Builder::new().name("isahc-drop".to_owned());
        let _ = dropper.spawn(|| {
            let values = std::mem::take(&mut *self.lock());
            drop(values);
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    /// Returns the client. It is never missing, because it is taken only when the last lease is gone.
    pub(crate) fn client(&self) -> Result<&HttpClient, isahc::Error> {
        self.counted.client.as_ref().ok_or_else(|| isahc::error::ErrorKind::ClientInitialization.into())
    }

    /// Records that the send has ended, with or without an error.
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

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::sync::mpsc::{Sender, channel};
    use std::thread::ThreadId;

    use super::*;

    struct Probe(Sender<ThreadId>);

    impl Drop for Probe {
        fn drop(&mut self) {
            let _ = self.0.send(std::thread::current().id());
        }
    }

    #[test]
    fn drops_the_only_handle_on_another_thread() {
        static LEAVING: Leaving<Probe> = Leaving::new();
        let (sender, dropped_on) = channel();
        LEAVING.drop_elsewhere(Probe(sender));
        assert_ne!(dropped_on.recv().unwrap(), std::thread::current().id());
        assert!(dropped_on.recv().is_err(), "there was one handle");
    }

    #[test]
    fn builds_a_client_without_the_lock() {
        static CLIENTS: OnceLock<Clients> = OnceLock::new();
        static FREE: Mutex<Vec<bool>> = Mutex::new(Vec::new());
        let make = || {
            // The first client is built before there is a lock.
            let free = CLIENTS.get().is_none_or(|clients| clients.current.try_lock().is_ok());
            FREE.lock().unwrap().push(free);
            HttpClient::new()
        };
        let clients = CLIENTS.get_or_init(|| Clients::new(Box::new(make)).unwrap());
        drop(clients.lease().unwrap());
        clients.lease().unwrap().done();
        assert_eq!(*FREE.lock().unwrap(), [true, true], "a dropped send replaces the client");
    }
}
