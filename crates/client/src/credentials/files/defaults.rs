//! The settings that apply to all profiles, from the environment.

use super::super::ecs_metadata::EcsMetadata;
use super::super::sts::StsRole;

/// The environment's settings for the providers that a profile describes.
#[derive(Debug)]
pub(in crate::credentials) struct Defaults {
    /// `None` if the environment turns ECS metadata off.
    pub(in crate::credentials) ecs: Option<EcsMetadata>,
    pub(in crate::credentials) sts_region: Option<String>,
    pub(in crate::credentials) sts_vpc: bool,
    pub(in crate::credentials) session_name: Option<String>,
}

impl Defaults {
    /// Applies a profile's own settings to a role, and the environment's where the profile has none.
    pub(in crate::credentials) fn apply<R: StsRole>(
        &self,
        role: R,
        session: &str,
        region: &str,
        vpc: Option<bool>,
    ) -> R {
        let or_default = |own: &str, default: &Option<String>| match own {
            "" => default.clone().unwrap_or_default(),
            own => own.to_owned(),
        };
        let (session, region) =
            (or_default(session, &self.session_name), or_default(region, &self.sts_region));
        let role = set_non_empty(role, &session, |role, name| role.named(name));
        let vpc = vpc.unwrap_or(self.sts_vpc);
        set_non_empty(role, &region, |role, region| role.in_region(region, vpc))
    }
}

/// Applies a setting that is not empty.
pub(super) fn set_non_empty<'a, T>(target: T, text: &'a str, set: impl FnOnce(T, &'a str) -> T) -> T {
    if text.is_empty() { target } else { set(target, text) }
}
