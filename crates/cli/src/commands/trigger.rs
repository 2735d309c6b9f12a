//! `cloudauth trigger`: ends a verification of a running emulator, or has it call back wrongly.

use http::Method;
use serde_json::json;

use super::sessions::one;
use crate::admin::{Admin, text};
use crate::args::Trigger;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(args: &Trigger, output: &Output) -> Result<u8, Failure> {
    let admin = Admin::of(&args.running)?;
    let is_number = args.outcome.bytes().all(|byte| byte.is_ascii_digit());
    let path = match args.outcome.as_str() {
        "cancel" | "expire" => &*args.outcome,
        _ if is_number => "submit",
        "duplicate" | "late" | "forged" | "wrong-token" | "other-shape" => "callbacks",
        _ => {
            return Err(Failure::usage(
                "the outcome is a SubCode (200, 204, ..), cancel, expire, duplicate, late, forged, wrong-token or other-shape",
            ));
        }
    };
    let id = match (&args.certify_id, &args.callback_url) {
        (Some(id), _) => id.clone(),
        (None, Some(url)) => admin.begin(url)?,
        (None, None) => admin.latest()?,
    };
    if path == "callbacks" {
        let more = json!({ "certify_id": id, "kind": args.outcome.replace('-', "_") });
        let added = admin.send(Method::POST, "/callbacks", Some(more))?;
        let human = format!(
            "callback {} ({}) to {}, due {}",
            text(&added, "number"),
            text(&added, "kind"),
            text(&added, "to"),
            text(&added, "due")
        );
        output.print(&human, &added);
        return Ok(0);
    }
    let wish = is_number.then(|| match args.score {
        Some(score) => json!({ "sub_code": args.outcome, "verify_score": score }),
        None => json!({ "sub_code": args.outcome }),
    });
    let session = admin.send(Method::POST, &format!("/sessions/{id}/{path}"), wish)?;
    output.print(&one(&session), &session);
    Ok(0)
}
