//! Circles of modules inside a crate: file A uses file B, which uses A, directly or through others.
//!
//! A scan of the text, not a compiler: it follows `use` trees, `crate::`, `super::` and `self::` paths, paths through a
//! child module, and re-exports to the file that defines the name. A re-export alone is not a use.

use std::collections::{BTreeMap, BTreeSet};

/// The source text of each module, by its path: `""` for the root, then `sign`, `sign::v1`.
pub(crate) type Modules = BTreeMap<String, String>;

/// Returns a circle of modules, if one exists: each uses the next, and the last is the first.
pub(crate) fn find(modules: &Modules) -> Option<Vec<String>> {
    let read: BTreeMap<&str, Source> =
        modules.iter().map(|(name, text)| (name.as_str(), Source::read(text))).collect();
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (&name, source) in &read {
        let targets = source.paths.iter().filter_map(|path| resolve(&read, name, path, 0));
        edges.insert(name, targets.filter(|&target| target != name).collect());
    }
    // A module that uses no other is in no circle. Without it, the modules that use it may be in none either.
    while let Some(leaf) = edges.iter().find(|(_, targets)| targets.is_empty()).map(|(&name, _)| name) {
        edges.remove(leaf);
        edges.values_mut().for_each(|targets| _ = targets.remove(leaf));
    }
    // Each remaining module uses another one, so following them returns to a module already seen.
    let mut way = vec![*edges.keys().next()?];
    loop {
        let next = *edges.get(way.last()?)?.first()?;
        let seen = way.iter().position(|&name| name == next);
        way.push(next);
        if let Some(seen) = seen {
            return Some(way.split_off(seen).into_iter().map(str::to_owned).collect());
        }
    }
}

/// The data of a scanned file.
#[derive(Default)]
struct Source {
    /// The paths that it uses, as segments.
    paths: Vec<Vec<String>>,
    /// The names that its `use` items bring in, and the path of each.
    names: BTreeMap<String, Vec<String>>,
}

impl Source {
    fn read(text: &str) -> Self {
        let mut source = Self::default();
        let mut pending: Option<String> = None;
        let mut inline = false;
        let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        while let Some(line) = lines.next() {
            if line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test, ") {
                // Rustfmt indents what is inside an item.
                lines.find(|line| !line.starts_with(' ') && line.ends_with([';', '}']));
                continue;
            }
            // Rustfmt puts both ends of an inline module into the first column.
            inline = (inline || line.contains("mod ") && line.ends_with('{')) && line != "}";
            let line = if inline { line.replacen("super::", "self::", 1) } else { line.to_owned() };
            if let Some(item) = &mut pending {
                item.push_str(line.trim());
            } else if line.trim_start().trim_start_matches(public(&line)).starts_with("use ") {
                pending = Some(line.trim().to_owned());
            } else {
                source.paths.extend(inline_paths(&line));
            }
            if let Some(item) = pending.take_if(|item| item.ends_with(';')) {
                source.use_item(&item);
            }
        }
        source
    }

    fn use_item(&mut self, item: &str) {
        let tree = item.trim_start_matches(public(item)).trim_start_matches("use ").trim_end_matches(';');
        let mut paths = Vec::new();
        expand("", tree, &mut paths);
        for path in paths {
            let (path, alias) = path.split_once(" as ").unwrap_or((&path, ""));
            let path: Vec<_> = path.trim_end_matches("::self").split("::").map(str::to_owned).collect();
            let name = if alias.is_empty() { path.last().map_or("", String::as_str) } else { alias };
            self.names.insert(name.to_owned(), path.clone());
            if public(item).is_empty() {
                self.paths.push(path);
            }
        }
    }
}

/// The `pub`, `pub(crate)` or `pub(super)` that a line begins with.
fn public(line: &str) -> &str {
    ["pub(crate) ", "pub(super) ", "pub "]
        .into_iter()
        .find(|public| line.trim_start().starts_with(public))
        .unwrap_or_default()
}

/// The paths of a `use` tree, one by one.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, rest)) = tree.split_once('{') else {
        return paths.push(format!("{before}{}", tree.trim()));
    };
    let before = format!("{before}{}", head.trim());
    let rest = rest.trim_end();
    let (mut depth, mut branch) = (0_u32, String::new());
    for letter in rest.strip_suffix('}').unwrap_or(rest).chars().chain([',']) {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                let branch = std::mem::take(&mut branch);
                if !branch.trim().is_empty() {
                    expand(&before, branch.trim(), paths);
                }
                continue;
            }
            _ => {}
        }
        branch.push(letter);
    }
}

