//! `docs/api/*.txt`: the public API of the libraries, with signatures. A change of the API shows in the change's diff.
//!
//! The listings are read from the pages of `cargo doc`, so that stable Rust suffices.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Generated;
use crate::shell::{built_as, command, root};

/// The listed crates, each with an item that its listing has. `cloudauth` re-exports most of them by name in its `lib.rs`.
const CRATES: [(&str, &str); 14] = [
    ("cloudauth_client", "pictures::Picture"),
    ("cloudauth_emulator", "Emulator"),
    ("cloudauth_files", "OutputFile"),
    ("cloudauth_flow", "StartPage"),
    ("cloudauth_flow_postgres", "PostgresStore"),
    ("cloudauth_flow_sqlite", "SqliteStore"),
    ("cloudauth_lab", "Lab"),
    ("cloudauth_policy", "Policy"),
    ("cloudauth_protocol", "InitFaceVerify"),
    ("cloudauth_stats", "grid::Grid"),
    ("cloudauth_transport", "Transport"),
    ("cloudauth_transport_blocking", "UreqTransport"),
    ("cloudauth_transport_isahc", "IsahcTransport"),
    ("cloudauth_transport_reqwest", "ReqwestTransport"),
];

/// All features of the libraries, without those of TLS: they add no item.
const FEATURES: &str = "cloudauth/reqwest,cloudauth/isahc,cloudauth/blocking,cloudauth/flow,cloudauth/flow-hosted,\
                        cloudauth/flow-postgres,cloudauth/flow-sqlite,cloudauth/metrics,cloudauth/pictures,\
                        cloudauth/policy,cloudauth/serde,cloudauth/tracing,cloudauth-lab/parquet";

/// Writes the listings.
pub(crate) fn write() -> Result<()> {
    fs::create_dir_all(root().join("docs/api"))?;
    super::write(listings()?)
}

/// Builds the documentation without warnings, and fails if a listing is not that of the code.
pub(crate) fn check() -> Result<()> {
    super::check(
        listings()?,
        "if the API should change, run `cargo xtask api`, and name the change in CHANGELOG.md",
    )
}

fn listings() -> Result<Vec<Generated>> {
    let mut doc = command("cargo", &["doc", "--workspace", "--no-deps", "--features", FEATURES]);
    crate::shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    let built = built_as("doc")?;
    let listing = |(name, item): &(&str, &str)| {
        let text = listing(&Path::new(&built).join(name))?;
        ensure!(text.contains(&format!("\n{item}")), "the listing of {name} has no {item}");
        Ok((root().join(format!("docs/api/{name}.txt")), text))
    };
    CRATES.iter().map(listing).collect()
}

fn listing(folder: &Path) -> Result<String> {
    let read =
        |page: &str| fs::read_to_string(folder.join(page)).with_context(|| format!("cannot read {page}"));
    let all = read("all.html")?;
    let pages: BTreeSet<_> = all.split("href=\"").skip(1).filter_map(item).collect();
    ensure!(!pages.is_empty(), "{} lists no item", folder.display());
    let (mut text, mut members) = (String::new(), 0);
    for (path, page) in &pages {
        let html = read(page)?;
        let declaration = between(&html, "<pre class=\"rust item-decl\">", "</pre>")
            .with_context(|| format!("{page} has no declaration"))?;
        write!(text, "\n{path}\n{}", indented(&plain(declaration)))?;
        for member in of_item(&html) {
            members += usize::from(!member.starts_with("impl"));
            writeln!(text, "    {member}")?;
        }
    }
    Ok(format!("{} items, {members} methods and constants of items\n{text}", pages.len()))
}

/// The path and the page of a public item, from a link of the list of all items.
fn item(rest: &str) -> Option<(String, String)> {
    let (page, _) = rest.split_once('"')?;
    let (modules, file) = page.rsplit_once('/').unwrap_or(("", page));
    let (_, name) = file.strip_suffix(".html")?.split_once('.')?;
    if page.contains("..") {
        return None;
    }
    let modules = modules.replace('/', "::");
    let path = if modules.is_empty() { name.to_owned() } else { format!("{modules}::{name}") };
    Some((path, page.to_owned()))
}

