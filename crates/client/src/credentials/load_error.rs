//! The error of loading credentials.

use std::fmt;
use std::path::{Path, PathBuf};

use cloudauth_protocol::CredentialsError;

pub(super) const ACCESS_KEY_ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
pub(super) const ACCESS_KEY_SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
pub(super) const SECURITY_TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";

/// The error of loading credentials from the environment or a file. It never shows a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// Neither the environment nor a profile file holds credentials.
    NotFound,
    /// This environment variable is missing, although others of its group are set.
    MissingVariable(&'static str),
    /// The credentials are invalid; the source says why.
    Invalid(CredentialsError),
    /// The file cannot be read.
    Unreadable(PathBuf, std::io::ErrorKind),
    /// The file is not a profile file.
    NotAProfileFile(PathBuf),
    /// The credentials file has a syntax error.
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line number, from 1.
        line: usize,
        /// The problem. It does not quote the line.
        problem: &'static str,
    },
    /// A field of the profile is invalid.
    InvalidField {
        /// The profile's name.
        profile: String,
        /// The field.
        field: &'static str,
        /// The problem. It does not quote the value.
        problem: &'static str,
    },
    /// The file has no profile with this name.
    ProfileNotFound(String, PathBuf),
    /// The profile's chain of source profiles is circular or too long.
    EndlessProfileChain(PathBuf),
    /// The profile uses the machine's role, which the environment turns off.
    EcsMetadataDisabled,
    /// The environment selects an OIDC role, whose credentials must be fetched.
    OidcInEnvironment,
    /// The profile's mode is not supported.
    UnsupportedMode {
        /// The profile's name.
        profile: String,
        /// The mode.
        mode: String,
    },
}

/// The unsupported modes of both files. An error prints only known modes, because any other text may be a secret.
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

/// The modes that fetch credentials, which [`load`](super::load) does not.
const FETCHING: [&str; 4] = ["RamRoleArn", "ChainableRamRoleArn", "EcsRamRole", "OIDC"];

impl LoadError {
    /// Returns whether the only problem is that the credentials must be fetched: the default chain does that.
    #[must_use]
    pub fn needs_default_chain(&self) -> bool {
        match self {
            Self::OidcInEnvironment => true,
            Self::UnsupportedMode { mode, .. } => FETCHING.contains(&mode.as_str()),
            _ => false,
        }
    }

    pub(super) fn profile_not_found(name: &str, file: &Path) -> Self {
        Self::ProfileNotFound(printable(name), file.to_owned())
    }

    pub(super) fn invalid_field(profile: &str, field: &'static str, problem: &'static str) -> Self {
        Self::InvalidField { profile: printable(profile), field, problem }
    }

    pub(super) fn unsupported_mode(profile: &str, mode: &str) -> Self {
        let known = UNSUPPORTED.iter().chain(&FETCHING).find(|known| **known == mode);
        let mode = known.map_or("...", |known| known).to_owned();
        Self::UnsupportedMode { profile: printable(profile), mode }
    }
}

/// Returns the name of a profile, or `...` if it may be a secret on the wrong line: access key secrets have 30 characters.
fn printable(name: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@');
    let digits = name.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
    if name.len() <= 20 && digits < 6 && name.bytes().all(is_plain) {
        name.to_owned()
    } else {
        "...".to_owned()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => write!(
                f,
                "no credentials found: set {ACCESS_KEY_ID} and {ACCESS_KEY_SECRET} (and {SECURITY_TOKEN} for temporary \
                 credentials), or add a profile of mode AK or StsToken to ~/.aliyun/config.json"
            ),
            Self::MissingVariable(name) => write!(f, "the environment variable {name} is missing or empty"),
            Self::Invalid(_) => f.write_str("invalid credentials"),
            Self::Unreadable(file, kind) => write!(f, "cannot read {}: {kind}", file.display()),
            Self::NotAProfileFile(file) => write!(f, "{} is not a profile file", file.display()),
            Self::Syntax { file, line, problem } => write!(f, "{}, line {line}: {problem}", file.display()),
            Self::InvalidField { profile, field, problem } => {
                write!(f, "profile `{profile}`: the field `{field}` {problem}")
            }
            Self::EcsMetadataDisabled => f.write_str(
                "the profile uses the machine's role, but ALIBABA_CLOUD_ECS_METADATA_DISABLED is true",
            ),
            Self::OidcInEnvironment => write!(
                f,
                "the environment selects an OIDC role, whose credentials must be fetched: use the default chain, or set \
                 {ACCESS_KEY_ID} and {ACCESS_KEY_SECRET}"
            ),
            Self::EndlessProfileChain(file) => {
                write!(f, "{}: the chain of source profiles is circular or too long", file.display())
            }
            Self::ProfileNotFound(name, file) => write!(f, "{} has no profile `{name}`", file.display()),
            Self::UnsupportedMode { profile, mode } => {
                let hint = match mode.as_str() {
                    "External" => "external programs are not run",
                    _ if self.needs_default_chain() => "it fetches credentials; use the default chain",
                    _ => "use AK, StsToken, RamRoleArn, EcsRamRole or OIDC",
                };
                write!(f, "profile `{profile}` has the unsupported mode `{mode}`: {hint}")
            }
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

    #[test]
    fn name_that_may_be_a_secret_is_not_shown() {
        let file = Path::new("config.json");
        for (name, is_shown) in [
            ("default", true),
            ("Shop_2.b-c@x", true),
            ("abcdefghijklmnopqrst", true),
            ("abcdefghijklmnopqrstu", false),
            ("p12345", true),
            ("p123456", false),
            ("planted!", false),
            ("two words", false),
            ("密码", false),
        ] {
            let error = LoadError::profile_not_found(name, file).to_string();
            let shown = if is_shown { name } else { "..." };
            assert_eq!(error, format!("config.json has no profile `{shown}`"));
        }
    }

    #[test]
    fn error_of_an_unsupported_mode_says_what_to_do() {
        for (mode, shown, hint) in [
            ("External", "External", "external programs are not run"),
            ("OIDC", "OIDC", "it fetches credentials; use the default chain"),
            ("CloudSSO", "CloudSSO", "use AK, StsToken, RamRoleArn, EcsRamRole or OIDC"),
            ("planted", "...", "use AK, StsToken, RamRoleArn, EcsRamRole or OIDC"),
        ] {
            let error = LoadError::unsupported_mode("p", mode);
            assert_eq!(error.to_string(), format!("profile `p` has the unsupported mode `{shown}`: {hint}"));
            assert_eq!(error.needs_default_chain(), mode == "OIDC");
        }
    }
}
