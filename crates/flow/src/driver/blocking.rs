//! The flow on the calling thread, without a runtime.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use cloudauth_protocol::{Body, Identity, InitFaceVerify, MetaInfo};
use cloudauth_transport::{BlockingTransport, Limits, Transport, TransportError};
use http::{Request, Response};
use pollster::block_on;

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::run::Pauses;
use crate::driver::sweep::SWEEP;
use crate::driver::ticket::{NewVerification, Started};
use crate::machine::ids::OrderRef;
use crate::machine::input::Review;
use crate::machine::state::Verification;
use crate::store::contract::{Cursor, LoggedEvent, Queue, Store};
use crate::store::error::StoreError;
use crate::webhook::sender::IN_A_ROW;

/// A blocking transport as an async one: it sends on the thread that polls. Use it for the client of a [`BlockingFlow`] only.
#[derive(Clone, Debug)]
pub struct Inline<T>(pub T);

#[async_trait]
impl<T: BlockingTransport> Transport for Inline<T> {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        self.0.send(request, limits)
    }

    async fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }
}

/// The flow of a service without a runtime: the methods of [`Flow`], on the calling thread. The client's transport is an [`Inline`]
/// one, or one that needs no runtime, and the store needs none either, such as the SQLite store.
#[derive(Debug)]
pub struct BlockingFlow<S>(Flow<S>);

impl<S: Store> BlockingFlow<S> {
    /// A flow whose futures may run on any thread.
    pub const fn new(flow: Flow<S>) -> Self {
        Self(flow)
    }

    /// Returns the flow.
    pub const fn inner(&self) -> &Flow<S> {
        &self.0
    }

    /// See [`Flow::start`].
    ///
    /// # Errors
    /// Same as [`Flow::start`].
    pub fn start(
        &self,
        new: NewVerification,
        identity: Identity,
        meta_info: MetaInfo,
    ) -> Result<Started, FlowError> {
        block_on(self.0.start(new, identity, meta_info))
    }

    /// See [`Flow::start_with`].
    ///
    /// # Errors
    /// Same as [`Flow::start`].
    pub fn start_with(
        &self,
        new: NewVerification,
        identity: Identity,
        meta_info: MetaInfo,
        more: impl FnOnce(InitFaceVerify) -> InitFaceVerify,
    ) -> Result<Started, FlowError> {
        block_on(self.0.start_with(new, identity, meta_info, more))
    }

    /// See [`Flow::begin`].
    ///
    /// # Errors
    /// Same as [`Flow::begin`].
    #[cfg(feature = "hosted")]
    pub fn begin(
        &self,
        new: NewVerification,
        identity: &Identity,
    ) -> Result<crate::hosted::settings::BrowserUrl, FlowError> {
        block_on(self.0.begin(new, identity))
    }

    /// See [`Flow::serve`].
    #[cfg(feature = "hosted")]
    pub fn serve(
        &self,
        request: &crate::hosted::serve::PageRequest<'_>,
    ) -> crate::hosted::serve::PageResponse {
        block_on(self.0.serve(request))
    }

    /// See [`Flow::callback`].
    ///
    /// # Errors
    /// If the store failed.
    pub fn callback(&self, order_no: &str, query: &str) -> Result<(), StoreError> {
        block_on(self.0.callback(order_no, query))
    }

    /// See [`Flow::returned`].
    ///
    /// # Errors
    /// If the store failed.
    pub fn returned(&self, capability: &str) -> Result<Option<Verification>, FlowError> {
        block_on(self.0.returned(capability))
    }

    /// See [`Flow::get`].
    ///
    /// # Errors
    /// If the store failed.
    pub fn get(&self, order: &OrderRef) -> Result<Option<Verification>, StoreError> {
        block_on(self.0.get(order))
    }

    /// See [`Flow::events`].
    ///
    /// # Errors
    /// If the store failed.
    pub fn events(&self, after: Cursor, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        block_on(self.0.events(after, limit))
    }

    /// See [`Flow::review`].
    ///
    /// # Errors
    /// Same as [`Flow::review`].
    pub fn review(&self, order: &OrderRef, review: Review) -> Result<Verification, FlowError> {
        block_on(self.0.review(order, review))
    }

    /// See [`Flow::cancel`].
    ///
    /// # Errors
    /// Same as [`Flow::cancel`].
    pub fn cancel(&self, order: &OrderRef) -> Result<Verification, FlowError> {
        block_on(self.0.cancel(order))
    }

    /// See [`Flow::redact`].
    ///
    /// # Errors
    /// Same as [`Flow::redact`].
    pub fn redact(&self, order: &OrderRef) -> Result<Verification, FlowError> {
        block_on(self.0.redact(order))
    }

    /// See [`Flow::sweep`]. Call it every second, in a thread of its own, or again without a pause while it returns 20 or more.
    ///
    /// # Errors
    /// Same as [`Flow::sweep`].
    pub fn sweep(&self) -> Result<usize, FlowError> {
        block_on(self.0.sweep())
    }

    /// See [`Flow::deliver`]. It sends at most three messages to each endpoint, one after the other, so that their attempts end before
    /// the lease does.
    ///
    /// # Errors
    /// Same as [`Flow::deliver`].
    pub fn deliver(&self) -> Result<usize, FlowError> {
        // Each endpoint claims when its turn comes: what waits behind another could outlive its lease.
        let each = self.0.endpoints().iter().map(|endpoint| block_on(self.0.deliver_to(endpoint, IN_A_ROW)));
        // All of them, also after an error of the first.
        each.collect::<Vec<_>>().into_iter().sum()
    }

    /// Sweeps and sends webhooks until `stop` returns `true`, with the pauses of [`Flow::run`]. It looks at one result after the
    /// other: for more looks at the same time, call it in several threads. `stop` is asked before each sweep of the results, and every
    /// second of a pause. Deletions and each endpoint have a thread of their own: they delay no result. It returns when the last of
    /// them has ended its calls, which takes at most three deadlines of the client.
    pub fn run(&self, stop: impl FnMut() -> bool) {
        let stopped = AtomicBool::new(false);
        thread::scope(|scope| {
            let _stop = SetOnDrop(&stopped);
            let stopped = || stopped.load(Ordering::Relaxed);
            scope.spawn(move || self.repeat(SWEEP, || self.sweep_queue(Queue::Deletions), stopped));
            for endpoint in self.0.endpoints() {
                scope.spawn(move || {
                    self.repeat(IN_A_ROW, || self.0.deliver_to(endpoint, IN_A_ROW), stopped);
                });
            }
            self.repeat(SWEEP, || self.sweep_queue(Queue::Results), stop);
        });
    }

    async fn sweep_queue(&self, queue: Queue) -> Result<usize, FlowError> {
        self.0.sweep_queue(queue).await.result
    }

    fn repeat<F: Future<Output = Result<usize, FlowError>>>(
        &self,
        most: usize,
        work: impl Fn() -> F,
        mut stop: impl FnMut() -> bool,
    ) {
        let mut pauses = Pauses::default();
        while !stop() {
            let pause = pauses.after(&block_on(work()), most, self.0.settings.sweep_every);
            let mut left = self.0.jittered(pause);
            while !left.is_zero() {
                let part = left.min(Duration::from_secs(1));
                block_on(self.0.client.sleep(part));
                left -= part;
                if !left.is_zero() && stop() {
                    return;
                }
            }
        }
    }
}

/// Ends the other threads, also after a panic.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
