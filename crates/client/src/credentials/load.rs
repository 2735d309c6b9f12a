//! Loading credentials without a request: from the environment or the Alibaba CLI's profile file.

use std::path::{Path, PathBuf};

use cloudauth_protocol::Credentials;

use super::environment::{Env, env_credentials, env_oidc_role, ignores_cli_profile, non_empty, variable};
use super::files::ProfileFile;
use super::load_error::{ACCESS_KEY_ID, LoadError};

/// Loads fixed credentials from the environment or, if it holds none, from the Alibaba CLI's profile file.
/// [`Chain::from_environment`](super::Chain::from_environment) also fetches credentials that rotate.
///
/// # Errors
/// If neither holds valid credentials, or if the environment selects an OIDC role, whose credentials must be fetched. The
/// message says what to set.
pub fn load() -> Result<Credentials, LoadError> {
    load_with(&variable, std::env::home_dir())
}

/// Loads credentials from `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and, for temporary credentials,
/// `ALIBABA_CLOUD_SECURITY_TOKEN`.
///
/// # Errors
/// If one of the first two is not set, or a value is invalid.
pub fn from_env() -> Result<Credentials, LoadError> {
    env_credentials(&variable)?.ok_or(LoadError::MissingVariable(ACCESS_KEY_ID))
}

/// Loads credentials from the Alibaba CLI's profile file, usually `~/.aliyun/config.json`: from the profile `name`, or from
/// the file's current profile. It reads the modes `AK` and `StsToken`. The other modes fetch credentials; use
/// [`Chain::from_environment`](super::Chain::from_environment) for them.
///
/// # Errors
/// If the file cannot be read, the profile does not exist, has another mode or is incomplete.
pub fn from_cli_profile(file: &Path, name: Option<&str>) -> Result<Credentials, LoadError> {
    ProfileFile::read(file)?.profile(name, file)?.fixed()
}

fn load_with(env: Env<'_>, home: Option<PathBuf>) -> Result<Credentials, LoadError> {
    if let Some(credentials) = env_credentials(env)? {
        return Ok(credentials);
    }
    // The default chain would use this role, which may belong to another account than the profile.
    if env_oidc_role(env)?.is_some() {
        return Err(LoadError::OidcInEnvironment);
    }
    let file = home.map(|home| home.join(".aliyun").join("config.json")).filter(|file| file.exists());
    match file.filter(|_| !ignores_cli_profile(env)) {
        Some(file) => from_cli_profile(&file, non_empty(env, "ALIBABA_CLOUD_PROFILE").as_deref()),
        None => Err(LoadError::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::super::load_error::{ACCESS_KEY_SECRET, SECURITY_TOKEN};
    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| pairs.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned())
    }

    const FILE: &str = r#"{"current":"work","profiles":[
        {"name":"work","mode":"AK","access_key_id":"testid","access_key_secret":"planted-secret","region_id":"cn-hangzhou"},
        {"name":"temp","mode":"StsToken","access_key_id":"STS.x","access_key_secret":"planted-secret","sts_token":"planted-token"},
        {"name":"ext","mode":"External","process_command":"rm -rf planted-secret"},
        {"name":"half","mode":"AK","access_key_id":"testid"}]}"#;

    fn profile(name: Option<&str>) -> Result<Credentials, LoadError> {
        parsed(FILE)?.profile(name, Path::new("config.json"))?.fixed()
    }

    fn parsed(text: &str) -> Result<ProfileFile, LoadError> {
        ProfileFile::parse(text, Path::new("config.json"))
    }

    #[test]
    fn environment_takes_precedence_over_profile_file() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aliyun")).unwrap();
        std::fs::write(home.path().join(".aliyun/config.json"), FILE).unwrap();
        let home = || Some(home.path().to_owned());
        let set = env(&[(ACCESS_KEY_ID, "envid"), (ACCESS_KEY_SECRET, "s"), (SECURITY_TOKEN, "t")]);
        let loaded = load_with(&set, home()).unwrap();
        assert_eq!((loaded.access_key_id(), loaded.security_token().unwrap().expose()), ("envid", "t"));
        assert_eq!(load_with(&env(&[]), home()).unwrap().access_key_id(), "testid");
        let chosen = env(&[("ALIBABA_CLOUD_PROFILE", "temp")]);
        assert_eq!(load_with(&chosen, home()).unwrap().access_key_id(), "STS.x");
        let ignored = load_with(&env(&[("ALIBABA_CLOUD_IGNORE_PROFILE", "TRUE")]), home()).unwrap_err();
        assert!(matches!(ignored, LoadError::NotFound));
    }

    #[test]
    fn profile_does_not_replace_the_oidc_role_of_the_environment() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aliyun")).unwrap();
        std::fs::write(home.path().join(".aliyun/config.json"), FILE).unwrap();
        let load = |env: Env<'_>| load_with(env, Some(home.path().to_owned()));
        let role = env(&[
            ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/shop"),
            ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/p"),
            ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/nowhere/token"),
        ]);
        let error = load(&role).unwrap_err();
        assert!(matches!(error, LoadError::OidcInEnvironment) && error.needs_default_chain(), "{error}");
        let half = env(&[("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/nowhere/token")]);
        assert!(matches!(load(&half), Err(LoadError::MissingVariable("ALIBABA_CLOUD_ROLE_ARN"))));
        let arn = env(&[("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/shop")]);
        assert_eq!(load(&arn).unwrap().access_key_id(), "testid", "the role alone selects no source");
        let both = |name: &str| match name {
            ACCESS_KEY_ID => Some("envid".to_owned()),
            ACCESS_KEY_SECRET => Some("s".to_owned()),
            name => role(name),
        };
        assert_eq!(load(&both).unwrap().access_key_id(), "envid", "the environment's key comes first");
    }

    #[test]
    fn names_the_missing_variable_of_a_pair() {
        let error = load_with(&env(&[(ACCESS_KEY_ID, "envid")]), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing or empty"
        );
    }

    #[test]
    fn reads_the_modes_ak_and_sts_token() {
        assert_eq!(profile(None).unwrap().secret().expose(), "planted-secret");
        assert_eq!(profile(Some("temp")).unwrap().security_token().unwrap().expose(), "planted-token");
    }

    #[test]
    fn errors_name_the_profile_and_hide_its_content() {
        for (error, expected) in [
            (
                profile(Some("ext")).unwrap_err(),
                "profile `ext` has the unsupported mode `External`: external programs are not run",
            ),
            (profile(Some("missing")).unwrap_err(), "config.json has no profile `missing`"),
            (profile(Some("half")).unwrap_err(), "invalid credentials"),
            (
                parsed(r#"{"profiles":"planted-secret"}"#).map(|_| ()).unwrap_err(),
                "config.json is not a profile file",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
    }
}
