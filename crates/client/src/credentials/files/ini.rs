//! The syntax of the SDKs' credentials file, which is that of Python's `configparser`.
//!
//! The existing crates for this syntax neither reject duplicate keys nor support its interpolation.

use std::collections::BTreeMap;

/// The values of one section, by their keys in lower case.
pub(super) type Section = BTreeMap<String, String>;

/// A syntax error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The line number, from 1.
    pub(super) line: usize,
    pub(super) what: &'static str,
}

/// The section whose keys apply to every section that does not set them itself.
const DEFAULTS: &str = "DEFAULT";

/// Reads `text` and returns the section `name`, or `None` if the file has no such section.
///
/// Keys end at the first `=` or `:` and ignore case. A line that begins with `#` or `;` is a comment. An indented line
/// continues the value above it. Duplicate sections and keys are errors.
pub(super) fn section(text: &str, name: &str) -> Result<Option<Section>, Problem> {
    let mut sections: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
    let (mut current, mut key, mut indent): (Option<&str>, Option<String>, usize) = (None, None, 0);
    for (line, number) in lines(text).zip(1..) {
        let problem = |what| Problem { line: number, what };
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let depth = line.len() - line.trim_start().len();
        let open = current.and_then(|section| sections.get_mut(section));
        if depth > indent
            && let (Some(section), Some(key)) = (open, &key)
        {
            if let Some(value) = section.get_mut(key) {
                value.text.push('\n');
                value.text.push_str(content);
            }
            continue;
        }
        indent = depth;
        if let Some(header) = content.strip_prefix('[').and_then(|rest| Some(rest.rsplit_once(']')?.0)) {
            if header.is_empty() {
                return Err(problem("section without a name"));
            }
            if sections.contains_key(header) && header != DEFAULTS {
                return Err(problem("duplicate section"));
            }
            sections.entry(header).or_default();
            (current, key) = (Some(header), None);
            continue;
        }
        let section = current.and_then(|section| sections.get_mut(section));
        let section = section.ok_or_else(|| problem("text before the first section"))?;
        let (name, value) = content.split_once(['=', ':']).ok_or_else(|| problem("no `=` in the line"))?;
        let name = name.trim().to_lowercase();
        if name.is_empty() {
            return Err(problem("value without a key"));
        }
        let value = Value { text: value.trim().to_owned(), line: number };
        if section.insert(name.clone(), value).is_some() {
            return Err(problem("duplicate key"));
        }
        key = Some(name);
    }
    let Some(own) = sections.get(name).filter(|_| name != DEFAULTS) else { return Ok(None) };
    let shared = sections.get(DEFAULTS).into_iter().flatten();
    shared
        .chain(own)
        .map(|(key, value)| Ok((key.clone(), value.plain()?)))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Splits the text into lines, which end with LF, CR LF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

struct Value {
    text: String,
    line: usize,
}

impl Value {
    /// Returns the value up to its first `#`, as the vendor's package does, with `%%` read as `%`. A single `%` is an error:
    /// in the original syntax it inserts another value, which no secret needs.
    fn plain(&self) -> Result<String, Problem> {
        let rest = self.text.replace("%%", "");
        if rest.contains('%') {
            return Err(Problem { line: self.line, what: "single `%`; write `%%`" });
        }
        let text = self.text.replace("%%", "%");
        Ok(text.split('#').next().unwrap_or_default().trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, name: &str, key: &str) -> Option<String> {
        section(text, name).unwrap().and_then(|section| section.get(key).cloned())
    }

    fn problem(text: &str) -> (usize, &'static str) {
        let problem = section(text, "a").unwrap_err();
        (problem.line, problem.what)
    }

    #[test]
    fn keys_ignore_case_and_end_at_equals_sign_or_colon() {
        let text = "[a]\r\nType : x\rID=a=b:c # note\n  more\n; no\n[b]\nid=2\n";
        assert_eq!(get(text, "a", "type").unwrap(), "x");
        assert_eq!(get("[a]\nID=a=b:c # note", "a", "id").unwrap(), "a=b:c");
        assert_eq!(get("[a]\nid = one\n  two", "a", "id").unwrap(), "one\ntwo");
        assert_eq!(get(text, "b", "id").unwrap(), "2");
        assert_eq!(get("[DEFAULT]\nid=1\n[a]\nx=%%", "a", "id").unwrap(), "1");
        assert_eq!(get("[DEFAULT]\nid=1\n[a]\nx=50%%", "a", "x").unwrap(), "50%");
        assert_eq!(section("[a]", "A"), Ok(None));
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(problem("[a]\nx=1\n[a]"), (3, "duplicate section"));
        assert_eq!(problem("[a]\nx=1\nX=2"), (3, "duplicate key"));
        assert_eq!(problem("x=1"), (1, "text before the first section"));
        assert_eq!(problem("[a]\nx"), (2, "no `=` in the line"));
        assert_eq!(problem("[a]\nx=%(y)s"), (2, "single `%`; write `%%`"));
    }
}
