//! The next step of an exchange.

use std::time::Duration;

use cloudauth_protocol::{Reply, SignedRequest};
use cloudauth_transport::Limits;

use crate::error::Error;

/// The next step of an [`Exchange`](crate::Exchange).
#[derive(Debug)]
#[non_exhaustive]
pub enum Step<T> {
    /// Send this request within these limits, and pass the outcome to [`answer`](crate::Exchange::answer).
    Send(SignedRequest, Limits),
    /// Wait this long, then poll again.
    Wait(Duration),
    /// The credentials have expired. Get new ones, and pass them to
    /// [`set_credentials`](crate::Exchange::set_credentials).
    RenewCredentials,
    /// The call is complete.
    Done(Result<Reply<T>, Error>),
}
