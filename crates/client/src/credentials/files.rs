//! The two files of the vendor's tools: the Alibaba CLI's `~/.aliyun/config.json`, and the SDKs' credentials file.
//!
//! Both are read as the vendor's Python package `alibabacloud-credentials` reads them. `tests/data/profiles.jsonl` lists
//! examples, and the differences. Only the chosen profile is checked: a mistake in another one does not matter.

mod cli_profile;
mod credentials_file;
mod defaults;
mod ini;
mod text;

pub(super) use cli_profile::ProfileFile;
pub(super) use credentials_file::credentials_file;
pub(super) use defaults::Defaults;

#[cfg(test)]
mod tests;
