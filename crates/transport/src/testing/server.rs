//! A scripted server on its own threads.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server waits for a client to disconnect: longer than any test.
const STAY: Duration = Duration::from_secs(60);

/// More bytes than any client may accept.
const ENDLESS: usize = 64 << 20;

/// The server's action after its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Close,
    /// Closes without having read the request.
    CloseUnread,
    /// Sends nothing more, and keeps the connection open.
    Hang,
    /// Continues to send, one byte every 20 milliseconds.
    Dribble,
    /// Repeats this text up to [`ENDLESS`] bytes, as fast as the client reads.
    Repeat(&'static str),
}

/// Serves until the test process ends.
pub(super) struct Server {
    url: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Vec<u8>>>,
    connections: AtomicUsize,
    left: AtomicUsize,
    open: AtomicUsize,
}

impl Server {
    /// Answers one request of each connection with this response.
    pub(super) fn start(answer: Vec<u8>, then: Then) -> io::Result<Self> {
        Self::serve(move |mut stream, seen| {
            if then != Then::CloseUnread {
                seen.keep(read_request(&mut stream)?);
            }
            stream.write_all(&answer)?;
            match then {
                Then::Close => {
                    stream.shutdown(std::net::Shutdown::Write)?;
                    // Closing a connection with unread bytes resets it, and the response is lost.
                    drain(&mut stream)
                }
                Then::CloseUnread => Ok(()),
                Then::Hang => {
                    thread::sleep(STAY);
                    Ok(())
                }
                Then::Dribble => {
                    let begun = Instant::now();
                    while begun.elapsed() < STAY {
                        stream.write_all(b"x")?;
                        thread::sleep(Duration::from_millis(20));
                    }
                    Ok(())
                }
                Then::Repeat(text) => {
                    let text = text.repeat(64);
                    for _ in 0..ENDLESS / text.len() {
                        stream.write_all(text.as_bytes())?;
                    }
                    Ok(())
                }
            }
        })
    }

    /// Answers every request of a connection with this response.
    pub(super) fn keep_alive(answer: Vec<u8>) -> io::Result<Self> {
        Self::serve(move |mut stream, seen| {
            loop {
                let request = read_request(&mut stream)?;
                if request.is_empty() {
                    return Ok(());
                }
                seen.keep(request);
                stream.write_all(&answer)?;
            }
        })
    }

    /// Answers the first request of each connection, and closes without a response after the second.
    pub(super) fn answers_once(answer: Vec<u8>) -> io::Result<Self> {
        Self::serve(move |mut stream, seen| {
            seen.keep(read_request(&mut stream)?);
            stream.write_all(&answer)?;
            let second = read_request(&mut stream)?;
            if !second.is_empty() {
                seen.keep(second);
            }
            Ok(())
        })
    }

    /// Reads a request of each connection, and waits until the client disconnects.
    pub(super) fn silent() -> io::Result<Self> {
        Self::serve(move |mut stream, seen| {
            seen.open.fetch_add(1, Ordering::Relaxed);
            let left = read_request(&mut stream).and_then(|request| {
                seen.keep(request);
                drain(&mut stream)
            });
            seen.open.fetch_sub(1, Ordering::Relaxed);
            // A read timeout is not a disconnect.
            if !matches!(&left, Err(error) if is_timeout(error)) {
                seen.left.fetch_add(1, Ordering::Relaxed);
            }
            left
        })
    }

    fn serve(
        handle: impl Fn(TcpStream, &Seen) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let seen = Arc::new(Seen::default());
        let (handle, kept) = (Arc::new(handle), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                kept.connections.fetch_add(1, Ordering::Relaxed);
                let (handle, kept) = (Arc::clone(&handle), Arc::clone(&kept));
                // A disconnected client is not a failure of the server.
                thread::spawn(move || _ = handle(stream, &kept));
            }
        });
        Ok(Self { url, seen })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn requests(&self) -> Vec<Vec<u8>> {
        self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the number of connections that clients closed. For a silent server.
    pub(super) fn left(&self) -> usize {
        self.seen.left.load(Ordering::Relaxed)
    }

    /// Returns the number of requests that arrived.
    pub(super) fn count(&self) -> usize {
        self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns the number of connections that are open now. For a silent server.
    pub(super) fn open(&self) -> usize {
        self.seen.open.load(Ordering::Relaxed)
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }
}

impl Seen {
    fn keep(&self, request: Vec<u8>) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    }
}

/// Reads a request with its body, whose size is its Content-Length.
pub(super) fn read_request(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if request.len() >= head.len() + 4 + length.unwrap_or(0) {
                return Ok(request);
            }
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(request),
            read => request.extend_from_slice(buffer.get(..read).unwrap_or_default()),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Reads until the client disconnects.
fn drain(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(STAY))?;
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}
