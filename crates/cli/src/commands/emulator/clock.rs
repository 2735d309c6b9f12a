//! `cloudauth clock`: the clock of a running emulator.

use http::Method;
use serde_json::{Value, json};

use crate::admin::{Admin, text};
use crate::args::{Clock, ClockChange};
use crate::failure::Failure;
use crate::output::Output;
use crate::words::emulator as words;

pub(crate) fn run(args: &Clock, output: &Output) -> Result<u8, Failure> {
    let admin = Admin::of(&args.running)?;
    let change = args.change.as_ref().map(|change| match change {
        ClockChange::Advance { by } => json!({ "advance_seconds": by.as_secs_f64() }),
        ClockChange::Set { to } => json!({ "set": to }),
        ClockChange::Freeze => json!({ "rate": 0 }),
        ClockChange::Run => json!({ "rate": 1 }),
    });
    let clock = match change {
        Some(change) => admin.send(Method::PATCH, "/clock", Some(change))?,
        None => admin.get("/clock")?,
    };
    let rate = clock.get("rate").and_then(Value::as_f64);
    output.print(&output.pick(words::clock(&text(&clock, "now"), rate)), &clock);
    Ok(0)
}
