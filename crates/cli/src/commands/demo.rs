//! `cloudauth demo`: a whole verification against an emulator of its own.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use cloudauth::{
    Callback, CallbackKeys, CallbackUrl, CertName, CertNo, CertifyUrlStyle, DescribeFaceVerify, Identity,
    InitFaceVerify, MetaInfo, OuterOrderNo, ReturnHint, ReturnUrl, SceneId,
};
use cloudauth_emulator::Emulator;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::block_in_place;

use super::call::{emulator_client, status};
use super::policy::{decide_status, load};
use super::shop;
use crate::args::Demo;
use crate::failure::Failure;
use crate::output::Output;
use crate::random::entropy;
use crate::words::calls as words;

pub(crate) async fn run(args: Demo, output: &Output) -> Result<u8, Failure> {
    let policy = args.policy.as_deref().map(load).transpose()?;
    if args.open {
        return shop::run(policy, output).await;
    }
    if !args.identity.starts_with("999999") {
        return Err(Failure::usage(words::MAGIC_IDENTITY));
    }
    let identity = CertNo::new(&args.identity).map_err(Failure::usage)?;
    let emulator = Emulator::builder().start().await.map_err(Failure::other)?;
    output.step(words::demo_emulator(emulator.url()));
    let (callback_url, mut callbacks) = callback_receiver().await.map_err(Failure::other)?;

    let client = emulator_client(&emulator, args.signing.into())?;
    let keys = CallbackKeys::new(&entropy::<32>()?).map_err(Failure::system)?;
    let scene = SceneId::new(1_000_000_006).map_err(Failure::usage)?;
    let order = OuterOrderNo::generate(entropy()?);
    let name = CertName::new("张三").map_err(Failure::usage)?;
    let init = InitFaceVerify::new(
        scene,
        order.clone(),
        Identity::plain(name, identity),
        ReturnUrl::new("https://shop.example/verified?order=1").map_err(Failure::usage)?,
        MetaInfo::new(r#"{"zimVer":"3.0.0","appVersion":"1","deviceType":"h5"}"#).map_err(Failure::usage)?,
    )
    .certify_url_style(CertifyUrlStyle::Long)
    .callback_url(CallbackUrl::loopback(&callback_url).map_err(Failure::usage)?)
    .callback_token(keys.token(scene, &order));

    let started = block_in_place(|| client.init_face_verify(&init))?;
    let certify_id = started.output.certify_id;
    let link = started.output.certify_url.ok_or_else(|| Failure::other(words::NO_LINK))?;
    output.step(words::demo_init(certify_id.as_str(), link.expose()));

    let way_back = block_in_place(|| submit(link.expose()))?;
    let hint = ReturnHint::parse(&way_back).map_err(Failure::system)?;
    output.step(words::demo_submit(hint.code()));

    let wait = tokio::time::timeout(Duration::from_secs(5), next_callback(&mut callbacks)).await;
    let callback = wait.map_err(|_| Failure::other(words::NO_CALLBACK))?;
    let callback = callback.ok_or_else(|| Failure::other(words::RECEIVER_STOPPED))?;
    if !keys.verify(&callback, scene, &order) || callback.certify_id() != &certify_id {
        return Err(Failure::other(words::WRONG_TOKEN));
    }
    let claimed = callback.claimed_sub_code().map(ToString::to_string).unwrap_or_default();
    output.step(words::demo_callback(&claimed));

    let describe = DescribeFaceVerify::new(scene, certify_id.clone());
    let reply = block_in_place(|| client.describe_face_verify(&describe))?;
    let (human, result, exit) = status(&reply, output);
    let human = format!("{}{}", output.say(words::DESCRIBE), human.trim_end().replace('\n', "\n           "));
    let document = json!({
        "emulator": true,
        "certify_id": certify_id.as_str(),
        "browser_code": hint.code().as_str(),
        "callback": { "claimed_sub_code": claimed, "token_verified": true },
        "result": result,
    });
    if let Some(policy) = &policy {
        return Ok(decide_status(policy, &reply.output, &human, document, output));
    }
    output.print(&human, &document);
    Ok(exit)
}

/// Submits as the person would, and returns the address to which the browser is redirected.
fn submit(link: &str) -> Result<String, Failure> {
    let browser = ureq::Agent::config_builder().proxy(None).max_redirects(0).max_redirects_will_error(false);
    let answer = browser.build().new_agent().post(format!("{link}/submit")).send_empty();
    let answer = answer.map_err(|_| Failure::other(words::NO_ANSWER))?;
    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
    location.map(str::to_owned).ok_or_else(|| Failure::other(words::NO_WAY_BACK))
}

/// Serves a route for callbacks, as a real service does. It responds with 200 before any work.
async fn callback_receiver() -> std::io::Result<(String, UnboundedReceiver<String>)> {
    let (sender, receiver) = unbounded_channel();
    let router = Router::new().route("/callback", get(receive)).with_state(sender);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}/callback", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((url, receiver))
}

async fn receive(State(callbacks): State<UnboundedSender<String>>, RawQuery(query): RawQuery) -> StatusCode {
    // The response is the same when the demo no longer waits.
    let _ = callbacks.send(query.unwrap_or_default());
    StatusCode::OK
}

/// The next callback. The probe at the start of a verification is not a callback.
async fn next_callback(callbacks: &mut UnboundedReceiver<String>) -> Option<Callback> {
    loop {
        if let Ok(callback) = Callback::parse(&callbacks.recv().await?) {
            return Some(callback);
        }
    }
}
