//! The blocking client: the same methods as [`Client`](crate::Client), on the calling thread and without a runtime.

use std::sync::Arc;

use cloudauth_protocol::{
    DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, FaceVerifySession, FaceVerifyStatus,
    InitFaceVerify, Operation, Reply,
};
use cloudauth_transport::BlockingTransport;

use super::builder::ClientBuilder;
use super::call_span::CallSpan;
use super::core::Core;
#[cfg(feature = "policy")]
use super::decided_reply::DecidedReply;
use super::wait_plan::{WaitPlan, is_open};
use crate::credentials::ProvideCredentials;
use crate::error::Error;
use crate::exchange::Step;
use crate::settings::Settings;

/// The blocking Cloudauth client. It is cheap to clone: clones share transport, credentials and
/// [`SharedState`](crate::SharedState).
///
/// Its transport is a `UreqTransport`, an `IsahcTransport`, or a [`BlockingTransport`] of your own.
#[derive(Clone, Debug)]
pub struct BlockingClient {
    transport: Arc<dyn BlockingTransport>,
    core: Arc<Core>,
}

impl BlockingClient {
    /// Creates a client with the default [`Settings`].
    pub fn new(
        transport: impl BlockingTransport + 'static,
        credentials: impl ProvideCredentials + 'static,
    ) -> Self {
        Self::builder(transport, credentials).build()
    }

    /// Returns a builder, to change the default settings.
    pub fn builder(
        transport: impl BlockingTransport + 'static,
        credentials: impl ProvideCredentials + 'static,
    ) -> ClientBuilder<dyn BlockingTransport> {
        ClientBuilder::new(Arc::new(transport), Arc::new(credentials))
    }

    /// Returns a client with changed settings, for particular calls: `client.with(|s| s.attempts = 1)`. It
    /// shares transport, credentials and [`SharedState`](crate::SharedState) with this one.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        Self { transport: Arc::clone(&self.transport), core: Arc::new(self.core.with(change)) }
    }

    /// Returns a client with other credentials, such as those of another account. It shares transport, settings and
    /// [`SharedState`](crate::SharedState) with this one.
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
    /// Same as [`Client::init_face_verify`](crate::Client::init_face_verify).
    pub fn init_face_verify(&self, op: &InitFaceVerify) -> Result<Reply<FaceVerifySession>, Error> {
        self.call(op)
    }

    /// Returns the status of a verification. "Not finished yet" is a status, not an error.
    ///
    /// # Errors
    /// Same as [`Client::describe_face_verify`](crate::Client::describe_face_verify).
    pub fn describe_face_verify(&self, op: &DescribeFaceVerify) -> Result<Reply<FaceVerifyStatus>, Error> {
        self.call(op)
    }

    /// Returns the status of a verification and the decision of the policy in force. A failed call is an error, never a
    /// decision.
    ///
    /// # Errors
    /// Same as [`describe_face_verify`](Self::describe_face_verify).
    #[cfg(feature = "policy")]
    pub fn decide(
        &self,
        op: &DescribeFaceVerify,
        policy: &cloudauth_policy::LivePolicy,
    ) -> Result<DecidedReply, Error> {
        Ok(DecidedReply::new(op, self.describe_face_verify(op)?, policy))
    }

    /// Deletes the data of a verification at the service.
    ///
    /// # Errors
    /// Same as [`Client::delete_face_verify_result`](crate::Client::delete_face_verify_result).
    pub fn delete_face_verify_result(&self, op: &DeleteFaceVerifyResult) -> Result<Reply<Deletion>, Error> {
        self.call(op)
    }

    /// Calls any operation, such as a [`RawOperation`](cloudauth_protocol::RawOperation).
    ///
    /// # Errors
    /// Same as [`Client::call`](crate::Client::call).
    pub fn call<O: Operation>(&self, op: &O) -> Result<Reply<O::Output>, Error> {
        let span = self.core.span(op);
        let result = self.drive(op, &span);
        if let Err(error) = &result {
            span.failed(error);
        }
        result
    }

    fn drive<O: Operation>(&self, op: &O, span: &CallSpan) -> Result<Reply<O::Output>, Error> {
        let begun = self.core.now();
        let (credentials, mut now) = self.core.credentials_blocking(begun, begun, &*self.transport);
        let mut exchange = self.core.exchange(op, begun, credentials)?;
        loop {
            match self.core.poll(&mut exchange, now)? {
                Step::Send(request, limits) => {
                    span.attempt(&exchange);
                    let answer = self.transport.send(request.into_http(), &limits);
                    span.answered(&answer);
                    now = self.core.now();
                    exchange.answer(now, answer);
                }
                Step::Wait(time) => {
                    self.transport.sleep(time);
                    now = self.core.now();
                }
                Step::RenewCredentials => {
                    self.core.drop_expired(exchange.credentials());
                    let renewed;
                    (renewed, now) = self.core.credentials_blocking(begun, now, &*self.transport);
                    exchange.set_credentials(renewed);
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

    /// Polls a verification until it finishes or the plan ends. The method blocks until then: up to half an
    /// hour with the default plan.
    ///
    /// # Errors
    /// Same as [`Client::wait`](crate::Client::wait).
    pub fn wait_blocking(
        &self,
        op: &DescribeFaceVerify,
        plan: &WaitPlan,
    ) -> Result<Reply<FaceVerifyStatus>, Error> {
        let mut pauses = plan.pauses();
        loop {
            let result = self.describe_face_verify(op);
            match pauses.next() {
                Some(pause) if is_open(&result) => self.transport.sleep(pause),
                _ => return result,
            }
        }
    }
}

impl ClientBuilder<dyn BlockingTransport> {
    /// Builds the client.
    #[must_use]
    pub fn build(self) -> BlockingClient {
        let (transport, core) = self.into_parts();
        BlockingClient { transport, core }
    }
}
