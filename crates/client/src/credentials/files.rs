//! The two files that the vendor's tools keep: the Alibaba CLI's `~/.aliyun/config.json`, and the SDKs' credentials file.
//! Both are read as the vendor's Python package `alibabacloud-credentials` reads them; `tests/data/profiles.jsonl` lists
//! what that means, and the differences. Only the chosen profile is looked at: a flaw in another one does not matter.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cloudauth_protocol::Credentials;
use serde_json::{Map, Value};

use super::metadata::EcsMetadata;
use super::provide::ProvideCredentials;
use super::sts::{AssumeRole, AssumeRoleWithOidc, Sts};
use super::{LoadError, UNSUPPORTED, ini};

/// The longest chain of profiles that build on each other.
const LONGEST_CHAIN: usize = 8;
/// The largest file, in bytes.
const LARGEST: u64 = 1 << 20;

type Provider = Arc<dyn ProvideCredentials>;

/// What the environment says of the sources that a profile names.
#[derive(Debug)]
pub(super) struct Defaults {
    /// `None` where it is switched off.
    pub(super) ecs: Option<EcsMetadata>,
    pub(super) sts_region: Option<String>,
    pub(super) sts_vpc: bool,
    pub(super) session_name: Option<String>,
}

/// Profiles by the CLI's field names. No `Debug`: they hold secrets.
pub(super) struct ProfileFile {
    current: Option<String>,
    profiles: Vec<Map<String, Value>>,
}

impl ProfileFile {
    pub(super) fn read(file: &Path) -> Result<Self, LoadError> {
        Self::parse(&text_of(file)?, file)
    }

    pub(super) fn parse(text: &str, file: &Path) -> Result<Self, LoadError> {
        let refused = || LoadError::NotAProfileFile(file.to_owned());
        // The parser's own message could quote a secret.
        let document: Map<String, Value> = serde_json::from_str(text).map_err(|_| refused())?;
        let profiles = match document.get("profiles") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(profiles)) => profiles.iter().filter_map(Value::as_object).cloned().collect(),
            Some(_) => return Err(refused()),
        };
        let current = document.get("current").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { current, profiles })
    }

    /// The profile of this name, or the current one.
    pub(super) fn profile(&self, name: Option<&str>, file: &Path) -> Result<Profile<'_>, LoadError> {
        let name = name.or(self.current.as_deref()).unwrap_or("default");
        let named = |profile: &&Map<String, Value>| profile.get("name").and_then(Value::as_str) == Some(name);
        let fields = self.profiles.iter().find(named);
        let fields = fields.ok_or_else(|| LoadError::no_profile(name, file))?;
        Ok(Profile { name: fields.get("name").and_then(Value::as_str).unwrap_or_default(), fields })
    }

    /// The credentials provider that a profile describes.
    pub(super) fn provider(
        &self,
        name: Option<&str>,
        file: &Path,
        defaults: &Defaults,
    ) -> Result<Provider, LoadError> {
        self.provider_within(name, file, defaults, LONGEST_CHAIN)
    }

    fn provider_within(
        &self,
        name: Option<&str>,
        file: &Path,
        defaults: &Defaults,
        left: usize,
    ) -> Result<Provider, LoadError> {
        let profile = self.profile(name, file)?;
        Ok(match profile.text("mode")? {
            "AK" | "StsToken" => Arc::new(profile.fixed()?),
            "RamRoleArn" => profile.role(Arc::new(profile.long_lived()?), defaults)?,
            "ChainableRamRoleArn" if left > 0 => {
                let source = profile.needed("source_profile")?;
                // Not `NoProfile`: that says that the chosen one is missing.
                if self.profile(Some(source), file).is_err() {
                    return Err(profile.wrong("source_profile", "names no profile of the file"));
                }
                let source = self.provider_within(Some(source), file, defaults, left - 1)?;
                profile.role(source, defaults)?
            }
            "ChainableRamRoleArn" => return Err(LoadError::EndlessChain(file.to_owned())),
            "EcsRamRole" => {
                let metadata = defaults.ecs.clone().ok_or(LoadError::EcsSwitchedOff)?.configured();
                Arc::new(with(metadata, profile.text("ram_role_name")?, EcsMetadata::role))
            }
            "OIDC" => profile.oidc(defaults)?,
            _ => return Err(profile.unsupported()),
        })
    }
}

