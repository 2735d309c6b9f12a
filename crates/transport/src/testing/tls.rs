//! The TLS part of the suite, for transports with TLS: a test certificate authority, and servers with valid and invalid
//! certificates.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use cloudauth_protocol::Body;
use http::{Request, Response};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::conformance::{Op, STUCK, Send, expect, is_not_sent, shows_nothing};
use super::server::{Server, Then, read_request};
use crate::{BoxError, Limits, Proxy, ProxyError, Sent, TransportError, TransportErrorKind};

/// A certificate authority that only the transport under test trusts.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: Vec<u8>,
}

impl Authority {
    /// Creates an authority with a new key.
    ///
    /// # Errors
    /// If the keys cannot be generated.
    pub fn new() -> Result<Self, BoxError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key)?;
        let (pem, der) = (certificate.pem(), certificate.der().to_vec());
        Ok(Self { issuer: Issuer::new(params, key), pem, der })
    }

    /// Returns its certificate, for the transport to trust, as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns its certificate, for the transport to trust, as DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Runs the suite on a transport that trusts only this authority, and returns the failures, one line each.
    #[must_use]
    pub fn run(&self, send: Send<'_>) -> Vec<String> {
        let stranger = Self::new().map_err(|error| error.to_string());
        let cases = [
            ("a good certificate", self.meets("localhost", 2999, send, true)),
            (
                "an unknown authority",
                stranger.and_then(|stranger| stranger.meets("localhost", 2999, send, false)),
            ),
            ("a certificate of another host", self.meets("other.example", 2999, send, false)),
            ("an expired certificate", self.meets("localhost", 2001, send, false)),
        ];
        let cases =
            cases.into_iter().chain(HANDSHAKES.map(|(name, answer)| (name, breaks_off(answer, send))));
        let failed = |(name, came): (&str, Result<(), String>)| Some(format!("{name}: {}", came.err()?));
        cases.filter_map(failed).collect()
    }

    /// Starts a server with a certificate for `host` that expires in the year `until`, and sends a request to it.
    fn meets(&self, host: &str, until: i32, send: Send<'_>, good: bool) -> Result<(), String> {
        let server = self.serve(host, until).map_err(|error| error.to_string())?;
        let came = send(Op::Init.request(&server.url)?, &Limits::DEFAULT);
        if came.is_err() {
            // Time for the server to read a request that was sent anyway.
            thread::sleep(Duration::from_millis(100));
        }
        let requests = server.requests.load(Ordering::Relaxed);
        match came {
            Ok(response) if good => expect(response.status() == 200 && requests == 1, || {
                format!("found {} after {requests} requests", response.status())
            }),
            Ok(response) => Err(format!("found {}", response.status())),
            Err(error) if good => Err(format!("{error:?}")),
            Err(error) => {
                let found = (error.kind(), error.sent(), requests);
                let expected = (TransportErrorKind::Connect, Sent::No, 0);
                expect(found == expected, || format!("found {found:?} by {error:?}"))?;
                shows_nothing(&error)
            }
        }
    }

    fn serve(&self, host: &str, until: i32) -> Result<TlsServer, BoxError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([host.to_owned()])?;
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(until, 1, 1));
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate, CertificateDer::from(self.der.clone())],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let (requests, config) = (Arc::new(AtomicUsize::new(0)), Arc::new(config));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, seen) = (Arc::clone(&config), Arc::clone(&seen));
                // An error is ignored: a client that does not trust the server disconnects.
                thread::spawn(move || _ = answer(stream, config, &seen));
            }
        });
        Ok(TlsServer { url, requests })
    }
}

/// The server's reply to the first message of a handshake, before it closes the connection.
const HANDSHAKES: [(&str, &[u8]); 4] = [
    ("a handshake that is cut off", b""),
    ("plain text instead of a handshake", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    ("an alert instead of a handshake", b"\x15\x03\x03\x00\x02\x02\x28"),
    ("half a message of a handshake", b"\x16\x03\x03\x00\x7a\x02\x00\x00"),
];

/// Sends to a server that does not complete the handshake.
fn breaks_off(answer: &'static [u8], send: Send<'_>) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // A disconnected client is not a failure of the server.
            let _ = stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(answer));
        }
    });
    is_not_sent(send(Op::Init.request(&format!("https://localhost:{port}"))?, &Limits::DEFAULT))
}

/// Checks a transport with a short connect timeout, such as [`CONNECT`], against a server that accepts the connection and never
/// answers the handshake.
///
/// # Errors
/// If the transport does not give up in time, or does not report that nothing was sent.
pub fn silent_handshake(send: Send<'_>) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    // Keeps the connections open until the test process ends.
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    // The time of the attempt must not end first: then the error would be that of a timeout.
    let limits = Limits::DEFAULT.with_attempt(STUCK);
    is_not_sent(send(Op::Init.request(&format!("https://localhost:{port}"))?, &limits))
}

/// A connect timeout for [`silent_handshake`]. No other check may use it, because a busy machine needs longer for a handshake.
pub const CONNECT: Duration = Duration::from_millis(200);

/// Checks a transport that `through` creates, against a recording proxy without TLS: the transport requests a tunnel to the
/// endpoint, authenticates, and sends nothing else. Plain `http` does not use the proxy.
///
/// # Errors
/// If the contract is violated. The error says which part.
pub fn proxied<T>(
    through: impl Fn(&Proxy) -> T,
    send: impl Fn(&T, Request<Body>) -> Came,
) -> Result<(), String> {
    for answer in
        ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"]
    {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let asked = read_request(&mut stream).unwrap_or_default();
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
                let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.read(&mut [0; 4096]));
            }
        });
        let proxy = format!("http://planted-user:planted-secret@{address}").parse();
        let transport = through(&proxy.map_err(|error: ProxyError| error.to_string())?);
        let came = send(&transport, Op::Init.request("https://cloudauth.invalid")?);
        let shown = came.as_ref().err().map(|error| format!("{error} {error:?}")).unwrap_or_default();
        is_not_sent(came)?;
        expect(!shown.contains("planted"), || "the error shows the login".to_owned())?;
        let plain = Server::start(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec(), Then::Close);
        let plain = plain.map_err(|error| error.to_string())?;
        send(&transport, Op::Init.request(plain.url())?).map_err(|error| format!("plain http: {error:?}"))?;
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let asked: Vec<_> = asked.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        expect(!asked.is_empty(), || "the proxy was not used".to_owned())?;
        for request in asked {
            let head = request.to_ascii_lowercase();
            expect(head.starts_with("connect cloudauth.invalid:443 "), || {
                "not a tunnel to the endpoint".to_owned()
            })?;
            // user:secret in Base64.
            expect(request.contains("Basic cGxhbnRlZC11c2VyOnBsYW50ZWQtc2VjcmV0"), || "no login".to_owned())?;
            expect(!head.contains("x-acs-") && !head.contains("certno"), || {
                "it sees the request".to_owned()
            })?;
        }
    }
    Ok(())
}

/// The outcome of a send.
type Came = Result<Response<Body>, TransportError>;

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

struct TlsServer {
    url: String,
    requests: Arc<AtomicUsize>,
}

fn answer(stream: TcpStream, config: Arc<ServerConfig>, seen: &AtomicUsize) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    if !read_request(&mut stream)?.is_empty() {
        seen.fetch_add(1, Ordering::Relaxed);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")?;
    stream.conn.send_close_notify();
    stream.flush()
}
