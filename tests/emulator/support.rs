//! Helpers: a shop, a browser, and an administrator.

use cloudauth::{
    CallbackUrl, CertName, CertNo, CertifyId, Client, Credentials, DescribeFaceVerify, Error,
    FaceVerifySession, FaceVerifyStatus, Identity, InitFaceVerify, MetaInfo, OuterOrderNo, ReqwestTransport,
    ReturnUrl, SceneId, Settings,
};
use cloudauth_emulator::{Builder, Clock, Emulator, id_number};
use serde_json::Value;

pub(crate) use crate::receiver::receiver;

/// A clock that is stopped at the system's time, which a client accepts.
pub(crate) fn stopped() -> Clock {
    Clock::frozen(std::time::SystemTime::now().into())
}

/// A clock that is stopped at 2026-01-02T03:04:05Z, for tests without a client.
pub(crate) fn frozen() -> Clock {
    Clock::frozen(cloudauth::UnixTime::from_secs(1_767_323_045))
}

pub(crate) async fn emulator() -> Emulator {
    start(Emulator::builder()).await
}

pub(crate) async fn start(builder: Builder) -> Emulator {
    builder.start().await.unwrap()
}

pub(crate) fn magic(born: &str, digits: u16) -> String {
    id_number(born, digits).unwrap()
}

pub(crate) fn scene() -> SceneId {
    SceneId::new(1_000_000_006).unwrap()
}

/// A shop.
pub(crate) fn shop(emulator: &Emulator) -> Client {
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    Client::builder(ReqwestTransport::new().unwrap(), by).endpoint(emulator.url().parse().unwrap()).build()
}

pub(crate) const RETURN_URL: &str = "https://shop.example/back?order=1";

pub(crate) fn init(order: &str, number: &str, return_url: &str) -> InitFaceVerify {
    InitFaceVerify::new(
        scene(),
        OuterOrderNo::new(order).unwrap(),
        Identity::plain(CertName::new("张三").unwrap(), CertNo::new(number).unwrap()),
        if return_url == "iframe" { ReturnUrl::iframe() } else { ReturnUrl::new(return_url).unwrap() },
        MetaInfo::new(r#"{"zimVer":"3.0.0"}"#).unwrap(),
    )
}

pub(crate) fn calling_back(op: InitFaceVerify, url: &str) -> InitFaceVerify {
    op.callback_url(CallbackUrl::loopback(url).unwrap())
}

pub(crate) async fn begin(shop: &Client, op: &InitFaceVerify) -> FaceVerifySession {
    shop.init_face_verify(op).await.unwrap().output
}

pub(crate) async fn describe(shop: &Client, id: &CertifyId) -> Result<FaceVerifyStatus, Error> {
    Ok(shop.describe_face_verify(&DescribeFaceVerify::new(scene(), id.clone())).await?.output)
}

pub(crate) fn once(settings: &mut Settings) {
    settings.attempts = 1;
}

pub(crate) fn link(session: &FaceVerifySession) -> String {
    session.certify_url.as_ref().unwrap().expose().to_owned()
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends a request without following redirects, and reads the response.
pub(crate) async fn send(request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder) -> Got {
    let plain = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let answer = request(&plain.build().unwrap()).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Got { status, headers, text: answer.text().await.unwrap() }
}

pub(crate) async fn get_page(url: &str) -> Got {
    send(|http| http.get(url).header("accept-language", "en")).await
}

pub(crate) async fn post_form(url: &str, form: &'static str) -> Got {
    let kind = "application/x-www-form-urlencoded";
    send(|http| http.post(url).header("content-type", kind).header("accept-language", "en").body(form)).await
}

/// A request to `/_emu/v1`.
pub(crate) async fn admin(emulator: &Emulator, method: &str, path: &str, body: Option<Value>) -> Got {
    let url = format!("{}/_emu/v1{path}", emulator.url());
    send(|http| {
        let request = http.request(method.parse().unwrap(), url);
        match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        }
    })
    .await
}
