//! The two files that the vendor's tools keep: the Alibaba CLI's `~/.aliyun/config.json`, and the SDKs' credentials file.
//! The names of the fields are those of the vendor's Python package `alibabacloud-credentials`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cloudauth_protocol::Credentials;
use configparser::ini::{Ini, IniDefault};
use serde::Deserialize;

use super::metadata::EcsMetadata;
use super::provide::ProvideCredentials;
use super::sts::{AssumeRole, AssumeRoleWithOidc, Sts};
use super::{LoadError, filled};

/// A profile may build on another, and no chain is longer.
const LONGEST_CHAIN: usize = 8;

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

#[derive(Deserialize)]
pub(super) struct ProfileFile {
    #[serde(default)]
    current: Option<String>,
    #[serde(default)]
    profiles: Vec<Profile>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    name: String,
    mode: String,
    access_key_id: String,
    access_key_secret: String,
    sts_token: String,
    ram_role_arn: String,
    ram_session_name: String,
    role_session_name: String,
    ram_role_name: String,
    source_profile: String,
    external_id: String,
    policy: String,
    sts_region: String,
    enable_vpc: bool,
    expired_seconds: Option<u64>,
    oidc_provider_arn: String,
    oidc_token_file: String,
}

impl ProfileFile {
    pub(super) fn read(file: &Path) -> Result<Self, LoadError> {
        let text =
            std::fs::read(file).map_err(|error| LoadError::Unreadable(file.to_owned(), error.kind()))?;
        Self::parse(&text, file)
    }

    pub(super) fn parse(text: &[u8], file: &Path) -> Result<Self, LoadError> {
        // The parser's own message could quote a secret.
        serde_json::from_slice(text).map_err(|_| LoadError::NotAProfileFile(file.to_owned()))
    }

    /// The profile of this name, or the current one.
    pub(super) fn profile(&self, name: Option<&str>, file: &Path) -> Result<&Profile, LoadError> {
        let name = name.or(self.current.as_deref()).unwrap_or("default");
        let found = self.profiles.iter().find(|profile| profile.name == name);
        found.ok_or_else(|| LoadError::NoProfile(name.to_owned(), file.to_owned()))
    }

    /// What a profile stands for.
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
        Ok(match profile.mode.as_str() {
            "AK" | "StsToken" => Arc::new(profile.fixed()?),
            "RamRoleArn" => profile.role(Arc::new(profile.long_lived()?), defaults),
            "ChainableRamRoleArn" if left > 0 => {
                let source = self.provider_within(Some(&profile.source_profile), file, defaults, left - 1)?;
                profile.role(source, defaults)
            }
            "ChainableRamRoleArn" => return Err(LoadError::EndlessChain(file.to_owned())),
            "EcsRamRole" => {
                let metadata = defaults.ecs.clone().ok_or(LoadError::EcsSwitchedOff)?;
                Arc::new(with(metadata, &profile.ram_role_name, EcsMetadata::role))
            }
            "OIDC" => {
                let (arn, provider) = (&profile.ram_role_arn, &profile.oidc_provider_arn);
                let role = AssumeRoleWithOidc::new(arn, provider, &profile.oidc_token_file);
                let role = with(role, &profile.policy, AssumeRoleWithOidc::policy);
                let role =
                    defaults.apply(role, &profile.role_session_name, &profile.sts_region, profile.enable_vpc);
                Arc::new(match profile.expired_seconds {
                    Some(seconds) => role.duration(Duration::from_secs(seconds)),
                    None => role,
                })
            }
            _ => return Err(profile.unsupported()),
        })
    }
}

impl Profile {
    /// The credentials that stand in the profile itself.
    pub(super) fn fixed(&self) -> Result<Credentials, LoadError> {
        match self.mode.as_str() {
            "AK" => self.long_lived(),
            "StsToken" => {
                Ok(Credentials::temporary(&self.access_key_id, &self.access_key_secret, &self.sts_token)?)
            }
            _ => Err(self.unsupported()),
        }
    }

    fn long_lived(&self) -> Result<Credentials, LoadError> {
        Ok(Credentials::new(&self.access_key_id, &self.access_key_secret)?)
    }

    fn role(&self, source: Provider, defaults: &Defaults) -> Provider {
        let role = AssumeRole::new(source, &self.ram_role_arn);
        let role = with(role, &self.external_id, AssumeRole::external_id);
        let role = with(role, &self.policy, AssumeRole::policy);
        let role = defaults.apply(role, &self.ram_session_name, &self.sts_region, self.enable_vpc);
        Arc::new(match self.expired_seconds {
            Some(seconds) => role.duration(Duration::from_secs(seconds)),
            None => role,
        })
    }

    fn unsupported(&self) -> LoadError {
        LoadError::Mode { profile: self.name.clone(), mode: self.mode.clone() }
    }
}

/// Sets what is not empty.
fn with<'a, T>(of: T, text: &'a str, set: impl FnOnce(T, &'a str) -> T) -> T {
    if text.is_empty() { of } else { set(of, text) }
}

impl Defaults {
    /// What the profile says, and what the environment says where it says nothing.
    pub(super) fn apply<R: Sts>(&self, role: R, session: &str, region: &str, vpc: bool) -> R {
        let or = |own: &str, default: &Option<String>| match own {
            "" => default.clone().unwrap_or_default(),
            own => own.to_owned(),
        };
        let (session, region) = (or(session, &self.session_name), or(region, &self.sts_region));
        let role = with(role, &session, |role, name| role.named(name));
        with(role, &region, |role, region| role.in_region(region, vpc || self.sts_vpc))
    }
}

/// What a section of the SDKs' credentials file stands for. A value ends at its first `#`.
pub(super) fn credentials_file(
    file: &Path,
    section: &str,
    defaults: &Defaults,
) -> Result<Provider, LoadError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| LoadError::Unreadable(file.to_owned(), error.kind()))?;
    let mut form = IniDefault::default();
    form.case_sensitive = true;
    form.delimiters = vec!['='];
    form.comment_symbols = vec!['#', ';'];
    form.inline_comment_symbols = Some(vec!['#']);
    let mut ini = Ini::new_from_defaults(form);
    // The parser's own message could quote a secret.
    let sections = ini.read(text).map_err(|_| LoadError::NotAProfileFile(file.to_owned()))?;
    if !sections.contains_key(section) {
        return Err(LoadError::NoProfile(section.to_owned(), file.to_owned()));
    }
    let get = |key: &str| filled(ini.get(section, key)).unwrap_or_default();
    let profile = Profile {
        name: section.to_owned(),
        access_key_id: get("access_key_id"),
        access_key_secret: get("access_key_secret"),
        ram_role_arn: get("role_arn"),
        ram_session_name: get("role_session_name"),
        role_session_name: get("role_session_name"),
        ram_role_name: get("role_name"),
        policy: get("policy"),
        oidc_provider_arn: get("oidc_provider_arn"),
        oidc_token_file: get("oidc_token_file_path"),
        // The same things by their names in the other file.
        mode: match get("type").as_str() {
            "access_key" => "AK".to_owned(),
            "ram_role_arn" => "RamRoleArn".to_owned(),
            "ecs_ram_role" => "EcsRamRole".to_owned(),
            "oidc_role_arn" => "OIDC".to_owned(),
            other => other.to_owned(),
        },
        ..Profile::default()
    };
    ProfileFile { current: None, profiles: vec![profile] }.provider(Some(section), file, defaults)
}
