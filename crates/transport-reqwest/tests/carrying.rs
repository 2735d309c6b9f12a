//! Over loopback, against a server that misbehaves on purpose.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

use std::net::SocketAddr;
use std::time::Duration;

use cloudauth_protocol::Body;
use cloudauth_transport::{Limits, Sent, Transport, TransportError, TransportErrorKind};
use cloudauth_transport_reqwest::ReqwestTransport;
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers each connection's first request with these bytes and closes.
async fn server(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(&answer).await;
        }
    });
    address
}

async fn send(address: SocketAddr, limits: &Limits) -> Result<Response<Body>, TransportError> {
    let request = Request::post(format!("http://{address}/?CertNo=999999199001012003"))
        .body(Body::from("a=b"))
        .unwrap();
    ReqwestTransport::new().unwrap().send(request, limits).await
}

fn shown(error: &TransportError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(" {error} {error:?}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn an_error_status_is_a_response_with_its_body() {
    let address =
        server(b"HTTP/1.1 503 x\r\nContent-Length: 2\r\nX-Acs-Request-Id: 7\r\n\r\nno".to_vec()).await;
    let response = send(address, &Limits::DEFAULT).await.unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_bytes()), (503, b"no".as_slice()));
    assert_eq!(response.headers()["x-acs-request-id"], "7");
}

#[tokio::test]
async fn a_redirect_is_a_response_and_not_followed() {
    let address =
        server(b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec())
            .await;
    assert_eq!(send(address, &Limits::DEFAULT).await.unwrap().status().as_u16(), 302);
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = send(address, &Limits::DEFAULT).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Connect, Sent::No));
    assert!(!shown(&error).contains("CertNo"), "{}", shown(&error));
}

#[tokio::test]
async fn a_truncated_answer_may_have_been_executed() {
    for answer in [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".to_vec(), b"HTT".to_vec(), Vec::new()]
    {
        let error = send(server(answer).await, &Limits::DEFAULT).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Broken, Sent::Maybe));
        assert!(!shown(&error).contains("CertNo"), "{}", shown(&error));
    }
}

#[tokio::test]
async fn an_oversized_answer_is_cut_off_while_it_is_read() {
    let body = "x".repeat(2 << 20);
    let address = server(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").into_bytes()).await;
    let error = send(address, &Limits::DEFAULT).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (TransportErrorKind::TooLarge, Sent::Maybe));
}

#[tokio::test]
async fn a_silent_server_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits = Limits::DEFAULT.with_attempt(Duration::from_millis(100));
    let error = send(listener.local_addr().unwrap(), &limits).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Timeout, Sent::Maybe));
    assert!(!shown(&error).contains("CertNo"), "{}", shown(&error));
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[tokio::test]
async fn https_without_tls_says_what_to_do() {
    let request = Request::post("https://cloudauth.aliyuncs.com/").body(Body::empty()).unwrap();
    let error = ReqwestTransport::new().unwrap().send(request, &Limits::DEFAULT).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Unsupported, Sent::No));
    assert!(shown(&error).contains("enable the feature `rustls`"));
}
