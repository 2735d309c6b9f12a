//! The pages in docs/: generates some of them, and checks that the languages agree.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub(crate) mod api;
pub(crate) mod codes;
pub(crate) mod console;
pub(crate) mod translations;

/// The path and the text of a generated page.
type Generated = (PathBuf, String);

/// Writes generated pages.
fn write(pages: Vec<Generated>) -> Result<()> {
    for (page, text) in pages {
        fs::write(&page, text).with_context(|| format!("cannot write {}", page.display()))?;
    }
    Ok(())
}

/// Fails if a page is not as generated, and says what to do.
fn check(pages: Vec<Generated>, remedy: &str) -> Result<()> {
    for (page, text) in pages {
        if fs::read_to_string(&page).ok() != Some(text) {
            bail!("{} is stale: {remedy}", page.display());
        }
    }
    Ok(())
}
