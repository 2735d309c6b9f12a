//! The next step of an exchange.

use std::fmt;
use std::time::Duration;

use cloudauth_protocol::{Body, Reply};
use cloudauth_transport::Limits;
use http::Request;

use crate::error::Error;

/// The next step of an [`Exchange`](crate::Exchange). `Debug` omits the request: under some signatures its URL holds
/// personal data.
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "only one exists at a time, and it is matched immediately")]
pub enum Step<T> {
    /// Send this request within these limits, and pass the outcome to [`answer`](crate::Exchange::answer).
    Send(Request<Body>, Limits),
    /// Wait this long, then poll again.
    Wait(Duration),
    /// The credentials have expired. Get new ones, and pass them to
    /// [`set_credentials`](crate::Exchange::set_credentials).
    RenewCredentials,
    /// The call is complete.
    Done(Result<Reply<T>, Error>),
}

impl<T: fmt::Debug> fmt::Debug for Step<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(request, limits) => {
                let host = request.uri().host().unwrap_or_default();
                write!(f, "Send({} to {host}, {limits:?})", request.method())
            }
            Self::Wait(time) => write!(f, "Wait({time:?})"),
            Self::RenewCredentials => f.write_str("RenewCredentials"),
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
        }
    }
}
