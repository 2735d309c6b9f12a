//! `cloudauth emulator`: a local Cloudauth until it is interrupted.

use std::time::Duration;

use cloudauth_emulator::{Builder, Clock, Emulator as Server};
use serde_json::json;

use crate::args::Emulator;
use crate::failure::Failure;
use crate::output::{Output, lost, note};
use crate::text;

pub(crate) async fn run(args: Emulator, output: &Output) -> Result<u8, Failure> {
    let started = builder(&args)?.start().await;
    let server = started
        .map_err(|error| Failure::other(format!("cannot start on {}:{}: {error}", args.host, args.port)))?;
    let (id, secret, url) = (Server::ACCESS_KEY_ID, Server::ACCESS_KEY_SECRET, server.url());
    let ui = format!("{url}/_emu/ui");
    let token = match server.admin_token() {
        Some(token) => {
            note("cloudauth: other machines can reach the emulator; its admin API requires the token");
            format!("\nexport CLOUDAUTH_EMULATOR_TOKEN={token}")
        }
        None => String::new(),
    };
    let human = format!(
        "EMULATOR - verifies nobody. Stop it with Ctrl-C.\n\nexport CLOUDAUTH_ENDPOINT={url}\nexport \
         ALIBABA_CLOUD_ACCESS_KEY_ID={id}\nexport ALIBABA_CLOUD_ACCESS_KEY_SECRET={secret}{token}\n\nlook at it: {ui}\nseed {}",
        args.seed
    );
    let document = json!({
        "endpoint": url,
        "access_key_id": id,
        "access_key_secret": secret,
        "admin_token": server.admin_token(),
        "inspection": ui,
        "seed": args.seed,
    });
    output.print(&human, &document);
    tokio::select! {
        () = lost() => Ok(0),
        served = server.run() => served.map(|()| 0).map_err(Failure::other),
        _ = tokio::signal::ctrl_c() => Ok(0),
    }
}

fn builder(args: &Emulator) -> Result<Builder, Failure> {
    let clock = Clock::system();
    clock.advance(Duration::from_secs(args.ahead));
    let mut builder = Server::builder().host(args.host).port(args.port).seed(args.seed).clock(clock);
    if args.accept_any_id {
        note("cloudauth: ID numbers of every area are taken; keep real people out of this");
        builder = builder.accept_any_id();
    }
    if let Ok(token) = std::env::var("CLOUDAUTH_EMULATOR_TOKEN") {
        builder = builder.admin_token(token);
    }
    if let Some(url) = &args.public_url {
        builder = builder.public_url(url.trim_end_matches('/'));
    }
    if let Some(file) = &args.state {
        builder = builder.state_file(file);
    }
    if let Some(file) = &args.rules {
        builder = builder.rules(text::read(file)?);
    }
    Ok(builder)
}
