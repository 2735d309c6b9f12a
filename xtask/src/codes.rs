//! `docs/codes.md`, written from the manual in the protocol crate.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use cloudauth_protocol::{ClientCode, Code, GatewayCode, Manual, Passed, SubCode};

use crate::shell::root;

fn file() -> PathBuf {
    root().join("docs/codes.md")
}

/// Writes the file.
pub(crate) fn write() -> Result<()> {
    fs::write(file(), render()).context("cannot write docs/codes.md")
}

/// Fails if the file is not what would be written.
pub(crate) fn check() -> Result<()> {
    let found = fs::read_to_string(file()).context("cannot read docs/codes.md")?;
    if found != render() {
        bail!("docs/codes.md is stale; run `cargo xtask codes`");
    }
    Ok(())
}

fn render() -> String {
    let mut text = String::from(
        "# Codes\n\nWritten by `cargo xtask codes` from the manual in `crates/protocol/src/codes`. The same entries are \
         in `cloudauth codes`.\n\n\"Source\" says where an entry comes from: the page of the web flow, another source of \
         the vendor's, or unverified.\n",
    );
    for (title, manual) in [
        ("`Code`: the product's answer, beside HTTP 200", Code::MANUAL),
        ("`ResultObject.Passed`: the field that decides", Passed::MANUAL),
        ("`ResultObject.SubCode`: how a verification ended", SubCode::MANUAL),
        ("The gateway's `Code`, beside HTTP 4xx and 5xx", GatewayCode::MANUAL),
        ("`code` in the browser's return", ClientCode::MANUAL),
    ] {
        table(&mut text, title, manual);
    }
    text
}

fn table(text: &mut String, title: &str, manual: &[Manual]) {
    let head = "| code | meaning | 含义 | who acts | next | 下一步 | source |\n| --- | --- | --- | --- | --- | --- | --- |";
    let _ = writeln!(text, "\n## {title}\n\n{head}");
    for entry in manual {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            entry.code,
            entry.meaning.en,
            entry.meaning.zh,
            entry.actor.name().en,
            entry.next.en,
            entry.next.zh,
            entry.source.name()
        );
    }
}
