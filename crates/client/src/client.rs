//! The client: a loop around [`Exchange`](crate::Exchange) that brings the transport.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cloudauth_protocol::{
    Body, DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, FaceVerifySession, FaceVerifyStatus,
    InitFaceVerify, Operation, Reply,
};
use cloudauth_transport::{Limits, Sent, Transport, TransportError, TransportErrorKind};
use http::{Request, Response};

use crate::builder::{ClientBuilder, Core};
use crate::credentials::ProvideCredentials;
use crate::error::Error;
use crate::exchange::Step;
use crate::settings::Settings;
use crate::wait::{WaitPlan, is_open};
use crate::watch::CallSpan;

/// Calls Cloudauth. Cheap to clone; the clones share transport and credentials, and what they learn of the
/// endpoints.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Arc<dyn Transport>,
    core: Arc<Core>,
}

impl Client {
    /// With the settings that most services want; see [`Settings`](crate::Settings).
    pub fn new(transport: impl Transport + 'static, credentials: impl ProvideCredentials + 'static) -> Self {
        Self::builder(transport, credentials).build()
    }

    /// With settings of your own.
    pub fn builder(
        transport: impl Transport + 'static,
        credentials: impl ProvideCredentials + 'static,
    ) -> ClientBuilder<dyn Transport> {
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
    /// If it was refused, or brought no answer that can be understood. [`Error::executed`] tells whether a
    /// session may exist nevertheless.
    pub async fn init_face_verify(&self, op: &InitFaceVerify) -> Result<Reply<FaceVerifySession>, Error> {
        self.call(op).await
    }

    /// Asks how a verification ended. "Not yet" is a result, not an error.
    ///
    /// # Errors
    /// If the question was refused, or brought no answer that can be understood.
    pub async fn describe_face_verify(
        &self,
        op: &DescribeFaceVerify,
    ) -> Result<Reply<FaceVerifyStatus>, Error> {
        self.call(op).await
    }

    /// Asks how a verification ended, and decides by the policy in force. A failure to ask is an error, never a decision.
    ///
    /// # Errors
    /// As [`describe_face_verify`](Self::describe_face_verify).
    #[cfg(feature = "policy")]
    pub async fn decide(
        &self,
        op: &DescribeFaceVerify,
        policy: &cloudauth_policy::LivePolicy,
    ) -> Result<crate::Decided, Error> {
        Ok(crate::Decided::new(op, self.describe_face_verify(op).await?, policy))
    }

    /// Has the service delete what it keeps of a verification.
    ///
    /// # Errors
    /// As [`describe_face_verify`](Self::describe_face_verify).
    pub async fn delete_face_verify_result(
        &self,
        op: &DeleteFaceVerifyResult,
    ) -> Result<Reply<Deletion>, Error> {
        self.call(op).await
    }

    /// Calls any operation, a [`RawOperation`](cloudauth_protocol::RawOperation) for one.
    ///
    /// # Errors
    /// As [`describe_face_verify`](Self::describe_face_verify).
    pub async fn call<O: Operation + Sync>(&self, op: &O) -> Result<Reply<O::Output>, Error>
    where
        O::Output: Send,
    {
        let span = CallSpan::new(op.action());
        let result = span.around(self.drive(op, &span)).await;
        if let Err(error) = &result {
            span.failed(error);
        }
        result
    }

    async fn drive<O: Operation + Sync>(&self, op: &O, span: &CallSpan) -> Result<Reply<O::Output>, Error>
    where
        O::Output: Send,
    {
        let begun = self.core.now();
        let by = self.core.credentials(begun, &*self.transport).await;
        let mut exchange = self.core.exchange(op, begun, by)?;
        loop {
            match self.core.poll(&mut exchange)? {
                Step::Send(request, limits) => {
                    span.attempt(&exchange);
                    let answer = in_time(&*self.transport, request, &limits).await;
                    span.answered(&answer);
                    exchange.answer(self.core.now(), answer);
                }
                Step::Wait(time) => self.transport.sleep(time).await,
                Step::Renew => {
                    self.core.refused(exchange.credentials());
                    let others = self.core.credentials(begun, &*self.transport).await;
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

    /// Asks how a verification ended until it has, or the plan is at its end: then the answer is still
    /// [`Pending`](FaceVerifyStatus::Pending). A question that fails for a passing reason is asked again by the plan.
    ///
    /// # Errors
    /// If a question was refused for good, or the plan's last one failed.
    pub async fn wait(
        &self,
        op: &DescribeFaceVerify,
        plan: &WaitPlan,
    ) -> Result<Reply<FaceVerifyStatus>, Error> {
        let mut pauses = plan.pauses();
        loop {
            let answer = self.describe_face_verify(op).await;
            match pauses.next() {
                Some(pause) if is_open(&answer) => self.transport.sleep(pause).await,
                _ => return answer,
            }
        }
    }
}

/// Sends, and does not rely on the transport to keep the time.
pub(crate) async fn in_time(
    transport: &dyn Transport,
    request: Request<Body>,
    limits: &Limits,
) -> Result<Response<Body>, TransportError> {
    let mut answer = pin!(transport.send(request, limits));
    let mut too_long = pin!(transport.sleep(limits.attempt.saturating_add(Duration::from_millis(250))));
    std::future::poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        let timeout = || Err(TransportError::new(TransportErrorKind::Timeout, Sent::Maybe));
        too_long.as_mut().poll(context).map(|()| timeout())
    })
    .await
}

impl ClientBuilder<dyn Transport> {
    /// The client.
    #[must_use]
    pub fn build(self) -> Client {
        let (transport, core) = self.into_parts();
        Client { transport, core }
    }
}
