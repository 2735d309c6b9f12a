//! The error of sending a request.

use std::error::Error;
use std::fmt;

/// The error of the underlying HTTP client.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Whether the peer may have received the request. Exhaustive: what is not certain is `Maybe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The peer did not receive the request: name resolution, the connection, the TLS handshake or the proxy
    /// tunnel failed, or the process has no file descriptors left.
    No,
    /// The peer may have received the request, and may have executed it.
    Maybe,
}

/// The kind of a transport error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The host could not be found or reached, or TLS failed.
    Connect,
    /// The attempt exceeded its time limit.
    Timeout,
    /// The connection broke before the response was complete.
    Broken,
    /// The response, including its headers, exceeds the size limit. Not retried, because the next response
    /// would exceed it too.
    TooLarge,
    /// The transport does not support this request, such as `https` without TLS support.
    Unsupported,
}

/// The error of a request without a response. It shows neither URL nor body.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    sent: Sent,
    source: Option<BoxError>,
}

impl TransportError {
    /// Creates an error of this kind. `sent` must be truthful: it decides whether a paid call may be retried.
    #[must_use]
    pub const fn new(kind: TransportErrorKind, sent: Sent) -> Self {
        Self { kind, sent, source: None }
    }

    /// Adds the error of the HTTP client, which must show neither URL nor body.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of the error.
    #[must_use]
    pub const fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Returns whether the peer may have received the request.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        self.sent
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::Connect => "no connection to the endpoint",
            TransportErrorKind::Timeout => "no response in time",
            TransportErrorKind::Broken => "the connection broke before the response was complete",
            TransportErrorKind::TooLarge => "the response is larger than allowed",
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
