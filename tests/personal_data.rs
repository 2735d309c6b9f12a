//! The canary: personal data and secrets are planted everywhere, and every byte that comes out is searched.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

use std::fmt::{Debug, Write as _};
use std::io;
use std::sync::{Arc, Mutex};

use cloudauth::{
    AuthId, Body, Callback, CallbackKeys, CallbackToken, CertName, CertNo, CertifyId, Client, Credentials,
    DescribeFaceVerify, Effect, Identity, InitFaceVerify, Ip, MetaInfo, Mobile, Nonce, OuterOrderNo, Params,
    Place, RawOperation, ReqwestTransport, ReturnHint, ReturnUrl, SceneId, Signing, Stamp, UnixTime, UserId,
    explain, parse, prepare,
};
use cloudauth::{Operation, ReplyError};
use cloudauth_emulator::Emulator;
use cloudauth_transport::testing::{Recording, Scripted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tracing_subscriber::fmt::MakeWriter;

/// What must never come out, and its percent-encoded form where that differs.
const PLANTED: [&str; 15] = [
    "欧阳张三丰",
    "%E6%AC%A7%E9%98%B3",
    "999999199001012046",
    "13999999999",
    "192.0.2.77",
    "planted-meta-info",
    "PlantedCallbackToken",
    "planted-access-secret",
    "planted-security-token",
    "planted-user-id",
    "planted-picture",
    "planted-auth-id",
    "planted-identity-info",
    "planted-typed-name",
    "planted-extra",
];

#[track_caller]
fn assert_clean(what: &str, text: &str) {
    for planted in PLANTED {
        assert!(!text.contains(planted), "{what} shows {planted}:\n{text}");
    }
}

fn scene() -> SceneId {
    SceneId::new(1_000_000_006).unwrap()
}

fn credentials() -> Credentials {
    Credentials::temporary(Emulator::ACCESS_KEY_ID, "planted-access-secret", "planted-security-token")
        .unwrap()
}

fn init() -> InitFaceVerify {
    InitFaceVerify::new(
        scene(),
        OuterOrderNo::new("order1").unwrap(),
        Identity::plain(CertName::new("欧阳张三丰").unwrap(), CertNo::new("999999199001012046").unwrap()),
        ReturnUrl::new("https://shop.example/back").unwrap(),
        MetaInfo::new(r#"{"zimVer":"3.0.0","x":"planted-meta-info"}"#).unwrap(),
    )
    .mobile(Mobile::new("13999999999").unwrap())
    .ip(Ip::new("192.0.2.77".parse().unwrap()))
    .user_id(UserId::new("planted-user-id").unwrap())
    .callback_token(CallbackToken::new("PlantedCallbackToken").unwrap())
    .auth_id(AuthId::new("planted-auth-id").unwrap())
    .extra(Place::Query, "EnableBeauty", "planted-extra")
}

fn stamp() -> Stamp {
    Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]))
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}")
}

/// An error and all its sources, as people see it and as debuggers do.
fn shown(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let _ = writeln!(text, "{error}\n{error:?}\n{error:#?}");
        next = error.source();
    }
    text
}

#[test]
fn debug_prints_show_nothing() {
    let op = init();
    assert_clean("InitFaceVerify", &debug(&op));
    let mut params = Params::new();
    op.params(&mut params);
    assert_clean("Params", &debug(&params));
    assert_clean("Credentials", &debug(&credentials()));
    let raw = RawOperation::new("Id2MetaVerify", Effect::Write).param(Place::Body, "IdentifyNum", PLANTED[2]);
    assert_clean("RawOperation", &debug(&raw));
    assert_clean("CallbackKeys", &debug(&CallbackKeys::new(b"planted-access-secret-with-32-bytes").unwrap()));
    let callback = Callback::parse("certifyId=sha1&passed=200&callbackToken=PlantedCallbackToken").unwrap();
    assert_clean("Callback", &debug(&callback));
    for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Body] {
        let to = "https://cloudauth.aliyuncs.com".parse().unwrap();
        let explained = explain(&op, &to, &credentials(), signing, stamp()).unwrap();
        assert_clean("Explanation", &debug(&explained));
        assert_clean("the masked stages", &debug(explained.masked()));
        assert_clean("the exposed stages' Debug", &debug(explained.expose()));
        assert_clean("the masked canonical text", &explained.masked().canonical);
        assert_clean("the masked string to sign", &explained.masked().string_to_sign);
    }
    // Under the signatures that keep the URL clean, the whole request may be printed.
    for signing in [Signing::V1, Signing::V3Body] {
        let to = "https://cloudauth.aliyuncs.com".parse().unwrap();
        assert_clean("Request", &debug(&prepare(&op, &to, &credentials(), signing, stamp()).unwrap()));
    }
}

