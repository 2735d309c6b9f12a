//! `cloudauth emulator`: a local Cloudauth until it is interrupted.

use std::time::Duration;

use cloudauth_emulator::{Clock, Emulator as Server};
use serde_json::json;

use crate::args::Emulator;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(args: Emulator, output: &Output) -> Result<u8, Failure> {
    let clock = Clock::system();
    clock.advance(Duration::from_secs(args.ahead));
    let mut builder = Server::builder().port(args.port).seed(args.seed).clock(clock);
    if args.accept_any_id {
        eprintln!("cloudauth: ID numbers of every area are taken; keep real people out of this");
        builder = builder.accept_any_id();
    }
    let started = builder.start().await;
    let server =
        started.map_err(|error| Failure::other(format!("cannot listen on port {}: {error}", args.port)))?;
    let (id, secret) = (Server::ACCESS_KEY_ID, Server::ACCESS_KEY_SECRET);
    let human = format!(
        "EMULATOR - verifies nobody. Stop it with Ctrl-C.\n\nexport CLOUDAUTH_ENDPOINT={url}\nexport \
         ALIBABA_CLOUD_ACCESS_KEY_ID={id}\nexport ALIBABA_CLOUD_ACCESS_KEY_SECRET={secret}",
        url = server.url()
    );
    let document = json!({ "endpoint": server.url(), "access_key_id": id, "access_key_secret": secret });
    output.print(&human, &document);
    tokio::select! {
        served = server.run() => served.map(|()| 0).map_err(Failure::other),
        _ = tokio::signal::ctrl_c() => Ok(0),
    }
}
