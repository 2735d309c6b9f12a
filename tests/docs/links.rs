//! Links between the pages lead to a file and to a heading of it, and source files that a page names exist.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for page in &pages() {
        for link in links(&fs::read_to_string(page).unwrap()).filter(|link| !link.contains("://")) {
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let found = if heading.is_empty() {
                target.exists()
            } else {
                fs::read_to_string(&target).is_ok_and(|text| text.lines().any(|line| slug(line) == heading))
            };
            if !found {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_chinese_page_links_to_the_chinese_pages_that_exist() {
    let (docs, chinese) = (root().join("docs"), root().join("docs/zh"));
    let is_chinese = |page: &PathBuf| page.starts_with(&chinese) || page.ends_with("README.zh-CN.md");
    let mut wrong = Vec::new();
    for page in pages().iter().filter(|page| is_chinese(page)) {
        let text = fs::read_to_string(page).unwrap();
        for link in links(&text).filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let path = page.parent().unwrap().join(link.split('#').next().unwrap());
            let target = path.canonicalize().unwrap_or(path);
            let name = target.strip_prefix(docs.canonicalize().unwrap()).unwrap_or(Path::new("zh"));
            let is_partner = page.strip_prefix(&chinese).is_ok_and(|page| page == name);
            if !name.starts_with("zh") && chinese.join(name).exists() && !is_partner {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_source_file_that_a_page_names_exists() {
    let mut sources = Vec::new();
    for folder in ["crates", "tests", "xtask"] {
        collect(&root().join(folder), "rs", &mut sources);
        collect(&root().join(folder), "mjs", &mut sources);
    }
    let mut missing = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let code = text.split('`').skip(1).step_by(2);
        for name in code.filter(|name| name.ends_with(".rs") || name.ends_with(".mjs")) {
            if !sources.iter().any(|source| source.ends_with(name)) {
                missing.push(format!("{}: {name}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn pages() -> Vec<PathBuf> {
    let mut pages =
        ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"].map(|name| root().join(name)).to_vec();
    collect(&root().join("docs"), "md", &mut pages);
    pages
}

/// Adds the files with an extension, of a folder and of its folders.
fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, extension, files);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
}

/// The targets of a page's links, outside of code.
fn links(text: &str) -> impl Iterator<Item = String> {
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    let targets: Vec<String> = prose
        .iter()
        .flat_map(|part| part.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next().map(str::to_owned))
        .collect();
    targets.into_iter()
}

/// The name that a heading has in a link; empty for other lines.
fn slug(line: &str) -> String {
    let heading = if line.starts_with('#') { line.trim_start_matches('#').trim() } else { "" };
    let letters =
        heading.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    letters.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
}
