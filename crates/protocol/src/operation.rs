//! The trait of all operations, and the reading of their responses.

use http::Response;

use crate::reply::{Answer, Reply, ReplyError};
use crate::values::order::CertifyId;
use crate::wire::body::Body;
use crate::wire::params::Params;

/// The API version that this crate implements.
pub const VERSION: &str = "2019-03-07";

/// The longest action name that is accepted.
pub(crate) const LONGEST_ACTION: usize = 64;

/// The effect of a call at the service. It decides whether a call with an unknown outcome may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Changes nothing. Retry it freely.
    Read,
    /// Creates or changes something, and a second call does no harm: an unused session expires, and deleted data stays deleted.
    /// Retried, but only once if the outcome of the first call is unknown.
    HarmlessWrite,
    /// Creates, changes or bills something. Retried only if the request was certainly not sent.
    Write,
}

/// One action of the API: its parameters, and how its response is read.
pub trait Operation {
    /// The output of a successful call.
    type Output;

    /// The `Action` on the wire, such as `InitFaceVerify`.
    fn action(&self) -> &str;

    /// The effect of a call, which decides whether it may be retried.
    fn effect(&self) -> Effect;

    /// Adds the parameters. Signing adds the common ones (`Action`, `Timestamp`, ...).
    fn params<'a>(&'a self, params: &mut Params<'a>);

    /// The verification that the call refers to, if any. The endpoint that started it is the best one to ask.
    fn session(&self) -> Option<&CertifyId> {
        None
    }

    /// The verification that a successful call started, if any.
    fn started(_output: &Self::Output) -> Option<&CertifyId> {
        None
    }

    /// Reads a response.
    ///
    /// # Errors
    /// If the call was refused, or the response does not have the form that the operation documents.
    fn read(answer: &Answer<'_>) -> Result<Reply<Self::Output>, ReplyError>;
}

/// Reads the response to an operation.
///
/// # Errors
/// If the gateway or the product refused the call, or the response is malformed. Every error carries the `RequestId` if the
/// response has one, even in the first bytes of a truncated document.
pub fn parse<O: Operation>(response: &Response<Body>) -> Result<Reply<O::Output>, ReplyError> {
    O::read(&Answer::new(response)?)
}
