//! The vendor's default chain of providers, built from the environment and the user's home directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{Chain, Link};
use super::credentials_uri::CredentialsUri;
use super::ecs_metadata::EcsMetadata;
use super::environment::{
    Env, env_credentials, env_oidc_role, ignores_cli_profile, is_true, non_empty, variable,
};
use super::error::ProvideError;
use super::files::{Defaults, ProfileFile, credentials_file};
use super::load_error::LoadError;
use super::provide_problem::ProvideProblem;
use super::provider::ProvideCredentials;
use super::sts::AssumeRoleWithOidc;

const ENVIRONMENT: &str = "environment";
const OIDC: &str = "OIDC";
const CLI_PROFILE: &str = "CLI profile";
const CREDENTIALS_FILE: &str = "credentials file";

impl Chain {
    /// Creates the vendor's default chain from this process's environment and the user's home directory. It
    /// reads the configuration now. It sends no request before the first call.
    #[must_use]
    pub fn from_environment() -> Self {
        default_chain(&variable, std::env::home_dir().as_deref())
    }
}

fn default_chain(env: Env<'_>, home: Option<&Path>) -> Chain {
    let ecs = ecs_metadata(env);
    let defaults = Defaults {
        ecs: ecs.clone(),
        sts_region: non_empty(env, "ALIBABA_CLOUD_STS_REGION"),
        sts_vpc: is_true(env, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"),
        session_name: non_empty(env, "ALIBABA_CLOUD_ROLE_SESSION_NAME"),
    };
    let mut links = vec![(ENVIRONMENT, environment_link(env))];
    links.extend(oidc_link(env, &defaults).map(|link| (OIDC, link)));
    links.extend(file_links(env, home, &defaults));
    links.extend(ecs.map(|metadata| ("ECS metadata", Ok(Arc::new(metadata) as _))));
    if let Some(uri) = non_empty(env, "ALIBABA_CLOUD_CREDENTIALS_URI") {
        links.push(("credentials URI", CredentialsUri::new(&uri).map(|uri| Arc::new(uri) as _)));
    }
    Chain::of_links(links)
}

fn ecs_metadata(env: Env<'_>) -> Option<EcsMetadata> {
    if is_true(env, "ALIBABA_CLOUD_ECS_METADATA_DISABLED") {
        return None;
    }
    let mut metadata = EcsMetadata::new();
    if let Some(role) = non_empty(env, "ALIBABA_CLOUD_ECS_METADATA") {
        metadata = metadata.role(role);
    }
    Some(if is_true(env, "ALIBABA_CLOUD_IMDSV1_DISABLED") { metadata.token_required() } else { metadata })
}

fn environment_link(env: Env<'_>) -> Link {
    match env_credentials(env) {
        Ok(Some(credentials)) => Ok(Arc::new(credentials)),
        Ok(None) => Err(ProvideError::of(ENVIRONMENT, ProvideProblem::NotInEnvironment).absent()),
        Err(error) => Err(ProvideError::unusable(ENVIRONMENT, error)),
    }
}

fn oidc_link(env: Env<'_>, defaults: &Defaults) -> Option<Link> {
    match env_oidc_role(env) {
        Ok(role) => role.map(|[arn, provider, file]| {
            let role = AssumeRoleWithOidc::new(arn, provider, file);
            Ok(Arc::new(defaults.apply(role, "", "", None)) as _)
        }),
        Err(error) => Some(Err(ProvideError::unusable(OIDC, error))),
    }
}

/// The links of the CLI's profile file and of the SDKs' credentials file.
fn file_links(env: Env<'_>, home: Option<&Path>, defaults: &Defaults) -> Vec<(&'static str, Link)> {
    let mut links: Vec<(&'static str, Link)> = Vec::new();
    let profile = non_empty(env, "ALIBABA_CLOUD_PROFILE");
    // A profile named in the environment may be in either file. It must be in at least one of them.
    let mut not_found = None;
    let file = home.and_then(|home| existing(home.join(".aliyun").join("config.json")));
    if let Some(file) = file.filter(|_| !ignores_cli_profile(env)) {
        match cli_profile(&file, profile.as_deref(), defaults) {
            Ok(Some(provider)) => links.push((CLI_PROFILE, Ok(provider))),
            Ok(None) => {
                let blank = ProvideProblem::BlankProfile(file);
                links.push((CLI_PROFILE, Err(ProvideError::of(CLI_PROFILE, blank).absent())));
            }
            Err(error @ LoadError::ProfileNotFound(..)) if profile.is_some() => not_found = Some(error),
            Err(error) => links.push((CLI_PROFILE, Err(ProvideError::unusable(CLI_PROFILE, error)))),
        }
    }
    let named = non_empty(env, "ALIBABA_CLOUD_CREDENTIALS_FILE").map(PathBuf::from);
    let usual = || {
        let folder = home?.join(".alibabacloud");
        existing(folder.join("credentials.ini")).or_else(|| existing(folder.join("credentials")))
    };
    if let Some(file) = named.or_else(usual) {
        match credentials_file(&file, profile.as_deref().unwrap_or("default"), defaults) {
            Ok(provider) => {
                not_found = None;
                links.push((CREDENTIALS_FILE, Ok(provider)));
            }
            Err(error @ LoadError::ProfileNotFound(..)) if profile.is_none() => {
                links.push((CREDENTIALS_FILE, Err(ProvideError::unusable(CREDENTIALS_FILE, error).absent())));
            }
            Err(error) => {
                links.push((CREDENTIALS_FILE, Err(ProvideError::unusable(CREDENTIALS_FILE, error))))
            }
        }
    }
    links.extend(not_found.map(|error| (CLI_PROFILE, Err(ProvideError::unusable(CLI_PROFILE, error)))));
    links
}

/// Returns the provider of a CLI profile, or `None` if the default profile holds no key. A profile chosen by
/// name must hold one.
fn cli_profile(
    file: &Path,
    name: Option<&str>,
    defaults: &Defaults,
) -> Result<Option<Arc<dyn ProvideCredentials>>, LoadError> {
    let profiles = ProfileFile::read(file)?;
    if name.is_none() && profiles.profile(name, file)?.is_blank() {
        return Ok(None);
    }
    profiles.provider(name, file, defaults).map(Some)
}

/// Returns the path if it exists. An unreadable file and a broken link also count as existing.
fn existing(path: PathBuf) -> Option<PathBuf> {
    let missing = [std::io::ErrorKind::NotFound, std::io::ErrorKind::NotADirectory];
    let is_missing = path.symlink_metadata().is_err_and(|error| missing.contains(&error.kind()));
    Some(path).filter(|_| !is_missing)
}

#[cfg(test)]
mod tests;
