//! Sends the deliveries of a store.

use std::time::Duration;

use cloudauth_protocol::{Body, UnixTime};
use cloudauth_transport::Limits;
use http::{Request, Response, StatusCode, header};

use crate::driver::error::FlowError;
use crate::driver::flow::Flow;
use crate::driver::run::Pauses;
use crate::driver::signals;
use crate::driver::sweep::SWEEP;
use crate::join::{Boxed, join_all};
use crate::store::contract::Store;
use crate::store::outbox::{Delivery, DeliveryEnd, Outbox};
use crate::webhook::endpoint::{WebhookEndpoint, Webhooks};
use crate::webhook::message::{body, id};
use crate::webhook::schedule::pause;
use crate::webhook::signature::sign;

/// The messages that one process sends to an endpoint at the same time. [`Pauses`] makes no pause after a full batch.
const BATCH: usize = SWEEP;

/// The messages of a batch that are sent one after the other: their attempts end before the lease.
pub(crate) const IN_A_ROW: usize = 3;

/// The time for one attempt: the specification recommends 15 to 30 seconds.
const ATTEMPT: Duration = Duration::from_secs(15);

/// The longest response. Its content does not matter, but the transport reports no status for a longer one: it counts as a failure.
const RESPONSE: usize = 64 << 10;

/// The lease of a claim: longer than an attempt and the commits around it.
const LEASE: Duration = Duration::from_secs(60);

impl<S: Store> Flow<S> {
    /// Sends the events `verification.*` that are committed from now on to these endpoints. [`run`](Self::run) delivers beside the
    /// sweep, in any number of processes. An endpoint that you leave out later keeps its deliveries until
    /// [`Outbox::unsubscribe`].
    ///
    /// # Errors
    /// If the store has no outbox, or failed.
    pub async fn with_webhooks(mut self, webhooks: Webhooks) -> Result<Self, FlowError> {
        let outbox = self.store.outbox().ok_or(FlowError::NoOutbox)?;
        for endpoint in &webhooks.endpoints {
            outbox.subscribe(&endpoint.id).await?;
        }
        self.webhooks = Some(webhooks);
        Ok(self)
    }

    /// Sends what is due, at most 20 messages to each endpoint. [`run`](Self::run) calls it; any number of processes may. Returns the
    /// number of attempts.
    ///
    /// # Errors
    /// If the store failed. What was sent and not recorded is sent again when its lease ends.
    pub async fn deliver(&self) -> Result<usize, FlowError> {
        let each = self.endpoints().iter();
        let each = each.map(|endpoint| Box::pin(self.deliver_to(endpoint, BATCH)) as Boxed<'_, _>);
        join_all(each.collect()).await.into_iter().sum()
    }

    /// Delivers for ever. Each endpoint has a loop of its own, so that a slow one delays no other.
    pub(crate) async fn deliver_always(&self) {
        let each = self.endpoints().iter();
        let each = each.map(|endpoint| Box::pin(self.deliver_always_to(endpoint)) as Boxed<'_, ()>);
        join_all(each.collect()).await;
        // Without endpoints.
        std::future::pending().await
    }

    async fn deliver_always_to(&self, endpoint: &WebhookEndpoint) {
        let mut pauses = Pauses::default();
        loop {
            let sent = self.deliver_to(endpoint, BATCH).await;
            let pause = pauses.after(&sent, BATCH, self.settings.sweep_every);
            self.client.sleep(self.jittered(pause)).await;
        }
    }

    pub(crate) fn endpoints(&self) -> &[WebhookEndpoint] {
        self.webhooks.as_ref().map_or(&[], |webhooks| &webhooks.endpoints)
    }

    /// Sends what is due to an endpoint, at most so many messages.
    pub(crate) async fn deliver_to(
        &self,
        endpoint: &WebhookEndpoint,
        most: usize,
    ) -> Result<usize, FlowError> {
        let Some((webhooks, outbox)) = self.webhooks.as_ref().zip(self.store.outbox()) else { return Ok(0) };
        let result = self.deliver_batch(webhooks, endpoint, outbox, most).await;
        signals::deliveries(&result);
        result
    }

    async fn deliver_batch(
        &self,
        webhooks: &Webhooks,
        endpoint: &WebhookEndpoint,
        outbox: &dyn Outbox,
        most: usize,
    ) -> Result<usize, FlowError> {
        // After a jump of the clock: what it would show without it.
        let claimed = outbox.claim_deliveries(&endpoint.id, self.clock.now(), LEASE, most).await?;
        (0..claimed.dead).for_each(|_| signals::delivered(DeliveryEnd::Dead));
        let each = claimed.deliveries.iter().map(|delivery| {
            Box::pin(async {
                let end = self.send(webhooks, endpoint, delivery).await;
                signals::delivered(end);
                outbox.end_delivery(delivery, end).await.map(drop)
            }) as Boxed<'_, _>
        });
        let ended: Result<Vec<()>, _> = join_all(each.collect()).await.into_iter().collect();
        ended?;
        Ok(claimed.deliveries.len() + claimed.dead)
    }

    async fn send(
        &self,
        webhooks: &Webhooks,
        endpoint: &WebhookEndpoint,
        delivery: &Delivery,
    ) -> DeliveryEnd {
        let (id, body) = (id(&delivery.event), body(&delivery.event));
        let timestamp = self.clock.now().as_secs().to_string();
        let request = Request::post(&endpoint.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", sign(&endpoint.secrets, &id, &timestamp, &body))
            .body(Body::from(body));
        let mut limits = Limits::DEFAULT.with_body(RESPONSE);
        limits.attempt = ATTEMPT;
        let response = match request {
            Ok(request) => webhooks.transport.send(request, &limits).await.ok(),
            Err(_) => None,
        };
        end(&id, delivery.attempt, response.as_ref(), self.clock.now())
    }
}

/// How an attempt ends. Only 2xx is a success. After 410 the receiver wants no more: it is not asked again.
fn end(id: &str, attempt: u32, response: Option<&Response<Body>>, now: UnixTime) -> DeliveryEnd {
    match response.map(Response::status) {
        Some(status) if status.is_success() => DeliveryEnd::Done,
        Some(StatusCode::GONE) => DeliveryEnd::Dead,
        _ => {
            let asked = response.and_then(|response| asked(response, now));
            pause(id, attempt, asked).map_or(DeliveryEnd::Dead, |pause| DeliveryEnd::RetryAt(now.plus(pause)))
        }
    }
}

/// The pause that a receiver asks for: `Retry-After`, in seconds or as a date.
fn asked(response: &Response<Body>, now: UnixTime) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = value.parse().ok().map(Duration::from_secs);
    let until_date = || Some(UnixTime::from(httpdate::parse_http_date(value).ok()?).since(now));
    seconds.or_else(until_date)
}
