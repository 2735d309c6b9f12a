//! The client without a runtime: the same names, on the calling thread.

use std::sync::Arc;

use cloudauth_protocol::{
    DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, FaceVerifySession, FaceVerifyStatus,
    InitFaceVerify, Operation, Reply,
};
use cloudauth_transport::BlockingTransport;

use crate::builder::{ClientBuilder, Core};
use crate::credentials::ProvideCredentials;
use crate::error::Error;
use crate::exchange::Step;
use crate::settings::Settings;
use crate::wait::{WaitPlan, is_open};
use crate::watch::CallSpan;

/// Calls Cloudauth on the calling thread. Cheap to clone; the clones share transport and credentials, and what they
/// learn of the endpoints.
///
/// `UreqTransport` and `IsahcTransport` carry its calls, or a [`BlockingTransport`] of your own.
#[derive(Clone, Debug)]
pub struct BlockingClient {
    transport: Arc<dyn BlockingTransport>,
    core: Arc<Core>,
}

impl BlockingClient {
    /// With the settings that most services want; see [`Settings`](crate::Settings).
    pub fn new(
        transport: impl BlockingTransport + 'static,
        credentials: impl ProvideCredentials + 'static,
    ) -> Self {
        Self::builder(transport, credentials).build()
    }

    /// With settings of your own.
    pub fn builder(
        transport: impl BlockingTransport + 'static,
        credentials: impl ProvideCredentials + 'static,
    ) -> ClientBuilder<dyn BlockingTransport> {
        ClientBuilder::new(Arc::new(transport), Arc::new(credentials))
    }

    /// The same client with other settings, for some of the calls: `client.with(|s| s.attempts = 1)`. It shares
    /// transport and credentials, and what is learnt of the endpoints.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        Self { transport: Arc::clone(&self.transport), core: Arc::new(self.core.with(change)) }
    }

    /// The same client with other credentials, another account's for one. It shares the transport, and what is learnt of
    /// the endpoints.
    #[must_use]
    pub fn with_credentials(&self, credentials: impl ProvideCredentials + 'static) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            core: Arc::new(self.core.with_credentials(Arc::new(credentials))),
        }
    }

    /// Starts a verification.
    ///
    /// # Errors
    /// As [`Client::init_face_verify`](crate::Client::init_face_verify).
    pub fn init_face_verify(&self, op: &InitFaceVerify) -> Result<Reply<FaceVerifySession>, Error> {
        self.call(op)
    }

    /// Asks how a verification ended. "Not yet" is a result, not an error.
    ///
    /// # Errors
    /// As [`Client::describe_face_verify`](crate::Client::describe_face_verify).
    pub fn describe_face_verify(&self, op: &DescribeFaceVerify) -> Result<Reply<FaceVerifyStatus>, Error> {
        self.call(op)
    }

    /// Asks how a verification ended, and decides by the policy in force. A failure to ask is an error, never a decision.
    ///
    /// # Errors
    /// As [`describe_face_verify`](Self::describe_face_verify).
    #[cfg(feature = "policy")]
    pub fn decide(
        &self,
        op: &DescribeFaceVerify,
        policy: &cloudauth_policy::LivePolicy,
    ) -> Result<crate::Decided, Error> {
        Ok(crate::Decided::new(op, self.describe_face_verify(op)?, policy))
    }

    /// Has the service delete what it keeps of a verification.
    ///
    /// # Errors
    /// As [`Client::delete_face_verify_result`](crate::Client::delete_face_verify_result).
    pub fn delete_face_verify_result(&self, op: &DeleteFaceVerifyResult) -> Result<Reply<Deletion>, Error> {
        self.call(op)
    }

    /// Calls any operation.
    ///
    /// # Errors
    /// As [`Client::call`](crate::Client::call).
    pub fn call<O: Operation>(&self, op: &O) -> Result<Reply<O::Output>, Error> {
        let span = CallSpan::new(op.action());
        let result = self.drive(op, &span);
        if let Err(error) = &result {
            span.failed(error);
        }
        result
    }

    fn drive<O: Operation>(&self, op: &O, span: &CallSpan) -> Result<Reply<O::Output>, Error> {
        let begun = self.core.now();
        let by = self.core.credentials_blocking(begun, &*self.transport);
        let mut exchange = self.core.exchange(op, begun, by)?;
        loop {
            match self.core.poll(&mut exchange)? {
                Step::Send(request, limits) => {
                    span.attempt(&exchange);
                    let answer = self.transport.send(request, &limits);
                    span.answered(&answer);
                    exchange.answer(self.core.now(), answer);
                }
                Step::Wait(time) => self.transport.sleep(time),
                Step::Renew => {
                    self.core.refused(exchange.credentials());
                    let others = self.core.credentials_blocking(begun, &*self.transport);
                    exchange.renewed(others);
                }
                Step::Done(result) => {
                    self.core.ended(exchange.credentials(), &result);
                    if let Ok(reply) = &result {
                        span.succeeded(&exchange, reply);
                    }
                    return result;
                }
            }
        }
    }

    /// Asks how a verification ended until it has, or the plan is at its end. It blocks as long as that takes: with
    /// the default plan, half an hour.
    ///
    /// # Errors
    /// As [`Client::wait`](crate::Client::wait).
    pub fn wait_blocking(
        &self,
        op: &DescribeFaceVerify,
        plan: &WaitPlan,
    ) -> Result<Reply<FaceVerifyStatus>, Error> {
        let mut pauses = plan.pauses();
        loop {
            let answer = self.describe_face_verify(op);
            match pauses.next() {
                Some(pause) if is_open(&answer) => self.transport.sleep(pause),
                _ => return answer,
            }
        }
    }
}

impl ClientBuilder<dyn BlockingTransport> {
    /// The client.
    #[must_use]
    pub fn build(self) -> BlockingClient {
        let (transport, core) = self.into_parts();
        BlockingClient { transport, core }
    }
}
