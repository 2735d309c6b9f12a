//! `cloudauth faults`: the faults of a running emulator.

use cloudauth_emulator::Fault;
use http::Method;
use serde_json::{Map, Value, json};

use crate::admin::Admin;
use crate::args::{FaultChange, Faults};
use crate::failure::Failure;
use crate::output::Output;
use crate::words::emulator as words;

pub(crate) fn run(args: &Faults, output: &Output) -> Result<u8, Failure> {
    let admin = Admin::of(&args.running)?;
    let document = match &args.change {
        None => admin.get("/faults")?,
        Some(FaultChange::Clear) => {
            admin.send(Method::DELETE, "/faults", None)?;
            admin.get("/faults")?
        }
        Some(FaultChange::Add { fault, action, certify_id, probability, times }) => {
            let mut wanted = Map::from_iter([("fault".to_owned(), fault.0.clone())]);
            let narrowing = [
                ("action", action.as_ref().map(|text| json!(text))),
                ("certify_id", certify_id.as_ref().map(|text| json!(text))),
                ("probability", probability.map(|number| json!(number))),
                ("times", times.map(|number| json!(number))),
            ];
            wanted.extend(narrowing.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            let wanted = Value::Object(wanted);
            let checked = Fault::parse(&wanted.to_string()).map(drop);
            checked.map_err(|error| Failure::usage(words::invalid_fault(error)))?;
            admin.send(Method::POST, "/faults", Some(wanted))?
        }
    };
    let faults = document.get("faults").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let human: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
    output.print(if human.is_empty() { output.say(words::NO_FAULTS) } else { &human }, &document);
    Ok(0)
}