fn inline_paths(line: &str) -> impl Iterator<Item = Vec<String>> {
    line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':'))
        .filter(|run| run.contains("::") && !run.starts_with(':') && !run.ends_with(':'))
        .map(|run| run.split("::").map(str::to_owned).collect())
}

/// The module that defines what a path in `here` names; `None` where the path leaves the crate.
fn resolve<'a>(
    modules: &BTreeMap<&'a str, Source>,
    here: &str,
    path: &[String],
    depth: u8,
) -> Option<&'a str> {
    let known = |name: &str| modules.get_key_value(name).map(|(&name, _)| name);
    let mut at = known(here)?;
    for (index, segment) in path.iter().enumerate() {
        let child = if at.is_empty() { segment.clone() } else { format!("{at}::{segment}") };
        match segment.as_str() {
            "crate" => at = known("")?,
            "self" => {}
            "super" => at = known(at.rsplit_once("::").map_or("", |(parent, _)| parent))?,
            _ => match (known(&child), modules.get(at)?.names.get(segment)) {
                (Some(child), _) => at = child,
                (None, Some(from)) if (index > 0 || depth > 0) && depth < 9 => {
                    let rest = path.get(index + 1..)?;
                    return resolve(modules, at, &[from, rest].concat(), depth + 1);
                }
                (None, _) if index == 0 => return None,
                (None, _) => return Some(at),
            },
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(files: &[(&str, &str)]) -> Option<String> {
        let modules = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        find(&modules).map(|circle| circle.join(" -> "))
    }

    #[test]
    fn finds_two_modules_that_use_each_other() {
        let found = circle(&[
            ("", "mod a;\nmod b;"),
            ("a", "use crate::b::{C, d::{E, F as G}};"),
            ("b", "fn f() { super::a::g() }"),
        ]);
        assert_eq!(found.as_deref(), Some("a -> b -> a"));
    }

    #[test]
    fn finds_a_circle_of_three_and_leaves_out_those_that_only_lead_to_it() {
        let found = circle(&[
            ("", "mod a; mod b; mod c; mod d;"),
            ("a", "use crate::{\n    b::B,\n};"),
            ("b", "use crate::c::C;"),
            ("c", "use crate::d::D;"),
            ("d", "use crate::b::B;"),
        ]);
        assert_eq!(found.as_deref(), Some("b -> c -> d -> b"));
    }

    #[test]
    fn a_parent_that_calls_its_child_and_is_called_by_it_is_a_circle() {
        let found = circle(&[("", ""), ("a", "mod b;\nfn f() { b::g() }"), ("a::b", "use super::f;")]);
        assert_eq!(found.as_deref(), Some("a -> a::b -> a"));
    }

    #[test]
    fn re_exports_are_followed_to_the_file_that_defines_the_name() {
        let files = [
            ("", "pub use a::{A, B};"),
            ("a", "mod x;\nmod y;\npub use x::A;\npub(crate) use y::B;"),
            ("a::x", "use super::B;"),
            ("a::y", "pub struct B;"),
        ];
        assert_eq!(circle(&files), None);
        let mut files = files;
        files[3].1 = "use crate::A;\npub struct B(A);";
        assert_eq!(circle(&files).as_deref(), Some("a::x -> a::y -> a::x"));
    }

    #[test]
    fn comments_tests_and_other_crates_do_not_count() {
        let found = circle(&[
            ("", "mod a; mod b;"),
            ("a", "use crate::b::B;\nuse std::b::C;"),
            ("b", "/// See crate::a::A.\nuse std::a::X;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}"),
        ]);
        assert_eq!(found, None);
    }

    #[test]
    fn code_below_an_item_for_tests_counts() {
        for item in [
            "mod tests;",
            "use crate::c::C;",
            "use crate::{\n    c::C,\n};",
            "#[expect(dead_code)]\nmod tests {\n    fn f() {\n    }\n}",
            "fn f(\n    c: C,\n) -> C {\n    c\n}",
        ] {
            let a = format!("#[cfg(test)]\n{item}\n\nuse crate::b::B;\n");
            let found = circle(&[("", ""), ("a", &a), ("b", "use crate::a::A;"), ("c", "use crate::a::A;")]);
            assert_eq!(found.as_deref(), Some("a -> b -> a"), "{item}");
            let alone = a.replace("use crate::b::B;", "");
            assert_eq!(
                circle(&[("a", &alone), ("b", "use crate::a::A;"), ("c", "use crate::a::A;")]),
                None,
                "{item}"
            );
        }
    }

    #[test]
    fn an_inline_module_counts_as_its_file() {
        let found = circle(&[
            ("", ""),
            ("a", "mod b;\nfn f() { b::g() }"),
            ("a::b", "mod inner {\n    use super::h;\n}"),
        ]);
        assert_eq!(found, None);
    }
}
