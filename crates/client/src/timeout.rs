//! Sending with a time limit that does not depend on the transport.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cloudauth_protocol::Body;
use cloudauth_transport::{Limits, Sent, Transport, TransportError, TransportErrorKind};
use http::{Request, Response};

/// How long a transport may exceed the limit of an attempt before it is abandoned.
const GRACE: Duration = Duration::from_millis(250);

/// Sends a request and gives up shortly after `limits.attempt`, even if the transport ignores its limits.
pub(crate) async fn send_in_time(
    transport: &dyn Transport,
    request: Request<Body>,
    limits: &Limits,
) -> Result<Response<Body>, TransportError> {
    let mut answer = pin!(transport.send(request, limits));
    // An immediate answer needs no timer.
    let mut timeout = None;
    std::future::poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        let error = || Err(TransportError::new(TransportErrorKind::Timeout, Sent::Maybe));
        let timeout = timeout.get_or_insert_with(|| transport.sleep(limits.attempt.saturating_add(GRACE)));
        timeout.as_mut().poll(context).map(|()| error())
    })
    .await
}
