//! The SDKs' credentials file, usually `~/.alibabacloud/credentials.ini`.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::load_error::LoadError;
use super::super::provider::ProvideCredentials;
use super::cli_profile::ProfileFile;
use super::defaults::Defaults;
use super::{ini, text};

/// The keys of this file, and the names of the same fields in the CLI's file. Other keys are ignored.
const FIELDS: [(&str, &str); 9] = [
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

/// Returns the provider that a section of the file describes.
pub(in crate::credentials) fn credentials_file(
    file: &Path,
    section: &str,
    defaults: &Defaults,
) -> Result<Arc<dyn ProvideCredentials>, LoadError> {
    parse(&text::read(file)?, file, section, defaults)
}

/// Converts a section to a profile in the format of the CLI's file.
pub(super) fn parse(
    text: &str,
    file: &Path,
    section: &str,
    defaults: &Defaults,
) -> Result<Arc<dyn ProvideCredentials>, LoadError> {
    let found = ini::section(text, section).map_err(|problem| LoadError::Syntax {
        file: file.to_owned(),
        line: problem.line,
        problem: problem.what,
    })?;
    let found = found.ok_or_else(|| LoadError::profile_not_found(section, file))?;
    let mode = match found.get("type").map(String::as_str).unwrap_or_default() {
        "access_key" => "AK",
        "ram_role_arn" => "RamRoleArn",
        "ecs_ram_role" => "EcsRamRole",
        "oidc_role_arn" => "OIDC",
        other => return Err(LoadError::unsupported_mode(section, other)),
    };
    let mut fields: Map<String, Value> = FIELDS
        .iter()
        .filter_map(|(key, field)| Some(((*field).to_owned(), found.get(*key)?.clone().into())))
        .collect();
    fields.insert("mode".to_owned(), mode.into());
    fields.insert("name".to_owned(), section.into());
    ProfileFile::of_one(fields).provider(Some(section), file, defaults)
}
