//! How carrying fails.

use std::error::Error;
use std::fmt;

/// The error of whichever HTTP client is underneath.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Whether the peer may have seen the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Certainly not: name resolution, the connection, the TLS handshake or the tunnel through a proxy failed, or the
    /// process has no file descriptor left.
    No,
    /// It may have, and may have acted on it.
    Maybe,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The host could not be found or reached, or TLS failed.
    Connect,
    /// The attempt took longer than it may.
    Timeout,
    /// The connection broke in the middle.
    Broken,
    /// The response, its headers included, is larger than allowed. Not retried: the next answer would be too.
    TooLarge,
    /// The transport cannot carry this request at all, such as `https` without TLS built in.
    Unsupported,
}

/// A request that brought no response. It shows neither URL nor body.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    sent: Sent,
    source: Option<BoxError>,
}

impl TransportError {
    /// An error of this kind. `sent` must be truthful: it decides whether a paid call may be repeated.
    #[must_use]
    pub const fn new(kind: TransportErrorKind, sent: Sent) -> Self {
        Self { kind, sent, source: None }
    }

    /// With the HTTP client's own error, which must show neither URL nor body.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Whether the peer may have seen the request.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        self.sent
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::Connect => "no connection to the endpoint",
            TransportErrorKind::Timeout => "no answer in time",
            TransportErrorKind::Broken => "the connection broke before the answer was complete",
            TransportErrorKind::TooLarge => "the answer is larger than allowed",
            TransportErrorKind::Unsupported => "the transport cannot carry this request",
        })?;
        f.write_str(match self.sent {
            Sent::No => " (nothing was sent)",
            Sent::Maybe => " (the request may have been executed)",
        })
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}