/// The methods of an item, and the traits that it implements, without those of every type.
fn of_item(html: &str) -> BTreeSet<String> {
    let own = between(html, "id=\"implementations-list\"", "</main>").unwrap_or_default();
    let own = before(
        own,
        &["id=\"trait-implementations\"", "id=\"deref-methods", "id=\"synthetic", "id=\"blanket"],
    );
    let traits = between(html, "id=\"trait-implementations-list\"", "</main>").unwrap_or_default();
    let traits = before(traits, &["id=\"synthetic", "id=\"blanket"]);
    let headers = |html: &str, level: &str| {
        let (begin, end) = (format!("<{level} class=\"code-header\">"), format!("</{level}>"));
        html.split(&begin).skip(1).map(|rest| one_line(&plain(before(rest, &[&end])))).collect::<Vec<_>>()
    };
    let traits = headers(traits, "h3").into_iter().filter(|implemented| !implemented.contains("Structural"));
    headers(own, "h4").into_iter().chain(traits).collect()
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    Some(before(rest, &[end]))
}

/// The text before the first of these.
fn before<'a>(text: &'a str, ends: &[&str]) -> &'a str {
    let end = ends.iter().filter_map(|end| text.find(end)).min();
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The text of HTML, without the words of its buttons. A block is a line of its own.
fn plain(html: &str) -> String {
    let html = html.replace("<div", "\n<div").replace("</div>", "</div>\n");
    let mut text = String::new();
    for piece in html.split("<summary").enumerate() {
        let shown =
            if piece.0 == 0 { piece.1 } else { piece.1.split_once("</summary>").unwrap_or_default().1 };
        for tag in format!(">{shown}").split('<') {
            text.push_str(tag.split_once('>').unwrap_or_default().1);
        }
    }
    let characters = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("\u{a0}", " "),
        ("&amp;", "&"),
    ];
    characters.iter().fold(text, |text, (name, character)| text.replace(name, character))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of a declaration, without comments and without the text of a constant.
fn indented(declaration: &str) -> String {
    let code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let shown = |line: &str| line.split_once(" = \"").map_or(line, |(name, _)| name).trim_end().to_owned();
    declaration.lines().filter(code).map(|line| format!("    {}\n", shown(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_methods_and_traits_of_an_item_but_not_those_of_every_type() {
        let html = "<pre class=\"rust item-decl\"><code>pub struct <a href=\"x\">A</a>&lt;T&gt; {\n    // private\n\n    pub b: T,\n}</code></pre>\
            <div id=\"implementations-list\"><h3 class=\"code-header\">impl A</h3><h4 class=\"code-header\">pub fn <a>new</a>(\n  b: T,\n) -> Self<div class=\"where\">where T: Copy</div></h4></div>\
            <h2 id=\"trait-implementations\"></h2><div id=\"trait-implementations-list\"><h3 class=\"code-header\">impl Clone for A</h3>\
            <h4 class=\"code-header\">fn clone(&amp;self)</h4></div><h2 id=\"blanket-implementations\"></h2><h3 class=\"code-header\">impl Any for T</h3></main>";
        let expected = ["impl Clone for A", "pub fn new( b: T, ) -> Self where T: Copy"].map(str::to_owned);
        assert_eq!(of_item(html), BTreeSet::from(expected));
        let declaration = between(html, "<pre class=\"rust item-decl\">", "</pre>").unwrap();
        assert_eq!(indented(&plain(declaration)), "    pub struct A<T> {\n        pub b: T,\n    }\n");
    }

    #[test]
    fn finds_items_in_the_list_of_all_items() {
        let found = |link| item(link).map(|(path, _)| path);
        assert_eq!(found("sign/v1/fn.sign.html\">").as_deref(), Some("sign::v1::sign"));
        assert_eq!(found("struct.Client.html\">").as_deref(), Some("Client"));
        for link in [
            "../static.files/rustdoc-b7b9f40b.css\">",
            "index.html\">",
            "#structs\">",
            "https://doc.rust-lang.org/1.95.0/book.html\">",
        ] {
            assert_eq!(found(link), None, "{link}");
        }
    }
}
