//! Where credentials come from: the environment, or the Alibaba CLI's profile file.
//!
//! Given values go straight into [`Credentials::new`]. No error here shows a value, nor does it show the
//! profile file's content.

use std::fmt;
use std::path::{Path, PathBuf};

use cloudauth_protocol::{Credentials, CredentialsError};
use serde::Deserialize;

const ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";

/// From the environment if it holds any, or else from the Alibaba CLI's profile file.
///
/// # Errors
/// If neither has usable credentials; the message says what was looked for.
pub fn load() -> Result<Credentials, LoadError> {
    load_with(&|name| std::env::var(name).ok(), std::env::home_dir())
}

/// From `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and, for temporary ones,
/// `ALIBABA_CLOUD_SECURITY_TOKEN`.
///
/// # Errors
/// If the first two are not both set, or a value cannot be one.
pub fn from_env() -> Result<Credentials, LoadError> {
    env_credentials(&|name| std::env::var(name).ok())?.ok_or(LoadError::Missing(ID))
}

/// From the Alibaba CLI's profile file, usually `~/.aliyun/config.json`: the profile `name`, or the file's
/// current one. The modes `AK` and `StsToken` are read; the others, which fetch credentials from somewhere or
/// run a program, are refused by name.
///
/// # Errors
/// If the file cannot be read, has no such profile, or the profile is of another mode or incomplete.
pub fn from_cli_profile(file: &Path, name: Option<&str>) -> Result<Credentials, LoadError> {
    let text = std::fs::read(file).map_err(|error| LoadError::Unreadable(file.to_owned(), error.kind()))?;
    profile_credentials(&text, name, file)
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

fn load_with(env: Env<'_>, home: Option<PathBuf>) -> Result<Credentials, LoadError> {
    if let Some(credentials) = env_credentials(env)? {
        return Ok(credentials);
    }
    let says_true = |name| env(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let disabled =
        says_true("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") || says_true("ALIBABA_CLOUD_IGNORE_PROFILE");
    let file = home.map(|home| home.join(".aliyun").join("config.json")).filter(|file| file.exists());
    match file.filter(|_| !disabled) {
        Some(file) => from_cli_profile(&file, filled(env("ALIBABA_CLOUD_PROFILE")).as_deref()),
        None => Err(LoadError::Nowhere),
    }
}

fn env_credentials(env: Env<'_>) -> Result<Option<Credentials>, LoadError> {
    match (filled(env(ID)), filled(env(SECRET)), filled(env(TOKEN))) {
        (None, None, _) => Ok(None),
        (None, Some(_), _) => Err(LoadError::Missing(ID)),
        (Some(_), None, _) => Err(LoadError::Missing(SECRET)),
        (Some(id), Some(secret), None) => Ok(Some(Credentials::new(&id, &secret)?)),
        (Some(id), Some(secret), Some(token)) => Ok(Some(Credentials::temporary(&id, &secret, &token)?)),
    }
}

fn filled(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

#[derive(Deserialize)]
struct ProfileFile {
    #[serde(default)]
    current: Option<String>,
    #[serde(default)]
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    #[serde(default)]
    name: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    access_key_id: String,
    #[serde(default)]
    access_key_secret: String,
    #[serde(default)]
    sts_token: String,
}

fn profile_credentials(text: &[u8], name: Option<&str>, file: &Path) -> Result<Credentials, LoadError> {
    // The parser's own message could quote a secret.
    let document: ProfileFile =
        serde_json::from_slice(text).map_err(|_| LoadError::NotAProfileFile(file.to_owned()))?;
    let name = name.or(document.current.as_deref()).unwrap_or("default");
    let profile = document
        .profiles
        .iter()
        .find(|profile| profile.name == name)
        .ok_or_else(|| LoadError::NoProfile(name.to_owned(), file.to_owned()))?;
    match profile.mode.as_str() {
        "AK" => Ok(Credentials::new(&profile.access_key_id, &profile.access_key_secret)?),
        "StsToken" => Ok(Credentials::temporary(
            &profile.access_key_id,
            &profile.access_key_secret,
            &profile.sts_token,
        )?),
        mode => Err(LoadError::Mode { profile: name.to_owned(), mode: mode.to_owned() }),
    }
}

/// Why there are no credentials.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// Neither the environment nor a profile file has any.
    Nowhere,
    /// The environment has one half; this variable is missing.
    Missing(&'static str),
    /// A value cannot be what it should be.
    Invalid(CredentialsError),
    /// The profile file cannot be read.
    Unreadable(PathBuf, std::io::ErrorKind),
    /// The file is not a profile file.
    NotAProfileFile(PathBuf),
    /// The file has no profile of this name.
    NoProfile(String, PathBuf),
    /// The profile is of a mode that is not supported.
    Mode {
        /// Its name.
        profile: String,
        /// Its mode.
        mode: String,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => write!(
                f,
                "no credentials: set {ID} and {SECRET} (and {TOKEN} for temporary ones), or have a profile of \
                 mode AK or StsToken in ~/.aliyun/config.json"
            ),
            Self::Missing(variable) => write!(f, "the environment variable {variable} is missing or empty"),
            Self::Invalid(_) => f.write_str("the credentials cannot be used"),
            Self::Unreadable(file, kind) => write!(f, "cannot read {}: {kind}", file.display()),
            Self::NotAProfileFile(file) => {
                write!(f, "{} is not a profile file of the Alibaba CLI", file.display())
            }
            Self::NoProfile(name, file) => write!(f, "{} has no profile `{name}`", file.display()),
            Self::Mode { profile, mode } => write!(
                f,
                "the profile `{profile}` has the mode `{mode}`, which is not supported; use AK or StsToken"
            ),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Invalid(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CredentialsError> for LoadError {
    fn from(error: CredentialsError) -> Self {
        Self::Invalid(error)
    }
}

#[cfg(test)]
mod tests {
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
        profile_credentials(FILE.as_bytes(), name, Path::new("config.json"))
    }

    #[test]
    fn the_environment_comes_first() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aliyun")).unwrap();
        std::fs::write(home.path().join(".aliyun/config.json"), FILE).unwrap();
        let home = || Some(home.path().to_owned());
        let set = env(&[(ID, "envid"), (SECRET, "s"), (TOKEN, "t")]);
        let loaded = load_with(&set, home()).unwrap();
        assert_eq!((loaded.access_key_id(), loaded.security_token().unwrap().expose()), ("envid", "t"));
        assert_eq!(load_with(&env(&[]), home()).unwrap().access_key_id(), "testid");
        assert_eq!(
            load_with(&env(&[("ALIBABA_CLOUD_PROFILE", "temp")]), home()).unwrap().access_key_id(),
            "STS.x"
        );
        let ignored = load_with(&env(&[("ALIBABA_CLOUD_IGNORE_PROFILE", "TRUE")]), home()).unwrap_err();
        assert!(matches!(ignored, LoadError::Nowhere));
    }

    #[test]
    fn half_an_environment_names_the_missing_half() {
        let error = load_with(&env(&[(ID, "envid")]), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing or empty"
        );
    }

    #[test]
    fn the_modes_ak_and_sts_token_are_read() {
        assert_eq!(profile(None).unwrap().secret().expose(), "planted-secret");
        assert_eq!(profile(Some("temp")).unwrap().security_token().unwrap().expose(), "planted-token");
    }

    #[test]
    fn what_cannot_be_read_is_named_without_its_content() {
        for (error, expected) in [
            (
                profile(Some("ext")).unwrap_err(),
                "the profile `ext` has the mode `External`, which is not supported; use AK or StsToken",
            ),
            (profile(Some("nobody")).unwrap_err(), "config.json has no profile `nobody`"),
            (profile(Some("half")).unwrap_err(), "the credentials cannot be used"),
            (
                profile_credentials(
                    br#"{"profiles":[{"name":7,"x":"planted-secret"}]}"#,
                    None,
                    Path::new("c"),
                )
                .unwrap_err(),
                "c is not a profile file of the Alibaba CLI",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
    }
}
