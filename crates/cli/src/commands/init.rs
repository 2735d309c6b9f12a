//! `cloudauth init`: starts a verification.

use cloudauth::{CallbackUrl, CertifyUrl, CertifyUrlStyle, OuterOrderNo, ReturnUrl, SceneId};
use serde_json::json;

use super::call::client;
use crate::args::Init;
use crate::failure::Failure;
use crate::output::Output;
use crate::person;
use crate::random::entropy;
use crate::words::calls as words;

pub(crate) fn run(args: Init, output: &Output) -> Result<u8, Failure> {
    let order_no = match args.order_no {
        Some(given) => OuterOrderNo::new(&given).map_err(Failure::usage)?,
        None => OuterOrderNo::generate(entropy()?),
    };
    let scene_id = SceneId::new(args.scene_id).map_err(Failure::usage)?;
    let in_frame = args.return_url == ReturnUrl::iframe().as_str();
    let return_url = if in_frame { Ok(ReturnUrl::iframe()) } else { ReturnUrl::new(&args.return_url) };
    let return_url = return_url.map_err(Failure::usage)?;
    let mut op = person::init_face_verify(scene_id, order_no.clone(), return_url, &args.person)?;
    if in_frame {
        op = op.certify_url_style(CertifyUrlStyle::Long);
    }
    if let Some(url) = &args.callback_url {
        let url = CallbackUrl::new(url).or_else(|error| CallbackUrl::loopback(url).map_err(|_| error));
        op = op.callback_url(url.map_err(Failure::usage)?);
    }
    let started = client(&args.call)?.init_face_verify(&op)?;
    let link = started.output.certify_url.as_ref().map(CertifyUrl::expose);
    let id = started.output.certify_id.as_str();
    let request_id = started.request_id.as_ref().map(ToString::to_string);
    let shown = link.unwrap_or(output.say(words::NO_CERTIFY_URL));
    let human = output.pick(words::started(id, order_no.as_str(), shown, scene_id));
    let document = json!({ "certify_id": id, "outer_order_no": order_no.as_str(), "certify_url": link, "request_id": request_id });
    output.print(&human, &document);
    Ok(0)
}
