//! `cloudauth demo --open`: the sample shop beside an emulator, in the browser.

use std::net::Ipv4Addr;
use std::sync::Mutex;

use cloudauth::policy::{LivePolicy, Policy};
use cloudauth::{CallbackKeys, SceneId, Signing};
use cloudauth_emulator::Emulator;
use serde_json::json;
use tokio::net::TcpListener;

use super::call::emulator_client;
use super::policy::load;
use crate::failure::Failure;
use crate::output::{Output, lost};
use crate::random::entropy;
use crate::words::calls as words;

#[path = "../../examples/shop_blocking.rs"]
#[allow(clippy::module_inception, dead_code, unreachable_pub, reason = "the example is a program of its own")]
mod shop;

pub(crate) async fn run(policy: Option<Policy>, output: &Output) -> Result<u8, Failure> {
    let emulator = Emulator::builder().start().await.map_err(Failure::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Failure::other)?;
    let url = format!("http://{}", listener.local_addr().map_err(Failure::other)?);
    let policy = match policy {
        Some(policy) => policy,
        None => load("builtin:onboarding")?,
    };
    let shop = shop::Shop {
        client: emulator_client(&emulator, Signing::default())?,
        policy: LivePolicy::new(policy),
        keys: CallbackKeys::new(&entropy::<32>()?).map_err(Failure::system)?,
        scene: SceneId::new(1_000_000_006).map_err(Failure::usage)?,
        url: url.clone(),
        script: format!("{}/jsvm_all.js", emulator.url()),
        orders: Mutex::default(),
    };
    let ui = format!("{}/_emu/ui", emulator.url());
    output.stream(
        &output.pick(words::shop_started(&url, &ui)),
        &json!({ "shop": url, "inspection": ui, "endpoint": emulator.url() }),
    );
    // A missing browser is not a failure: the address is printed.
    if let Err(error) = open::that_detached(&url) {
        output.note(words::no_browser(error));
    }
    tokio::select! {
        () = lost() => Ok(0),
        served = async { axum::serve(listener, shop::router(shop)).await } => served.map(|()| 0).map_err(Failure::other),
        _ = tokio::signal::ctrl_c() => Ok(0),
    }
}
