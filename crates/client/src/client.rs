//! The client: a loop around [`Exchange`] that brings clock, entropy and transport.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use cloudauth_protocol::{
    Body, Credentials, DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, Endpoint, FaceVerifySession,
    FaceVerifyStatus, InitFaceVerify, Operation, Reply, Signing, UnixTime,
};
use cloudauth_transport::{Limits, Sent, Transport, TransportError, TransportErrorKind};
use http::{Request, Response};

use crate::error::{Error, Problem};
use crate::exchange::{Entropy, Exchange, Now, Settings, Step};

/// Calls Cloudauth. Cheap to clone; the clones share transport and credentials.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Arc<dyn Transport>,
    credentials: Credentials,
    settings: Arc<Settings>,
}

impl Client {
    /// With the settings that most services want; see [`Settings`].
    pub fn new(transport: impl Transport + 'static, credentials: Credentials) -> Self {
        Self::builder(transport, credentials).build()
    }

    /// With settings of your own.
    pub fn builder(transport: impl Transport + 'static, credentials: Credentials) -> ClientBuilder {
        ClientBuilder { transport: Arc::new(transport), credentials, settings: Settings::default() }
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
        let begun = Instant::now();
        let now = || Now { wall: UnixTime::from(SystemTime::now()), elapsed: begun.elapsed() };
        let mut exchange = Exchange::new(op, &self.credentials, &self.settings);
        loop {
            let mut entropy = Entropy([0; 16]);
            getrandom::fill(&mut entropy.0)
                .map_err(|error| Error::new(op.action(), &self.settings.endpoint, Problem::Entropy(error)))?;
            match exchange.poll(now(), entropy) {
                Step::Send(request, limits) => {
                    let answer = self.send(request, &limits).await;
                    exchange.answer(now(), answer);
                }
                Step::Wait(time) => self.transport.sleep(time).await,
                Step::Done(result) => return result,
            }
        }
    }

    /// Sends, and does not rely on the transport to keep the time.
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        let mut answer = pin!(self.transport.send(request, limits));
        let mut too_long = pin!(self.transport.sleep(limits.attempt + Duration::from_millis(250)));
        std::future::poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            let timeout = || Err(TransportError::new(TransportErrorKind::Timeout, Sent::Maybe));
            too_long.as_mut().poll(context).map(|()| timeout())
        })
        .await
    }
}

/// Builds a [`Client`].
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    transport: Arc<dyn Transport>,
    credentials: Credentials,
    settings: Settings,
}

impl ClientBuilder {
    /// Where calls go; [`Endpoint::cn_shanghai`] unless set.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.settings.endpoint = endpoint;
        self
    }

    /// Which signature; [`Signing::V1`] unless set, which keeps personal data out of URLs.
    pub fn signing(mut self, signing: Signing) -> Self {
        self.settings.signing = signing;
        self
    }

    /// What one attempt may take; ten seconds unless set.
    pub fn attempt_timeout(mut self, time: Duration) -> Self {
        self.settings.limits = self.settings.limits.with_attempt(time);
        self
    }

    /// What a whole call may take; 25 seconds unless set.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.settings.deadline = time;
        self
    }

    /// The client.
    #[must_use]
    pub fn build(self) -> Client {
        Client { transport: self.transport, credentials: self.credentials, settings: Arc::new(self.settings) }
    }
}
