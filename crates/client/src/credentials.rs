//! Where credentials come from.
//!
//! Given values go straight into [`Credentials::new`], and a client takes them as they are. Those that rotate come from a
//! provider, of which [`Chain::from_environment`] is the vendor's default chain:
//!
//! | asked in this order | if |
//! | --- | --- |
//! | `ALIBABA_CLOUD_ACCESS_KEY_ID`, `.._ACCESS_KEY_SECRET`, `.._SECURITY_TOKEN` | one of them is set |
//! | [`AssumeRoleWithOidc`] | `ALIBABA_CLOUD_ROLE_ARN`, `.._OIDC_PROVIDER_ARN` and `.._OIDC_TOKEN_FILE` are set |
//! | the Alibaba CLI's profile: AK, StsToken, RamRoleArn, ChainableRamRoleArn, EcsRamRole, OIDC | `~/.aliyun/config.json` is there, unless `ALIBABA_CLOUD_CLI_PROFILE_DISABLED=true` |
//! | the SDKs' credentials file: access_key, ram_role_arn, ecs_ram_role, oidc_role_arn | `ALIBABA_CLOUD_CREDENTIALS_FILE`, `~/.alibabacloud/credentials.ini` or `~/.alibabacloud/credentials` is there |
//! | [`EcsMetadata`] | unless `ALIBABA_CLOUD_ECS_METADATA_DISABLED=true` |
//! | [`CredentialsUri`] | `ALIBABA_CLOUD_CREDENTIALS_URI` is set |
//!
//! A source that is present and cannot be used ends the chain with its name and what is wrong: a half-set pair of
//! variables, a secret with a final newline, a file that cannot be read, a profile that does not exist, an STS that does
//! not answer. The next source could be another account. A source that is absent is passed over: variables that are not
//! set, a file that is not there or has no default profile, a profile without any key, a machine without a metadata
//! service or without a role.
//!
//! The order and the variables are those of the vendor's `alibabacloud-credentials`; also read are
//! `ALIBABA_CLOUD_STS_REGION`, `.._VPC_ENDPOINT_ENABLED`, `.._ROLE_SESSION_NAME`, `.._ECS_METADATA` and
//! `.._IMDSV1_DISABLED`. Other than there, a request to STS is signed by this machine's clock alone: one that is off by a
//! quarter of an hour gets no role. A profile that runs a program
//! (`process_command`) is refused, as are CloudSSO, OAuth and key pairs.
//!
//! A client fetches once for all that wait, again a quarter of an hour before the end (at half time for what lives
//! shorter) or when the gateway says `InvalidSecurityToken.Expired`, and keeps no failure. No error here shows a value, nor
//! a file's content, nor an answer's.

mod cache;
mod chain;
mod files;
mod ini;
mod keys;
mod metadata;
mod provide;
mod sts;

use std::fmt;
use std::path::{Path, PathBuf};

use cloudauth_protocol::{Credentials, CredentialsError};

pub(crate) use cache::{CredentialCache, same};
pub use chain::Chain;
use files::ProfileFile;
pub use metadata::{CredentialsUri, EcsMetadata};
pub use provide::{Fetch, FetchStep, ProvideCredentials, ProvideError, Provided};
pub use sts::{AssumeRole, AssumeRoleWithOidc};

const ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";

/// Those that are there to be read and do not rotate: from the environment if it holds any, or else from the Alibaba CLI's
/// profile file. [`Chain::from_environment`] also fetches.
///
/// # Errors
/// If neither has usable credentials; the message says what was looked for.
pub fn load() -> Result<Credentials, LoadError> {
    load_with(&variable, std::env::home_dir())
}

/// From `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and, for temporary ones,
/// `ALIBABA_CLOUD_SECURITY_TOKEN`.
///
/// # Errors
/// If the first two are not both set, or a value cannot be one.
pub fn from_env() -> Result<Credentials, LoadError> {
    env_credentials(&variable)?.ok_or(LoadError::Missing(ID))
}

