//! Collects the Rust code of README.md and docs/ for the test `docs`, which compiles it: one module for each page. The
//! Chinese pages are skipped, because `cargo xtask tidy` checks that they have the same blocks.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let mut pages = vec![root.join("README.md")];
    collect(&root.join("docs"), &mut pages)?;
    pages.sort();
    let mut modules = String::new();
    for page in &pages {
        println!("cargo::rerun-if-changed={}", page.display());
        let name = page.strip_prefix(&root)?.display().to_string();
        let code = code(&fs::read_to_string(page)?, &name)?;
        if !code.is_empty() {
            let module = name.trim_end_matches(".md").to_ascii_lowercase().replace(['/', '\\', '-'], "_");
            write!(modules, "pub mod page_{module} {{\n{code}}}\n")?;
        }
    }
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("pages.rs"), modules)?;
    Ok(())
}

/// Adds the Markdown files of a folder and of its folders.
fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("docs/zh") {
                collect(&path, pages)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    Ok(())
}

/// Returns the Rust blocks of a page, each after a comment with its location.
fn code(text: &str, name: &str) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    let mut is_rust = false;
    for (number, line) in (1..).zip(text.lines()) {
        match line.trim_start().strip_prefix("```") {
            Some("rust") => {
                is_rust = true;
                writeln!(code, "// {name}:{number}")?;
            }
            Some(word) if word.starts_with("rust") => {
                return Err(format!("{name}:{number}: expected ```rust, without an attribute").into());
            }
            Some(_) => is_rust = false,
            None if is_rust => writeln!(code, "{line}")?,
            None => {}
        }
    }
    Ok(code)
}