/// One profile. Its fields are looked at when they are needed.
pub(super) struct Profile<'a> {
    name: &'a str,
    fields: &'a Map<String, Value>,
}

impl Profile<'_> {
    /// The credentials that the profile itself holds.
    pub(super) fn fixed(&self) -> Result<Credentials, LoadError> {
        match self.text("mode")? {
            "AK" => self.long_lived(),
            "StsToken" => Ok(Credentials::temporary(
                self.text("access_key_id")?,
                self.text("access_key_secret")?,
                self.text("sts_token")?,
            )?),
            _ => Err(self.unsupported()),
        }
    }

    /// Whether it holds no key at all, as the CLI leaves a profile before the first key is typed.
    pub(super) fn is_blank(&self) -> bool {
        let is_empty = |field: &'static str| matches!(self.text(field), Ok(""));
        matches!(self.text("mode"), Ok("" | "AK"))
            && is_empty("access_key_id")
            && is_empty("access_key_secret")
    }

    fn long_lived(&self) -> Result<Credentials, LoadError> {
        Ok(Credentials::new(self.text("access_key_id")?, self.text("access_key_secret")?)?)
    }

    fn role(&self, source: Provider, defaults: &Defaults) -> Result<Provider, LoadError> {
        let role = AssumeRole::new(source, self.needed("ram_role_arn")?);
        let role = with(role, self.text("external_id")?, AssumeRole::external_id);
        let role = with(role, self.text("policy")?, AssumeRole::policy);
        let role = self.settings(role, "ram_session_name", defaults)?;
        Ok(Arc::new(match self.seconds("expired_seconds")? {
            Some(duration) => role.duration(duration),
            None => role,
        }))
    }

    fn oidc(&self, defaults: &Defaults) -> Result<Provider, LoadError> {
        let [arn, provider, file] = ["ram_role_arn", "oidc_provider_arn", "oidc_token_file"];
        let role = AssumeRoleWithOidc::new(self.needed(arn)?, self.needed(provider)?, self.needed(file)?);
        let role = with(role, self.text("policy")?, AssumeRoleWithOidc::policy);
        let role = self.settings(role, "role_session_name", defaults)?;
        Ok(Arc::new(match self.seconds("expired_seconds")? {
            Some(duration) => role.duration(duration),
            None => role,
        }))
    }

    fn settings<R: Sts>(&self, role: R, session: &'static str, defaults: &Defaults) -> Result<R, LoadError> {
        let vpc = self.switch("enable_vpc")?;
        Ok(defaults.apply(role, self.text(session)?, self.text("sts_region")?, vpc))
    }

    /// A text; empty where it is missing or null.
    fn text(&self, field: &'static str) -> Result<&str, LoadError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.wrong(field, "must be text")),
        }
    }

    fn needed(&self, field: &'static str) -> Result<&str, LoadError> {
        match self.text(field)? {
            "" => Err(self.wrong(field, "is missing or empty")),
            text => Ok(text),
        }
    }

    /// Whole seconds, as a number or as its text.
    fn seconds(&self, field: &'static str) -> Result<Option<Duration>, LoadError> {
        let seconds = match self.fields.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64(),
        };
        let seconds = seconds.ok_or_else(|| self.wrong(field, "must be a whole number of seconds"))?;
        Ok(Some(Duration::from_secs(seconds)))
    }

    fn switch(&self, field: &'static str) -> Result<Option<bool>, LoadError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(on)) => Ok(Some(*on)),
            Some(_) => Err(self.wrong(field, "must be true or false")),
        }
    }

    fn wrong(&self, field: &'static str, problem: &'static str) -> LoadError {
        LoadError::Field { profile: super::shown(self.name), field, problem }
    }

    fn unsupported(&self) -> LoadError {
        unsupported(self.name, self.text("mode").unwrap_or_default())
    }
}

