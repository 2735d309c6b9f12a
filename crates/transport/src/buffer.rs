//! The body of a response while it is read.

use std::fmt;

use cloudauth_protocol::Body;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use crate::{Limits, Sent, TransportError, TransportErrorKind};

/// The first space without a valid `Content-Length`. Most replies are shorter.
const USUAL: usize = 4096;

/// The most space for a `Content-Length` alone. A longer body takes memory as it arrives, however large the limit is.
const MOST_AHEAD: usize = 1 << 20;

/// Collects the body of a response within its limit. The memory that it no longer needs is wiped: when it grows, after an
/// error, and when the [`Body`] is dropped. The buffers of the HTTP client itself are not.
///
/// ```
/// use cloudauth_transport::{BodyBuffer, Limits};
///
/// let mut buffer = BodyBuffer::new(&http::HeaderMap::new(), &Limits::DEFAULT.with_body(4));
/// buffer.push(b"{}")?;
/// assert!(buffer.clone().push(b"{} ").is_err());
/// assert_eq!(buffer.finish().as_bytes(), b"{}");
/// # Ok::<(), cloudauth_transport::TransportError>(())
/// ```
#[derive(Clone)]
pub struct BodyBuffer {
    bytes: Vec<u8>,
    filled: usize,
    limit: usize,
}

impl BodyBuffer {
    /// An empty buffer with space for the `Content-Length` of the response, if it is within the limit.
    #[must_use]
    pub fn new(headers: &HeaderMap, limits: &Limits) -> Self {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let space = length.filter(|length| *length <= limits.body).unwrap_or(USUAL.min(limits.body));
        // One byte more, to see the end of the body without growing.
        Self { bytes: vec![0; space.min(MOST_AHEAD).saturating_add(1)], filled: 0, limit: limits.body }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// If the body exceeds its limit.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = self.space();
            let (now, later) = rest.split_at_checked(space.len()).unwrap_or((rest, &[]));
            space.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.advance(now.len())?;
            rest = later;
        }
        Ok(())
    }

    /// The space for the next bytes, never empty. Tell [`advance`](Self::advance) how many were written.
    pub fn space(&mut self) -> &mut [u8] {
        if self.filled == self.bytes.len() {
            // One byte beyond the limit is enough to see that the body is too large.
            let most = self.limit.saturating_add(1).max(self.filled.saturating_add(1));
            let mut larger = vec![0; self.filled.saturating_mul(2).clamp(1, most)];
            if let Some(to) = larger.get_mut(..self.filled) {
                to.copy_from_slice(&self.bytes);
            }
            wipe(std::mem::replace(&mut self.bytes, larger));
        }
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }

    /// Counts bytes that were written to [`space`](Self::space).
    ///
    /// # Errors
    /// If the body exceeds its limit.
    pub fn advance(&mut self, bytes: usize) -> Result<(), TransportError> {
        self.filled = self.filled.saturating_add(bytes).min(self.bytes.len());
        if self.filled > self.limit {
            return Err(TransportError::new(TransportErrorKind::TooLarge, Sent::Maybe));
        }
        Ok(())
    }

    /// The body.
    #[must_use]
    pub fn finish(mut self) -> Body {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.truncate(self.filled);
        Body::from(bytes)
    }
}

impl Drop for BodyBuffer {
    fn drop(&mut self) {
        wipe(std::mem::take(&mut self.bytes));
    }
}

impl fmt::Debug for BodyBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyBuffer({} bytes)", self.filled)
    }
}

/// Wipes memory, as a dropped body does.
fn wipe(bytes: Vec<u8>) {
    drop(Body::from(bytes));
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn buffer(length: Option<&'static str>, limit: usize) -> BodyBuffer {
        let headers = length.map(|length| (CONTENT_LENGTH, HeaderValue::from_static(length)));
        BodyBuffer::new(&headers.into_iter().collect(), &Limits::DEFAULT.with_body(limit))
    }

    #[test]
    fn a_body_comes_out_as_it_went_in() {
        let body: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        for length in [None, Some("20000"), Some("1"), Some("0"), Some("99999999999999999999"), Some("x")] {
            for step in [1, 7, 4096, 4097, 20_000] {
                let mut buffer = buffer(length, body.len());
                body.chunks(step).for_each(|chunk| buffer.push(chunk).unwrap());
                assert_eq!(buffer.finish().as_bytes(), body, "{length:?} {step}");
            }
        }
    }

    #[test]
    fn a_header_alone_takes_no_more_than_a_mebibyte() {
        for length in ["18446744073709551615", "9223372036854775807", "1000000000"] {
            let mut buffer = buffer(Some(length), usize::MAX);
            assert!(buffer.space().len() <= MOST_AHEAD + 1, "{length}");
            buffer.push(b"{}").unwrap();
            assert_eq!(buffer.finish().as_bytes(), b"{}");
        }
    }

    #[test]
    fn a_body_of_the_limit_fits_and_one_more_byte_does_not() {
        for (length, limit) in [(None, 0), (None, 5), (Some("5"), 5), (Some("6"), 5), (None, 10_000)] {
            let mut buffer = buffer(length, limit);
            buffer.push(&vec![7; limit]).unwrap();
            assert_eq!(buffer.push(&[7]).unwrap_err().kind(), TransportErrorKind::TooLarge);
        }
    }

    #[test]
    fn a_wrong_length_takes_no_memory_beyond_the_limit() {
        assert_eq!(buffer(Some("1000000"), 10).space().len(), 11);
        let mut full = buffer(None, 5000);
        while full.advance(full.bytes.len()).is_ok() {
            assert!(full.space().len() <= 5001);
        }
        assert!(full.bytes.len() <= 5001);
    }
}
