//! The logs of client, transports and emulator at TRACE. It is a process of its own, because a process has one log.

#![cfg(test)]

#[allow(dead_code, reason = "other tests use the rest")]
mod planted;

use std::sync::Arc;

use cloudauth::credentials::{AssumeRole, AssumeRoleWithOidc, ProvideCredentials};
use cloudauth::{CallbackUrl, Client, ErrorKind, IsahcTransport, ReqwestTransport, Signing, UreqTransport};
use cloudauth_emulator::Emulator;
use planted::{
    WithoutPauses, assert_clean, attempt, attempt_blocking, credentials, debug, init, listen, shown,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::block_in_place;

/// Starts a server that sends this answer and closes the connection.
async fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 8192];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer).await;
        }
    });
    url
}

const SIGNINGS: [Signing; 5] = [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body];

/// Covers failures of every kind under every signature. Some signatures put personal data into the URL, where anything that
/// logs URLs could expose them.
#[tokio::test(flavor = "multi_thread")]
async fn logs_at_trace_and_errors_of_calls_show_nothing() {
    let log = listen(tracing::Level::TRACE);
    tracing::trace!("the log is on");

    let emulator = Emulator::builder().start().await.unwrap();
    let granted = Emulator::builder()
        .temporary_key(Emulator::ACCESS_KEY_ID, "planted-access-secret", "planted-security-token")
        .start()
        .await
        .unwrap();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let endpoints = [
        emulator.url().to_owned(),
        granted.url().to_owned(),
        closed,
        server(b"").await,
        server(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{").await,
        server(b"HTTP/1.1 502 x\r\nContent-Length: 6\r\n\r\n<html>").await,
        server(b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n").await,
        server(b"not http at all").await,
    ];
    let mut failed = 0;
    for endpoint in &endpoints {
        for signing in SIGNINGS {
            let client = Client::builder(WithoutPauses(ReqwestTransport::new().unwrap()), credentials())
                .endpoint(endpoint.parse().unwrap())
                .signing(signing)
                .build();
            assert_clean("Client", &debug(&client));
            if let Err(error) = client.init_face_verify(&init()).await {
                failed += 1;
                assert_clean("an error of the client", &shown(&error));
            }
        }
    }
    assert_eq!(failed, 35, "all calls fail, except those to the emulator that accepts the key");
    // Fetched credentials: the planted ones are sent, and the emulator refuses the request.
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "planted-security-token").unwrap();
    let at = || granted.url().parse().unwrap();
    let role =
        AssumeRole::new(credentials(), "acs:ram::1:role/r").external_id("planted-external-id").endpoint(at());
    let oidc = AssumeRoleWithOidc::new("acs:ram::1:role/r", "acs:ram::1:oidc-provider/p", token.path())
        .endpoint(at());
    assert_clean("AssumeRole", &debug(&role));
    for provider in [Arc::new(role) as Arc<dyn ProvideCredentials>, Arc::new(oidc)] {
        let client = Client::new(ReqwestTransport::new().unwrap(), provider);
        assert_clean("a failed fetch", &shown(&client.init_face_verify(&init()).await.unwrap_err()));
    }
    // ureq and isahc would log the request itself: their transports send nothing and return an error.
    for signing in SIGNINGS {
        let url = granted.url().to_owned();
        for error in [
            attempt(IsahcTransport::new().unwrap(), &url, signing).await.unwrap_err(),
            block_in_place(|| attempt_blocking(UreqTransport::new(), &url, signing)).unwrap_err(),
            block_in_place(|| attempt_blocking(IsahcTransport::new().unwrap(), &url, signing)).unwrap_err(),
        ] {
            let why = shown(&error);
            assert!(error.kind() == ErrorKind::Transport && error.attempts() == 1, "{why}");
            assert!(why.contains("would log the request; set its log filter to"), "{why}");
            assert_clean("a refusal to send", &why);
        }
    }
    // The emulator calls back over ureq: it refuses the CallbackUrl, whose token would be logged.
    let callback =
        format!("{}/planted-capability", server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await);
    let called_back = init().callback_url(CallbackUrl::loopback(&callback).unwrap());
    let client = Client::builder(ReqwestTransport::new().unwrap(), credentials())
        .endpoint(granted.url().parse().unwrap())
        .build();
    let error = client.init_face_verify(&called_back).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{}", shown(&error));
    let journal =
        reqwest::get(format!("{}/_emu/v1/journal", granted.url())).await.unwrap().text().await.unwrap();
    assert!(journal.contains("ureq would log the CallbackUrl"), "{journal}");
    assert_clean("the journal", &journal);
    // The emulator holds the secret, the token and sessions of the person.
    assert_clean("the emulator's Debug", &debug(&granted));
    let builder = Emulator::builder().temporary_key("x", "planted-access-secret", "planted-security-token");
    assert_clean("the emulator's builder", &debug(&builder));

    let log = log.text();
    assert!(log.contains("the log is on"), "the log is on");
    // The span of a call has its fields, each once, under every signature.
    for method in ["POST", "GET"] {
        let begin = format!(
            "cloudauth{{otel.name=\"{method} InitFaceVerify\" otel.kind=\"client\" http.request.method=\"{method}\" "
        );
        let called = "rpc.system.name=\"alibaba_cloud\" rpc.method=\"Cloudauth/InitFaceVerify\" server.address=\"127.0.0.1\" server.port=";
        let ended = " cloudauth.code=\"InvalidSecurityToken.MismatchWithAccessKey\" otel.status_code=\"ERROR\" error.type=\"Gateway\" http.response.status_code=400 cloudauth.request_id=";
        let spans = log.lines().filter_map(|line| line.split_once(&format!("{begin}{called}")));
        let (port, id) = spans.into_iter().find_map(|(_, span)| span.split_once(ended)).expect(&log);
        assert!(port.parse::<u16>().is_ok(), "{port}: no other field");
        let (id, _) = id.split_once('}').unwrap();
        assert!(id.len() == 36 && !id.contains(' '), "{id}: no other field");
    }
    assert_clean("the log", &log);
}