#[test]
fn refused_values_are_not_quoted() {
    let errors: [&dyn std::error::Error; 9] = [
        &CertNo::new("9999991990010120460").unwrap_err(),
        &CertName::new("欧阳张三丰 A").unwrap_err(),
        &Mobile::new("139999999990").unwrap_err(),
        &MetaInfo::new("planted-meta-info").unwrap_err(),
        &CallbackToken::new("PlantedCallbackToken&").unwrap_err(),
        &Credentials::new("id", "planted-access-secret\n").unwrap_err(),
        &"http://user:planted-access-secret@x.example".parse::<cloudauth::Endpoint>().unwrap_err(),
        &Callback::parse("callbackToken=PlantedCallbackToken").unwrap_err(),
        &ReturnHint::parse("https://x.example/?response=planted-user-id").unwrap_err(),
    ];
    for error in errors {
        assert_clean("an error", &format!("{error} {error:?}"));
    }
}

const REPLY: &str = r#"{"Code":"200","Message":"planted-user-id","ResultObject":{"Passed":"T","SubCode":"200","IdentityInfo":"planted-identity-info","UserInfo":"{\"name\":\"planted-typed-name\"}","MaterialInfo":"{\"facialPictureFront\":{\"pictureUrl\":\"https://x.example/planted-picture\",\"ossObjectName\":\"x\"}}"}}"#;

#[test]
fn replies_show_nothing_good_or_bad() {
    let response = |body: String| http::Response::new(Body::from(body));
    let reply = parse::<DescribeFaceVerify>(&response(REPLY.to_owned())).unwrap();
    assert_clean("Reply", &debug(&reply));
    let cloudauth::FaceVerifyStatus::Finished(result) = reply.output else { panic!() };
    assert_clean("Material", &debug(&result.material_info.parse().unwrap()));
    for end in [20, 60, 120, 200, REPLY.len() - 2] {
        let error = parse::<DescribeFaceVerify>(&response(REPLY[..end].to_owned())).unwrap_err();
        assert_clean("a malformed reply", &shown(&error));
    }
    let echo =
        format!(r#"{{"Code":"SignatureDoesNotMatch","Message":"server string to sign is:{}"}}"#, PLANTED[2]);
    let error: ReplyError = parse::<DescribeFaceVerify>(&response(echo)).unwrap_err();
    assert_clean("a gateway error", &shown(&error));
}

/// Keeps what is written to it.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A server that answers like this and closes.
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

/// Everything that the client, the transport and the emulator log at TRACE, and every error of calls that go wrong
/// in every way, under every signature. The personal data are in the URL under some of them, and so within reach of
/// whatever logs URLs.
#[tokio::test]
async fn logs_at_trace_and_errors_of_calls_show_nothing() {
    let log = Kept::default();
    tracing_log::LogTracer::init().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
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
        for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
            let client = Client::builder(ReqwestTransport::new().unwrap(), credentials())
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
    assert_eq!(failed, 35, "all but those to the emulator that knows the key fail");
    // It knows the secret and the token, and has sessions of the person by now.
    assert_clean("the emulator's Debug", &debug(&granted));
    let builder = Emulator::builder().temporary_key("x", "planted-access-secret", "planted-security-token");
    assert_clean("the emulator's builder", &debug(&builder));

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the log is on"), "the log must have been listening");
    // A call's span tells all that it may.
    let span =
        "cloudauth{operation=\"InitFaceVerify\" endpoint=\"127.0.0.1\" attempt=1 status=400 request_id=";
    assert!(
        log.contains(span) && log.contains("code=\"InvalidSecurityToken.MismatchWithAccessKey\""),
        "{log}"
    );
    assert_clean("the log", &log);
}

#[tokio::test]
async fn urls_of_what_the_client_sends_by_default_show_nothing() {
    let script = Arc::new(Recording::new(Scripted::bodies([])));
    let client = Client::builder(Arc::clone(&script), credentials()).attempts(1).build();
    assert!(client.init_face_verify(&init()).await.is_err());
    let describe = DescribeFaceVerify::new(scene(), CertifyId::new("sha1").unwrap());
    assert!(client.describe_face_verify(&describe).await.is_err());
    let requests = script.take_requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request.uri(), "https://cloudauth.cn-shanghai.aliyuncs.com/");
        assert_clean("a request", &debug(&request));
    }
}

#[test]
fn panics_show_nothing() {
    let kept = Arc::new(Mutex::new(String::new()));
    let hook = Arc::clone(&kept);
    std::panic::set_hook(Box::new(move |info| *hook.lock().unwrap() += &info.to_string()));
    let caught = std::panic::catch_unwind(|| CertNo::new("9999991990010120460").unwrap());
    let caught_too = std::panic::catch_unwind(|| panic!("{:?} {:?}", init(), credentials()));
    let _ = std::panic::take_hook();
    assert!(caught.is_err() && caught_too.is_err());
    let text = kept.lock().unwrap().clone();
    assert!(text.contains("must be 18 characters"), "{text}");
    assert_clean("a panic", &text);
}
