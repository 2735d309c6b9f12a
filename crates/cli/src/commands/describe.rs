//! `cloudauth describe`: queries the result of a verification.

use cloudauth::{CertifyId, DescribeFaceVerify, SceneId};

use super::call::{client, status};
use super::policy::{decide_status, load};
use crate::args::Describe;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(args: Describe, output: &Output) -> Result<u8, Failure> {
    // Before the call: with an invalid policy, there is nothing to decide.
    let policy = args.policy.as_deref().map(load).transpose()?;
    let scene_id = SceneId::new(args.scene_id).map_err(Failure::usage)?;
    let certify_id = CertifyId::new(&args.certify_id).map_err(Failure::usage)?;
    let reply = client(&args.call)?.describe_face_verify(&DescribeFaceVerify::new(scene_id, certify_id))?;
    let (human, document, exit) = status(&reply, output);
    if let Some(policy) = &policy {
        return Ok(decide_status(policy, &reply.output, &human, document, output));
    }
    output.print(&human, &document);
    Ok(exit)
}
