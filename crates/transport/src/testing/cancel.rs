//! Checks that a dropped send closes its connection.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use super::conformance::{Op, STUCK, expect};
use super::server::{Server, Then};
use crate::{Limits, Transport};

/// Drops a send whose request has arrived, and checks that the connection is closed and the transport still
/// works. It is for async transports, in addition to [`run`](super::conformance::run).
///
/// # Errors
/// If the contract is violated. The error says which part.
pub async fn cancel(transport: &dyn Transport) -> Result<(), String> {
    let silent = Server::silent().map_err(|error| error.to_string())?;
    drop_sends(transport, &silent, 1, STUCK).await?;
    let is_closed = wait_until(transport, STUCK, || silent.left() > 0).await;
    expect(is_closed, || "the connection stays open".to_owned())?;
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec();
    let server = Server::start(answer, Then::Close).map_err(|error| error.to_string())?;
    let next = transport.send(Op::Init.request(server.url())?, &Limits::DEFAULT).await;
    next.map(|_| ()).map_err(|error| format!("the next send failed: {error:?}"))
}

/// Sends `total` requests to a silent server in batches of `abreast`. Drops each batch when all its requests
/// have arrived, and checks that fewer than four times `abreast` connections stay open. It is for async
/// transports, in addition to [`cancel`].
///
/// # Errors
/// If the contract is violated. The error says which part.
pub async fn cancel_many(transport: &dyn Transport, total: usize, abreast: usize) -> Result<(), String> {
    cancel_batches(transport, total, abreast, STUCK).await
}

async fn cancel_batches(
    transport: &dyn Transport,
    total: usize,
    abreast: usize,
    patience: Duration,
) -> Result<(), String> {
    let silent = Server::silent().map_err(|error| error.to_string())?;
    for _ in 0..total.checked_div(abreast).unwrap_or(0) {
        drop_sends(transport, &silent, abreast, patience).await?;
        let are_closed = wait_until(transport, patience, || silent.open() < 4 * abreast).await;
        expect(are_closed, || {
            format!("{} connections stay open, after batches of {abreast} sends", silent.open())
        })?;
    }
    let arrived = silent.count();
    expect(arrived > 0 && arrived >= total - total % abreast, || {
        format!("{arrived} of {total} requests arrived")
    })
}

/// Starts `count` sends and drops them after the server has received all requests.
async fn drop_sends(
    transport: &dyn Transport,
    silent: &Server,
    count: usize,
    patience: Duration,
) -> Result<(), String> {
    let limits = Limits::DEFAULT.with_attempt(Duration::from_secs(60));
    let expected = silent.count() + count;
    let requests: Result<Vec<_>, _> = (0..count).map(|_| Op::Init.request(silent.url())).collect();
    let mut sends: Vec<_> =
        requests?.into_iter().map(|request| Box::pin(transport.send(request, &limits))).collect();
    let mut arrival = pin!(wait_until(transport, patience, || silent.count() >= expected));
    let arrived = poll_fn(|context| {
        // A finished send must not be polled again.
        sends.retain_mut(|send| Pin::new(send).poll(context).is_pending());
        arrival.as_mut().poll(context)
    })
    .await;
    expect(arrived, || format!("{} of {expected} requests arrived", silent.count()))?;
    expect(sends.len() == count, || format!("{} sends to a silent server ended", count - sends.len()))
}

/// Returns whether the condition holds within `patience`.
async fn wait_until(transport: &dyn Transport, patience: Duration, holds: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > patience {
            return false;
        }
        transport.sleep(Duration::from_millis(2)).await;
    }
    true
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use cloudauth_protocol::Body;
    use http::{Request, Response};

    use super::*;
    use crate::TransportError;

    /// A transport whose sends neither send anything nor end.
    #[derive(Debug)]
    struct Idle;

    #[async_trait]
    impl Transport for Idle {
        async fn send(&self, _: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
            std::future::pending().await
        }

        async fn sleep(&self, time: Duration) {
            std::thread::sleep(time);
        }
    }

    #[test]
    fn cancel_many_fails_for_a_transport_that_sends_nothing() {
        let patience = Duration::from_millis(50);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let checked = pin!(cancel_batches(&Idle, 40, 20, patience)).poll(&mut context);
        assert_eq!(checked, std::task::Poll::Ready(Err("0 of 20 requests arrived".to_owned())));
    }
}
