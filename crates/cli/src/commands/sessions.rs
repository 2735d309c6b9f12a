//! `cloudauth sessions`: the verifications of a running emulator.

use clap::ValueEnum;
use serde_json::Value;

use crate::admin::{Admin, text};
use crate::args::Sessions;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(args: &Sessions, output: &Output) -> Result<u8, Failure> {
    let admin = Admin::of(&args.running)?;
    if let Some(id) = &args.certify_id {
        let session = admin.get(&format!("/sessions/{id}"))?;
        output.print(&one(&session), &session);
        return Ok(0);
    }
    let state = args.state.and_then(|state| state.to_possible_value());
    let query = state.map(|state| format!("?state={}", state.get_name())).unwrap_or_default();
    let document = admin.get(&format!("/sessions{query}"))?;
    let sessions = document.get("sessions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let row = |cells: [&str; 5]| {
        let [id, order, state, result, asks_for] = cells;
        format!("{id:<33} {order:<33} {state:<9} {result:<7} {asks_for}\n")
    };
    let mut human = row(["CertifyId", "OuterOrderNo", "state", "SubCode", "asks for"]);
    for session in sessions {
        let cell = |field| text(session, field);
        human += &row([
            &cell("certify_id"),
            &cell("outer_order_no"),
            &cell("state"),
            &cell("sub_code"),
            &cell("asks_for"),
        ]);
    }
    if sessions.is_empty() {
        human = "none; call InitFaceVerify, or try `cloudauth trigger 200 --callback-url URL`".to_owned();
    }
    output.print(&human, &document);
    Ok(0)
}

/// A verification, a line a field.
pub(crate) fn one(session: &Value) -> String {
    let fields = [
        ("CertifyId", "certify_id"),
        ("OuterOrderNo", "outer_order_no"),
        ("state", "state"),
        ("SubCode", "sub_code"),
        ("verifyScore", "verify_score"),
        ("asks for", "asks_for"),
        ("begun", "begun"),
        ("expires", "expires"),
        ("link", "link"),
        ("calls back", "callback_to"),
    ];
    fields.iter().map(|(name, field)| format!("{name:<13}{}\n", text(session, field))).collect()
}
