//! `cloudauth codes`: the offline manual.

use cloudauth::{ClientCode, Code, GatewayCode, Manual, Passed, SubCode};
use serde_json::Value;

use crate::args::Codes;
use crate::failure::Failure;
use crate::output::{Output, manual_document};
use crate::words::calls as words;

/// The layers, each with its manual.
const LAYERS: [(&str, &[Manual]); 5] = [
    ("Code", Code::MANUAL),
    ("Passed", Passed::MANUAL),
    ("SubCode", SubCode::MANUAL),
    ("gateway", GatewayCode::MANUAL),
    ("browser", ClientCode::MANUAL),
];

pub(crate) fn run(args: &Codes, output: &Output) -> Result<u8, Failure> {
    let (mut human, mut documents) = (String::new(), Vec::new());
    for (layer, manual) in LAYERS {
        // A gateway code may be one of a family, such as MissingSceneId.
        let family =
            |code: &str| (layer == "gateway").then(|| GatewayCode::from_wire(code).manual()).flatten();
        let entries: Vec<&Manual> = match args.code.as_deref() {
            None => manual.iter().collect(),
            Some(code) => match manual.iter().find(|entry| entry.code.eq_ignore_ascii_case(code)) {
                Some(entry) => vec![entry],
                None => family(code).into_iter().collect(),
            },
        };
        if !entries.is_empty() {
            human += &format!("{layer}\n");
        }
        for entry in entries {
            human += &output.manual(entry);
            documents.push(manual_document(layer, entry));
        }
    }
    if documents.is_empty() {
        return Err(Failure::usage(words::NO_CODE));
    }
    output.print(&human, &Value::Array(documents));
    Ok(0)
}
