//! The Alibaba CLI's profile file, usually `~/.aliyun/config.json`.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cloudauth_protocol::Credentials;
use serde_json::{Map, Value};

use super::super::ecs_metadata::EcsMetadata;
use super::super::load_error::LoadError;
use super::super::provider::ProvideCredentials;
use super::super::sts::{AssumeRole, AssumeRoleWithOidc, StsRole};
use super::defaults::{Defaults, set_non_empty};
use super::text;

/// The longest chain of source profiles.
const LONGEST_CHAIN: usize = 8;

type Provider = Arc<dyn ProvideCredentials>;

/// The profiles of a file, with the CLI's field names. It has no `Debug`, because it holds secrets.
pub(in crate::credentials) struct ProfileFile {
    current: Option<String>,
    profiles: Vec<Map<String, Value>>,
}

impl ProfileFile {
    pub(in crate::credentials) fn read(file: &Path) -> Result<Self, LoadError> {
        Self::parse(&text::read(file)?, file)
    }

    pub(in crate::credentials) fn parse(text: &str, file: &Path) -> Result<Self, LoadError> {
        let refused = || LoadError::NotAProfileFile(file.to_owned());
        // The parser's own message is dropped, because it may quote a secret.
        let document: Map<String, Value> = serde_json::from_str(text).map_err(|_| refused())?;
        let profiles = match document.get("profiles") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(profiles)) => profiles.iter().filter_map(Value::as_object).cloned().collect(),
            Some(_) => return Err(refused()),
        };
        let current = document.get("current").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { current, profiles })
    }

    /// Creates a file with one profile.
    pub(super) fn of_one(fields: Map<String, Value>) -> Self {
        Self { current: None, profiles: vec![fields] }
    }

    /// Returns the profile with this name, or the current one.
    pub(in crate::credentials) fn profile(
        &self,
        name: Option<&str>,
        file: &Path,
    ) -> Result<Profile<'_>, LoadError> {
        let name = name.or(self.current.as_deref()).unwrap_or("default");
        let named = |profile: &&Map<String, Value>| profile.get("name").and_then(Value::as_str) == Some(name);
        let fields = self.profiles.iter().find(named);
        let fields = fields.ok_or_else(|| LoadError::profile_not_found(name, file))?;
        Ok(Profile { name: fields.get("name").and_then(Value::as_str).unwrap_or_default(), fields })
    }

    /// Returns the provider that a profile describes.
    pub(in crate::credentials) fn provider(
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
                let source = profile.required("source_profile")?;
                // Not `ProfileNotFound`, which refers to the chosen profile.
                if self.profile(Some(source), file).is_err() {
                    return Err(profile.invalid("source_profile", "names a profile that does not exist"));
                }
                let source = self.provider_within(Some(source), file, defaults, left - 1)?;
                profile.role(source, defaults)?
            }
            "ChainableRamRoleArn" => return Err(LoadError::EndlessProfileChain(file.to_owned())),
            "EcsRamRole" => {
                let metadata = defaults.ecs.clone().ok_or(LoadError::EcsMetadataDisabled)?.configured();
                Arc::new(set_non_empty(metadata, profile.text("ram_role_name")?, EcsMetadata::role))
            }
            "OIDC" => profile.oidc(defaults)?,
            _ => return Err(profile.unsupported()),
        })
    }
}

/// One profile. Its fields are checked when they are read.
pub(in crate::credentials) struct Profile<'a> {
    name: &'a str,
    fields: &'a Map<String, Value>,
}

