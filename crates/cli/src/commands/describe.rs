//! `cloudauth describe`: asks how a verification ended.

use cloudauth::{CertifyId, DescribeFaceVerify, SceneId};

use super::{client, policy, status};
use crate::args::Describe;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(args: Describe, output: &Output) -> Result<u8, Failure> {
    // Before anything is asked: a policy that does not hold is no reason to ask.
    let policy = args.policy.as_deref().map(policy::load).transpose()?;
    let scene_id = SceneId::new(args.scene_id).map_err(Failure::usage)?;
    let certify_id = CertifyId::new(&args.certify_id).map_err(Failure::usage)?;
    let reply = client(args.target)?.describe_face_verify(&DescribeFaceVerify::new(scene_id, certify_id))?;
    let (human, document, exit) = status(&reply, output);
    if let Some(policy) = &policy {
        return Ok(policy::decide_status(policy, &reply.output, &human, document, output));
    }
    output.print(&human, &document);
    Ok(exit)
}
