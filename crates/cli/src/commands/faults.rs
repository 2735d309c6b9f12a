//! `cloudauth faults`: what goes wrong in a running emulator.

use http::Method;
use serde_json::{Map, Value, json};

use crate::admin::Admin;
use crate::args::{FaultChange, Faults};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(args: &Faults, output: &Output) -> Result<u8, Failure> {
    let admin = Admin::of(&args.running)?;
    let document = match &args.change {
        None => admin.get("/faults")?,
        Some(FaultChange::Clear) => {
            admin.send(Method::DELETE, "/faults", None)?;
            admin.get("/faults")?
        }
        Some(FaultChange::Add { fault, action, certify_id, probability, times }) => {
            let mut wanted = Map::from_iter([("fault".to_owned(), kind(fault)?)]);
            let narrowing = [
                ("action", action.as_ref().map(|text| json!(text))),
                ("certify_id", certify_id.as_ref().map(|text| json!(text))),
                ("probability", probability.map(|number| json!(number))),
                ("times", times.map(|number| json!(number))),
            ];
            wanted.extend(narrowing.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            admin.send(Method::POST, "/faults", Some(Value::Object(wanted)))?
        }
    };
    let faults = document.get("faults").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let human: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
    output.print(if human.is_empty() { "nothing goes wrong" } else { &human }, &document);
    Ok(0)
}

/// `reset`, `status=503`, `latency={"uniform":[50,900]}`: as the admin API wants it.
fn kind(text: &str) -> Result<Value, Failure> {
    let Some((name, value)) = text.split_once('=') else { return Ok(json!(text)) };
    let value: Value = serde_json::from_str(value)
        .map_err(|_| Failure::usage(format!("{name}= takes a number or JSON, as in status=503")))?;
    Ok(match (name, &value) {
        ("latency", Value::Number(_)) => json!({ name: { "fixed": value } }),
        _ => json!({ name: value }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_written_shortly() {
        assert_eq!(kind("reset").unwrap(), json!("reset"));
        assert_eq!(kind("status=503").unwrap(), json!({ "status": 503 }));
        assert_eq!(kind("latency=1500").unwrap(), json!({ "latency": { "fixed": 1500 } }));
        let uniform = r#"latency={"uniform":[50,900]}"#;
        assert_eq!(kind(uniform).unwrap(), json!({ "latency": { "uniform": [50, 900] } }));
        assert!(kind("status=five").is_err());
    }
}