impl Profile<'_> {
    /// Returns the credentials that the profile itself holds.
    pub(in crate::credentials) fn fixed(&self) -> Result<Credentials, LoadError> {
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

    /// Returns whether the profile holds no key. The CLI creates such a profile before the user enters a key.
    pub(in crate::credentials) fn is_blank(&self) -> bool {
        let is_empty = |field: &'static str| matches!(self.text(field), Ok(""));
        matches!(self.text("mode"), Ok("" | "AK"))
            && is_empty("access_key_id")
            && is_empty("access_key_secret")
    }

    fn long_lived(&self) -> Result<Credentials, LoadError> {
        Ok(Credentials::new(self.text("access_key_id")?, self.text("access_key_secret")?)?)
    }

    fn role(&self, source: Provider, defaults: &Defaults) -> Result<Provider, LoadError> {
        let role = AssumeRole::new(source, self.required("ram_role_arn")?);
        let role = set_non_empty(role, &self.text_or_number("external_id")?, AssumeRole::external_id);
        let role = set_non_empty(role, &self.text_or_number("policy")?, AssumeRole::policy);
        let role = self.settings(role, "ram_session_name", defaults)?;
        Ok(Arc::new(match self.seconds("expired_seconds")? {
            Some(duration) => role.duration(duration),
            None => role,
        }))
    }

    fn oidc(&self, defaults: &Defaults) -> Result<Provider, LoadError> {
        let [arn, provider, file] = ["ram_role_arn", "oidc_provider_arn", "oidc_token_file"];
        let role =
            AssumeRoleWithOidc::new(self.required(arn)?, self.required(provider)?, self.required(file)?);
        let role = set_non_empty(role, &self.text_or_number("policy")?, AssumeRoleWithOidc::policy);
        let role = self.settings(role, "role_session_name", defaults)?;
        Ok(Arc::new(match self.seconds("expired_seconds")? {
            Some(duration) => role.duration(duration),
            None => role,
        }))
    }

    fn settings<R: StsRole>(
        &self,
        role: R,
        session: &'static str,
        defaults: &Defaults,
    ) -> Result<R, LoadError> {
        let vpc = self.switch("enable_vpc")?;
        Ok(defaults.apply(role, &self.text_or_number(session)?, self.text("sts_region")?, vpc))
    }

    /// Returns a text field, or an empty text if it is missing or null.
    fn text(&self, field: &'static str) -> Result<&str, LoadError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.invalid(field, "must be text")),
        }
    }

    /// Returns a text field that may be written as a whole number, such as the name of a session.
    fn text_or_number(&self, field: &'static str) -> Result<Cow<'_, str>, LoadError> {
        match self.fields.get(field) {
            Some(Value::Number(number)) if !number.is_f64() => Ok(Cow::Owned(number.to_string())),
            _ => self.text(field).map(Cow::Borrowed),
        }
    }

    fn required(&self, field: &'static str) -> Result<&str, LoadError> {
        match self.text(field)? {
            "" => Err(self.invalid(field, "is missing or empty")),
            text => Ok(text),
        }
    }

    /// Returns a number of seconds, which may be written as text, or with a fraction of zero: `3600.0`.
    fn seconds(&self, field: &'static str) -> Result<Option<Duration>, LoadError> {
        let seconds = match self.fields.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64().or_else(|| value.as_f64().and_then(whole)),
        };
        let seconds = seconds.ok_or_else(|| self.invalid(field, "must be a whole number of seconds"))?;
        Ok(Some(Duration::from_secs(seconds)))
    }

    /// Returns a switch, which may be written as text or as 1 or 0.
    fn switch(&self, field: &'static str) -> Result<Option<bool>, LoadError> {
        let on = match self.fields.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Bool(on)) => Some(*on),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Some(true),
            Some(Value::String(text)) if text.is_empty() || text.eq_ignore_ascii_case("false") => Some(false),
            Some(Value::Number(number)) => match number.as_u64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Some(_) => None,
        };
        on.map(Some).ok_or_else(|| self.invalid(field, "must be true or false"))
    }

    fn invalid(&self, field: &'static str, problem: &'static str) -> LoadError {
        LoadError::invalid_field(self.name, field, problem)
    }

    fn unsupported(&self) -> LoadError {
        LoadError::unsupported_mode(self.name, self.text("mode").unwrap_or_default())
    }
}

/// Returns a number without a fraction.
fn whole(number: f64) -> Option<u64> {
    // A longer time than STS grants is left to it. Every whole number below 2^53 is exact.
    (number.fract() == 0.0 && (0.0..9.0e15).contains(&number)).then_some(number as u64)
}
