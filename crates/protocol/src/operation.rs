//! What all operations have in common.

use http::Response;

use crate::reply::{Answer, Reply, ReplyError};
use crate::values::order::CertifyId;
use crate::wire::body::Body;
use crate::wire::params::Params;

/// The version of the API that this crate speaks.
pub const VERSION: &str = "2019-03-07";

/// The longest action name that is accepted.
pub(crate) const LONGEST_ACTION: usize = 64;

/// What a call does at the other end: whether it may be repeated when its fate is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing changes; repeat it freely.
    Read,
    /// Something is made or changed, and doing it twice does no harm: a second session that nobody uses dies, what is
    /// deleted stays deleted. Repeated, once where nobody knows what became of the first.
    HarmlessWrite,
    /// Something is made, changed or billed. Repeated only if it was certainly not sent.
    Write,
}

/// One action of the API: how it is written, and how its answer is read.
pub trait Operation {
    /// What a successful call gives.
    type Output;

    /// The wire's `Action`, such as `InitFaceVerify`.
    fn action(&self) -> &str;

    /// Whether a call may be repeated.
    fn effect(&self) -> Effect;

    /// Writes the parameters. The common ones (`Action`, `Timestamp`, ...) are the signature's business.
    fn params<'a>(&'a self, params: &mut Params<'a>);

    /// The verification that the call is about, if it is about one: it is best asked for where it was started.
    fn session(&self) -> Option<&CertifyId> {
        None
    }

    /// The verification that a successful call has started, if it starts one.
    fn started(_output: &Self::Output) -> Option<&CertifyId> {
        None
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// If the answer is a refusal, or is not what the operation answers.
    fn read(answer: &Answer<'_>) -> Result<Reply<Self::Output>, ReplyError>;
}

/// Reads the answer to an operation.
///
/// # Errors
/// If the gateway or the product refused the call, or the answer cannot be understood. All of them carry the
/// `RequestId` if the answer holds one, even in the first bytes of a truncated document.
pub fn parse<O: Operation>(response: &Response<Body>) -> Result<Reply<O::Output>, ReplyError> {
    O::read(&Answer::new(response)?)
}
