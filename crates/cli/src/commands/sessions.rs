//! `cloudauth sessions`: the verifications of a running emulator.

use clap::ValueEnum;
use cloudauth::CertifyId;
use serde_json::Value;

use crate::admin::{Admin, text};
use crate::args::Sessions;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::{Language, emulator as words, padded, width};

pub(crate) fn run(args: &Sessions, output: &Output) -> Result<u8, Failure> {
    let admin = Admin::of(&args.running)?;
    if let Some(id) = &args.certify_id {
        let id = CertifyId::new(id).map_err(Failure::usage)?;
        let session = admin.get(&format!("/sessions/{id}"))?;
        output.print(&one(&session, output.language), &session);
        return Ok(0);
    }
    let state = args.state.and_then(|state| state.to_possible_value());
    let query = state.map(|state| format!("?state={}", state.get_name())).unwrap_or_default();
    let document = admin.get(&format!("/sessions{query}"))?;
    let sessions = document.get("sessions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let row = |[id, order, state, result, asks_for]: [String; 5]| {
        format!("{id:<33} {order:<33} {} {result:<7} {asks_for}\n", padded(&state, 9))
    };
    let mut human = row(words::SESSIONS.map(|(name, _)| output.say(name).to_owned()));
    for session in sessions {
        human += &row(words::SESSIONS.map(|(_, field)| value(session, field, output.language)));
    }
    if sessions.is_empty() {
        human = output.say(words::NO_SESSIONS).to_owned();
    }
    output.print(&human, &document);
    Ok(0)
}

/// The value of a field of a verification. The admin API says in both languages what an ID number asks for.
fn value(session: &Value, field: &str, language: Language) -> String {
    match (field, language) {
        ("asks_for", Language::Zh) => text(session, "asks_for_zh"),
        ("state", _) => words::state(text(session, field), language),
        _ => text(session, field),
    }
}

/// A verification, one field per line.
pub(crate) fn one(session: &Value, language: Language) -> String {
    let widest = words::FIELDS.iter().map(|(name, _)| width(language.of(*name))).max().unwrap_or_default();
    let line = |(name, field)| {
        let name = padded(language.of(name), widest + 1);
        format!("{name}{}\n", value(session, field, language))
    };
    words::FIELDS.into_iter().map(line).collect()
}
