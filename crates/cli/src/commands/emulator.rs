//! `cloudauth emulator`: runs a local Cloudauth until it is interrupted.

pub(crate) mod clock;
pub(crate) mod faults;

use std::net::SocketAddr;
use std::time::Duration;

use cloudauth_emulator::{Builder, Clock, Emulator as Server, check_rules};
use serde_json::json;

use crate::admin::check_base;
use crate::args::Emulator;
use crate::failure::Failure;
use crate::output::{Output, lost};
use crate::text;
use crate::words::emulator as words;

pub(crate) async fn run(args: Emulator, output: &Output) -> Result<u8, Failure> {
    let started = builder(&args, output)?.start().await;
    let server = started.map_err(|error| {
        let address = SocketAddr::new(args.host, args.port);
        Failure::start(error.kind(), words::cannot_start(address, error))
    })?;
    let (id, secret, url) = (Server::ACCESS_KEY_ID, Server::ACCESS_KEY_SECRET, server.url());
    let ui = format!("{url}/_emu/ui");
    let token = match server.admin_token() {
        Some(token) => {
            output.note(words::REACHABLE);
            format!("\nexport CLOUDAUTH_EMULATOR_TOKEN={token}")
        }
        None => String::new(),
    };
    let exports = format!(
        "export CLOUDAUTH_ENDPOINT={url}\nexport ALIBABA_CLOUD_ACCESS_KEY_ID={id}\n\
         export ALIBABA_CLOUD_ACCESS_KEY_SECRET={secret}{token}"
    );
    let human = output.pick(words::started(&exports, &ui, server.seed()));
    let document = json!({
        "endpoint": url,
        "access_key_id": id,
        "access_key_secret": secret,
        "admin_token": server.admin_token(),
        "inspection": ui,
        "seed": server.seed(),
    });
    output.stream(&human, &document);
    tokio::select! {
        () = lost() => Ok(0),
        served = server.run() => served.map(|()| 0).map_err(Failure::other),
        _ = tokio::signal::ctrl_c() => Ok(0),
    }
}

fn builder(args: &Emulator, output: &Output) -> Result<Builder, Failure> {
    let clock = Clock::system();
    clock.advance(Duration::from_secs(args.ahead));
    let mut builder = Server::builder().host(args.host).port(args.port).seed(args.seed).clock(clock);
    if args.accept_any_id {
        output.note(words::ANY_ID);
        builder = builder.accept_any_id();
    }
    if let Ok(token) = std::env::var("CLOUDAUTH_EMULATOR_TOKEN") {
        builder = builder.admin_token(token);
    }
    if let Some(url) = &args.public_url {
        let base = check_base("--public-url", url)?;
        if base.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(Failure::usage(words::NO_USER));
        }
        builder = builder.public_url(url.trim_end_matches('/'));
    }
    if let Some(file) = &args.state {
        builder = builder.state_file(file);
    }
    if let Some(file) = &args.rules {
        let rules = text::read(file)?;
        check_rules(&rules)
            .map_err(|error| Failure::usage(words::invalid_rules(&text::named(file), &error)))?;
        builder = builder.rules(rules);
    }
    Ok(builder)
}