/// From the Alibaba CLI's profile file, usually `~/.aliyun/config.json`: the profile `name`, or the file's
/// current one. The modes `AK` and `StsToken` are read; the others, which fetch credentials from somewhere, are left to
/// [`Chain::from_environment`].
///
/// # Errors
/// If the file cannot be read, has no such profile, or the profile is of another mode or incomplete.
pub fn from_cli_profile(file: &Path, name: Option<&str>) -> Result<Credentials, LoadError> {
    ProfileFile::read(file)?.profile(name, file)?.fixed()
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable of this process. One that is not UTF-8 is set, too: it is read so that it is refused, not passed over.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

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
        (None, None, None) => Ok(None),
        (None, _, _) => Err(LoadError::Missing(ID)),
        (Some(_), None, _) => Err(LoadError::Missing(SECRET)),
        (Some(id), Some(secret), None) => Ok(Some(Credentials::new(&id, &secret)?)),
        (Some(id), Some(secret), Some(token)) => Ok(Some(Credentials::temporary(&id, &secret, &token)?)),
    }
}

fn filled(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
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
    /// A line of the credentials file cannot be read.
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it; the line is not quoted.
        problem: &'static str,
    },
    /// A field of the profile cannot be used.
    Field {
        /// The profile's name.
        profile: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it; its value is not quoted.
        problem: &'static str,
    },
    /// The file has no profile of this name.
    NoProfile(String, PathBuf),
    /// The profile builds on another, that on another, and so on without an end.
    EndlessChain(PathBuf),
    /// The profile is of the machine's own role, which the environment switches off.
    EcsSwitchedOff,
    /// The profile is of a mode that is not supported.
    Mode {
        /// Its name.
        profile: String,
        /// Its mode.
        mode: String,
    },
}

impl LoadError {
    fn no_profile(name: &str, file: &Path) -> Self {
        Self::NoProfile(shown(name), file.to_owned())
    }
}

/// A profile's name, if it is too short for a secret: an access key secret has 30 characters. A name that is longer may be
/// a secret on the wrong line.
fn shown(name: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@');
    let digits = name.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
    if name.len() <= 20 && digits < 6 && name.bytes().all(is_plain) {
        name.to_owned()
    } else {
        "...".to_owned()
    }
}

/// The modes of both files that are not supported. Any other text in their place is not printed.
const UNSUPPORTED: [&str; 10] = [
    "External",
    "CloudSSO",
    "OAuth",
    "RsaKeyPair",
    "BearerToken",
    "CredentialsURI",
    "Anonymous",
    "rsa_key_pair",
    "bearer",
    "credentials_uri",
];

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
            Self::NotAProfileFile(file) => write!(f, "{} is not a profile file", file.display()),
            Self::Syntax { file, line, problem } => write!(f, "{} line {line}: {problem}", file.display()),
            Self::Field { profile, field, problem } => {
                write!(f, "the profile `{profile}`: the field `{field}` {problem}")
            }
            Self::EcsSwitchedOff => f.write_str(
                "the profile is of the machine's own role, and ALIBABA_CLOUD_ECS_METADATA_DISABLED is true",
            ),
            Self::EndlessChain(file) => write!(f, "{} has profiles that build on each other", file.display()),
            Self::NoProfile(name, file) => write!(f, "{} has no profile `{name}`", file.display()),
            Self::Mode { profile, mode } => write!(
                f,
                "the profile `{profile}` has the mode `{mode}`, which is not supported here{}",
                match mode.as_str() {
                    "External" => ": it runs a program, and none is run",
                    "RamRoleArn" | "ChainableRamRoleArn" | "EcsRamRole" | "OIDC" => {
                        ": it fetches credentials, which a client's chain of providers does"
                    }
                    _ => "; use AK, StsToken, RamRoleArn, EcsRamRole or OIDC",
                }
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
        parsed(FILE)?.profile(name, Path::new("config.json"))?.fixed()
    }

    fn parsed(text: &str) -> Result<ProfileFile, LoadError> {
        ProfileFile::parse(text, Path::new("config.json"))
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
                "the profile `ext` has the mode `External`, which is not supported here: it runs a program, and none is run",
            ),
            (profile(Some("nobody")).unwrap_err(), "config.json has no profile `nobody`"),
            (profile(Some("half")).unwrap_err(), "the credentials cannot be used"),
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
