//! Planted personal data and secrets, and the search for them in every output.

use std::fmt::{Debug, Write as _};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cloudauth::{
    AuthId, BlockingClient, BlockingTransport, Body, CallbackToken, CertName, CertNo, Client, Credentials,
    Error, Identity, InitFaceVerify, Ip, Limits, MetaInfo, Mobile, Nonce, OuterOrderNo, ParamLocation,
    ReturnUrl, SceneId, Signing, Stamp, Transport, TransportError, UnixTime, UserId,
};
use cloudauth_emulator::Emulator;
use http::{Request, Response};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The texts that no output may contain, with their percent-encoded forms.
pub(crate) const PLANTED: [&str; 17] = [
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
    "planted-capability",
    "planted-external-id",
];

#[track_caller]
pub(crate) fn assert_clean(what: &str, text: &str) {
    for planted in PLANTED {
        assert!(!text.contains(planted), "{what} shows {planted}:\n{text}");
    }
}

pub(crate) fn scene() -> SceneId {
    SceneId::new(1_000_000_006).unwrap()
}

pub(crate) fn credentials() -> Credentials {
    Credentials::temporary(Emulator::ACCESS_KEY_ID, "planted-access-secret", "planted-security-token")
        .unwrap()
}

pub(crate) fn init() -> InitFaceVerify {
    InitFaceVerify::new(
        scene(),
        OuterOrderNo::new("order1").unwrap(),
        Identity::plain(CertName::new("欧阳张三丰").unwrap(), CertNo::new("999999199001012046").unwrap()),
        ReturnUrl::new("https://shop.example/back/planted-capability").unwrap(),
        MetaInfo::new(r#"{"zimVer":"3.0.0","x":"planted-meta-info"}"#).unwrap(),
    )
    .mobile(Mobile::new("13999999999").unwrap())
    .ip(Ip::new("192.0.2.77".parse().unwrap()))
    .user_id(UserId::new("planted-user-id").unwrap())
    .callback_token(CallbackToken::new("PlantedCallbackToken").unwrap())
    .auth_id(AuthId::new("planted-auth-id").unwrap())
    .extra(ParamLocation::Query, "EnableBeauty", "planted-extra")
}

pub(crate) fn stamp() -> Stamp {
    Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]))
}

pub(crate) fn debug(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}")
}

/// Returns the `Display` and `Debug` of an error and of all its sources.
pub(crate) fn shown(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let _ = writeln!(text, "{error}\n{error:?}\n{error:#?}");
        next = error.source();
    }
    text
}

/// A transport that does not wait before a retry. It keeps the limits of attempts, which are longer than any such wait.
#[derive(Debug)]
pub(crate) struct WithoutPauses<T>(pub(crate) T);

#[async_trait]
impl<T: Transport> Transport for WithoutPauses<T> {
    async fn send(&self, request: Request<Body>, limits: &Limits) -> Result<Response<Body>, TransportError> {
        self.0.send(request, limits).await
    }

    async fn sleep(&self, time: Duration) {
        if time >= Limits::DEFAULT.attempt {
            self.0.sleep(time).await;
        }
    }
}

/// Starts a verification once, over a transport.
pub(crate) async fn attempt(
    transport: impl Transport + 'static,
    url: &str,
    signing: Signing,
) -> Result<(), Error> {
    let client = Client::builder(transport, credentials()).endpoint(url.parse().unwrap()).signing(signing);
    client.build().init_face_verify(&init()).await.map(|_| ())
}

/// Starts a verification once, over a blocking transport.
pub(crate) fn attempt_blocking(
    transport: impl BlockingTransport + 'static,
    url: &str,
    signing: Signing,
) -> Result<(), Error> {
    let client =
        BlockingClient::builder(transport, credentials()).endpoint(url.parse().unwrap()).signing(signing);
    client.build().init_face_verify(&init()).map(|_| ())
}

/// Captures all later log lines of this process.
pub(crate) fn listen(level: tracing::Level) -> Kept {
    let log = Kept::default();
    tracing_log::LogTracer::init().unwrap();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(level).with_writer(log.clone()).with_ansi(false).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
}

/// Captures all later log lines of this process that a filter admits.
pub(crate) fn listen_through(filter: EnvFilter) -> Kept {
    let log = Kept::default();
    tracing_log::LogTracer::init().unwrap();
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(log.clone()).with_ansi(false).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
}

/// A writer that keeps the written bytes.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

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
