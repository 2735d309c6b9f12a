//! `cloudauth trigger`: ends a verification of a running emulator, or makes it send one more callback.

use clap::ValueEnum;
use cloudauth::CertifyId;
use http::Method;
use serde_json::json;

use super::sessions::one;
use crate::admin::{Admin, check_url, text};
use crate::args::{ExtraCallback, Outcome, Trigger};
use crate::failure::Failure;
use crate::output::Output;
use crate::words::emulator as words;

pub(crate) fn run(args: &Trigger, output: &Output) -> Result<u8, Failure> {
    if args.score.is_some() && !matches!(args.outcome, Outcome::SubCode(_)) {
        return Err(Failure::usage(words::SCORE_OF_SUB_CODE));
    }
    let admin = Admin::of(&args.running)?;
    let id = match (&args.certify_id, &args.callback_url) {
        (Some(id), _) => CertifyId::new(id).map_err(Failure::usage)?.to_string(),
        (None, Some(url)) => {
            check_url("--callback-url", url)?;
            admin.begin(url)?
        }
        (None, None) => admin.latest()?,
    };
    let (action, wish) = match &args.outcome {
        Outcome::Callback(kind) => return send_callback(&admin, &id, *kind, output),
        Outcome::End(end) => (name(*end), None),
        Outcome::SubCode(code) => {
            let mut wish = json!({ "sub_code": code });
            if let (Some(score), Some(wish)) = (args.score, wish.as_object_mut()) {
                wish.insert("verify_score".to_owned(), json!(score));
            }
            ("submit".to_owned(), Some(wish))
        }
    };
    let session = admin.send(Method::POST, &format!("/sessions/{id}/{action}"), wish)?;
    output.print(&one(&session, output.language), &session);
    Ok(0)
}

fn send_callback(admin: &Admin, id: &str, kind: ExtraCallback, output: &Output) -> Result<u8, Failure> {
    let more = json!({ "certify_id": id, "kind": name(kind).replace('-', "_") });
    let added = admin.send(Method::POST, "/callbacks", Some(more))?;
    let [number, kind, to, due] = ["number", "kind", "to", "due"].map(|field| text(&added, field));
    output.print(&output.pick(words::callback_added(&number, &kind, &to, &due)), &added);
    Ok(0)
}

fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
