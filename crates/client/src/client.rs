//! The async client: a loop around [`Exchange`](crate::Exchange) that supplies the transport.

mod blocking;
mod builder;
mod call_report;
mod call_span;
mod core;
#[cfg(feature = "policy")]
mod decided_reply;
mod wait_plan;

use std::sync::Arc;

use cloudauth_protocol::{
    CertifyId, DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, Endpoint, FaceVerifySession,
    FaceVerifyStatus, InitFaceVerify, Operation, Reply,
};
use cloudauth_transport::Transport;

use self::core::Core;
use crate::credentials::ProvideCredentials;
use crate::error::Error;
use crate::exchange::{Exchange, Step};
use crate::inputs::Now;
use crate::settings::Settings;
use crate::timeout::send_in_time;
pub use blocking::BlockingClient;
pub use builder::ClientBuilder;
pub use call_report::CallReport;
use call_span::CallSpan;
#[cfg(feature = "policy")]
pub use decided_reply::DecidedReply;
pub use wait_plan::WaitPlan;
use wait_plan::is_open;

/// The async Cloudauth client. It is cheap to clone: clones share transport, credentials and [`SharedState`](crate::SharedState).
#[derive(Clone, Debug)]
pub struct Client {
    transport: Arc<dyn Transport>,
    core: Arc<Core>,
}

impl Client {
    /// Creates a client with the default [`Settings`].
    pub fn new(transport: impl Transport + 'static, credentials: impl ProvideCredentials + 'static) -> Self {
        Self::builder(transport, credentials).build()
    }

    /// Returns a builder, to change the default settings.
    pub fn builder(
        transport: impl Transport + 'static,
        credentials: impl ProvideCredentials + 'static,
    ) -> ClientBuilder<dyn Transport> {
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
    /// If the call was refused, or no valid response was received. [`Error::executed`] says whether a session may exist
    /// anyway.
    pub async fn init_face_verify(&self, op: &InitFaceVerify) -> Result<Reply<FaceVerifySession>, Error> {
        self.call(op).await
    }

    /// Returns the status of a verification. "Not finished yet" is a status, not an error.
    ///
    /// # Errors
    /// If the call was refused, or no valid response was received.
    pub async fn describe_face_verify(
        &self,
        op: &DescribeFaceVerify,
    ) -> Result<Reply<FaceVerifyStatus>, Error> {
        self.call(op).await
    }

    /// Returns the status of a verification and the decision of the policy in force. A failed call is an error, never a
    /// decision.
    ///
    /// # Errors
    /// Same as [`describe_face_verify`](Self::describe_face_verify).
    #[cfg(feature = "policy")]
    pub async fn decide(
        &self,
        op: &DescribeFaceVerify,
        policy: &cloudauth_policy::LivePolicy,
    ) -> Result<DecidedReply, Error> {
        Ok(DecidedReply::new(op, self.describe_face_verify(op).await?, policy))
    }

    /// Deletes the data of a verification at the service.
    ///
    /// # Errors
    /// Same as [`describe_face_verify`](Self::describe_face_verify).
    pub async fn delete_face_verify_result(
        &self,
        op: &DeleteFaceVerifyResult,
    ) -> Result<Reply<Deletion>, Error> {
        self.call(op).await
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.core.settings()
    }

    /// Names the endpoint that started a verification, for example one that another process started. Calls about the verification
    /// go to this endpoint first.
    pub fn set_origin(&self, session: &CertifyId, endpoint: &Endpoint) {
        self.core.set_origin(session, endpoint);
    }

    /// Calls any operation, such as a [`RawOperation`](cloudauth_protocol::RawOperation).
    ///
    /// # Errors
    /// Same as [`describe_face_verify`](Self::describe_face_verify).
    pub async fn call<O: Operation + Sync>(&self, op: &O) -> Result<Reply<O::Output>, Error>
    where
        O::Output: Send,
    {
        self.call_reported(op).await.0
    }

    /// Like [`call`](Self::call), and also reports what the call took.
    pub async fn call_reported<O: Operation + Sync>(
        &self,
        op: &O,
    ) -> (Result<Reply<O::Output>, Error>, CallReport)
    where
        O::Output: Send,
    {
        let span = self.core.span(op);
        let (result, report) = span.around(self.drive(op, &span)).await;
        if let Err(error) = &result {
            span.failed(error);
        }
        (result, report)
    }

    async fn drive<O: Operation + Sync>(
        &self,
        op: &O,
        span: &CallSpan,
    ) -> (Result<Reply<O::Output>, Error>, CallReport)
    where
        O::Output: Send,
    {
        let begun = self.core.now();
        let (credentials, now) = self.core.credentials(begun, begun, &*self.transport).await;
        match self.core.exchange(op, begun, credentials) {
            Ok(mut exchange) => {
                let result = self.run(&mut exchange, begun, now, span).await;
                (result, CallReport::of(&exchange))
            }
            Err(error) => (Err(error), CallReport::unsent(self.core.settings().endpoints.first())),
        }
    }

    async fn run<O: Operation + Sync>(
        &self,
        exchange: &mut Exchange<'_, O>,
        begun: Now,
        mut now: Now,
        span: &CallSpan,
    ) -> Result<Reply<O::Output>, Error>
    where
        O::Output: Send,
    {
        loop {
            match self.core.poll(exchange, now)? {
                Step::Send(request, limits) => {
                    span.attempt(exchange);
                    let answer = send_in_time(&*self.transport, request.into_http(), &limits).await;
                    span.answered(&answer);
                    now = self.core.now();
                    exchange.answer(now, answer);
                }
                Step::Wait(time) => {
                    self.transport.sleep(time).await;
                    now = self.core.now();
                }
                Step::RenewCredentials => {
                    self.core.drop_expired(exchange.credentials());
                    let renewed;
                    (renewed, now) = self.core.credentials(begun, now, &*self.transport).await;
                    exchange.set_credentials(renewed);
                }
                Step::Done(result) => {
                    self.core.ended(exchange.credentials(), &result);
                    if let Ok(reply) = &result {
                        span.succeeded(exchange, reply);
                    }
                    return result;
                }
            }
        }
    }

    /// Waits on the timer of the transport.
    pub async fn sleep(&self, time: std::time::Duration) {
        self.transport.sleep(time).await;
    }

    /// Polls a verification until it finishes or the plan ends. If the plan ends first, returns the last
    /// status, which is still [`Pending`](FaceVerifyStatus::Pending). A transient error does not stop the
    /// polling.
    ///
    /// # Errors
    /// If a poll fails permanently, or the last poll fails.
    pub async fn wait(
        &self,
        op: &DescribeFaceVerify,
        plan: &WaitPlan,
    ) -> Result<Reply<FaceVerifyStatus>, Error> {
        let mut pauses = plan.pauses();
        loop {
            let result = self.describe_face_verify(op).await;
            match pauses.next() {
                Some(pause) if is_open(&result) => self.transport.sleep(pause).await,
                _ => return result,
            }
        }
    }
}

impl ClientBuilder<dyn Transport> {
    /// Builds the client.
    #[must_use]
    pub fn build(self) -> Client {
        let (transport, core) = self.into_parts();
        Client { transport, core }
    }
}