fn unsupported(profile: &str, mode: &str) -> LoadError {
    // `fixed` knows two modes, and names the others.
    let fetched = ["RamRoleArn", "ChainableRamRoleArn", "EcsRamRole", "OIDC"];
    let known = UNSUPPORTED.iter().chain(&fetched).find(|known| **known == mode);
    LoadError::Mode { profile: super::shown(profile), mode: known.map_or("...", |known| known).to_owned() }
}

/// Sets what is not empty.
fn with<'a, T>(of: T, text: &'a str, set: impl FnOnce(T, &'a str) -> T) -> T {
    if text.is_empty() { of } else { set(of, text) }
}

impl Defaults {
    /// The profile's own settings, and the environment's where it has none.
    pub(super) fn apply<R: Sts>(&self, role: R, session: &str, region: &str, vpc: Option<bool>) -> R {
        let or = |own: &str, default: &Option<String>| match own {
            "" => default.clone().unwrap_or_default(),
            own => own.to_owned(),
        };
        let (session, region) = (or(session, &self.session_name), or(region, &self.sts_region));
        let role = with(role, &session, |role, name| role.named(name));
        with(role, &region, |role, region| role.in_region(region, vpc.unwrap_or(self.sts_vpc)))
    }
}

/// The credentials provider that a section of the SDKs' credentials file describes.
pub(super) fn credentials_file(
    file: &Path,
    section: &str,
    defaults: &Defaults,
) -> Result<Provider, LoadError> {
    credentials_text(&text_of(file)?, file, section, defaults)
}

pub(super) fn credentials_text(
    text: &str,
    file: &Path,
    section: &str,
    defaults: &Defaults,
) -> Result<Provider, LoadError> {
    let found = ini::section(text, section).map_err(|problem| LoadError::Syntax {
        file: file.to_owned(),
        line: problem.line,
        problem: problem.what,
    })?;
    let found = found.ok_or_else(|| LoadError::no_profile(section, file))?;
    // Translated to the names of the CLI's file. A key that this file does not have is not read.
    let mode = match found.get("type").map(String::as_str).unwrap_or_default() {
        "access_key" => "AK",
        "ram_role_arn" => "RamRoleArn",
        "ecs_ram_role" => "EcsRamRole",
        "oidc_role_arn" => "OIDC",
        other => return Err(unsupported(section, other)),
    };
    let keys = [
        ("access_key_id", "access_key_id"),
        ("access_key_secret", "access_key_secret"),
        ("role_arn", "ram_role_arn"),
        ("role_session_name", "ram_session_name"),
        ("role_session_name", "role_session_name"),
        ("role_name", "ram_role_name"),
        ("policy", "policy"),
        ("oidc_provider_arn", "oidc_provider_arn"),
        ("oidc_token_file_path", "oidc_token_file"),
    ];
    let mut fields: Map<String, Value> = keys
        .iter()
        .filter_map(|(here, there)| Some(((*there).to_owned(), found.get(*here)?.clone().into())))
        .collect();
    fields.insert("mode".to_owned(), mode.into());
    fields.insert("name".to_owned(), section.into());
    ProfileFile { current: None, profiles: vec![fields] }.provider(Some(section), file, defaults)
}

/// A file's text without its byte order mark.
fn text_of(file: &Path) -> Result<String, LoadError> {
    let unreadable = |error: std::io::Error| LoadError::Unreadable(file.to_owned(), error.kind());
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    opened.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(LoadError::Unreadable(file.to_owned(), std::io::ErrorKind::FileTooLarge));
    }
    let text = String::from_utf8(bytes).map_err(|_| LoadError::NotAProfileFile(file.to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests;
