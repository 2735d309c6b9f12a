//! Formats a policy file: spaces and blank lines only. Comments stay where they are.

use toml::de::{DeTable, DeValue};

/// Formats a policy file: one space around `=` and after commas, no trailing spaces, one empty line before each heading and its
/// comments. It leaves quoted strings and multi-line values unchanged.
///
/// The meaning never changes: if the formatted text does not parse to the same data, the function returns the text unchanged.
/// Returns `None` if the text is not valid TOML.
#[must_use]
pub fn format(text: &str) -> Option<String> {
    let before = DeTable::parse(text).ok()?;
    let formatted = lines(text);
    let after = DeTable::parse(&formatted).ok();
    let same = after.is_some_and(|after| same_table(before.get_ref(), after.get_ref()));
    Some(if same { formatted } else { text.to_owned() })
}

fn same_table(one: &DeTable<'_>, other: &DeTable<'_>) -> bool {
    one.len() == other.len()
        && one.iter().zip(other.iter()).all(|((name, value), (other_name, other_value))| {
            name.get_ref() == other_name.get_ref() && same(value.get_ref(), other_value.get_ref())
        })
}

fn same(one: &DeValue<'_>, other: &DeValue<'_>) -> bool {
    match (one, other) {
        (DeValue::Table(one), DeValue::Table(other)) => same_table(one, other),
        (DeValue::Array(one), DeValue::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|(one, other)| same(one.get_ref(), other.get_ref()))
        }
        (DeValue::String(one), DeValue::String(other)) => one == other,
        (DeValue::Integer(one), DeValue::Integer(other)) => {
            one.as_str() == other.as_str() && one.radix() == other.radix()
        }
        (DeValue::Float(one), DeValue::Float(other)) => one.as_str() == other.as_str(),
        (DeValue::Boolean(one), DeValue::Boolean(other)) => one == other,
        (DeValue::Datetime(one), DeValue::Datetime(other)) => one == other,
        _ => false,
    }
}

fn lines(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut open = Open::default();
    // The last line of a multi-line value: the lines up to it are not changed.
    let mut verbatim = 0;
    for line in text.lines() {
        if open.is_inside() {
            open.follow(line);
            out.push(line.to_owned());
            verbatim = out.len();
            continue;
        }
        let (line, whole) = (line.trim(), line.trim_start());
        let is_heading = line.starts_with('[');
        if line.is_empty() {
            if out.last().is_some_and(|last| !last.is_empty()) {
                out.push(String::new());
            }
            continue;
        }
        if is_heading {
            // The comments above a heading belong to it.
            let own = out.get(verbatim..).unwrap_or_default();
            let comments = own.iter().rev().take_while(|line| line.starts_with('#')).count();
            let at = out.len() - comments;
            let before = at.checked_sub(1).and_then(|before| out.get(before));
            if before.is_some_and(|line| !line.is_empty()) {
                out.insert(at, String::new());
            }
        }
        open.follow(line);
        let is_plain = !open.is_inside() && !line.contains("\"\"\"") && !line.contains("'''");
        out.push(match (is_plain && !line.starts_with('#'), open.is_inside()) {
            (true, _) => spaced(line),
            // The text already contains what follows the opening quotes.
            (false, true) => whole.to_owned(),
            (false, false) => line.to_owned(),
        });
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    while out.first().is_some_and(String::is_empty) {
        out.remove(0);
    }
    out.push(String::new());
    out.join("\n")
}

/// The reason why a value continues on the next line.
#[derive(Default)]
struct Open {
    /// The quotes of a multi-line string.
    quotes: Option<&'static str>,
    /// The number of open brackets of an array.
    brackets: usize,
}

impl Open {
    const fn is_inside(&self) -> bool {
        self.quotes.is_some() || self.brackets > 0
    }

    fn follow(&mut self, line: &str) {
        let mut rest = line;
        // The brackets of a heading close on the same line.
        loop {
            if let Some(quotes) = self.quotes {
                let Some(end) = rest.find(quotes) else { return };
                rest = rest.get(end + quotes.len()..).unwrap_or_default();
                self.quotes = None;
                continue;
            }
            let Some(at) = rest.find(['"', '\'', '[', ']', '#']) else { return };
            let tail = rest.get(at..).unwrap_or_default();
            match tail.chars().next() {
                Some('#') | None => return,
                Some('[') => self.brackets += 1,
                Some(']') => self.brackets = self.brackets.saturating_sub(1),
                Some(_) => {
                    if let Some(quotes) =
                        ["\"\"\"", "'''"].into_iter().find(|quotes| tail.starts_with(quotes))
                    {
                        self.quotes = Some(quotes);
                        rest = tail.get(3..).unwrap_or_default();
                        continue;
                    }
                    rest = tail.get(quoted(tail)..).unwrap_or_default();
                    continue;
                }
            }
            rest = tail.get(1..).unwrap_or_default();
        }
    }
}

/// Returns the length of the quoted string at the start of a line, with its quotes.
fn quoted(text: &str) -> usize {
    let mut chars = text.char_indices();
    let Some((_, quote)) = chars.next() else { return 0 };
    let mut escaped = false;
    for (at, c) in chars {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote == '"' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// Returns one line with its spaces formatted.
fn spaced(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let mut take = c.len_utf8();
        match c {
            '"' | '\'' => {
                take = quoted(rest);
                out.push_str(rest.get(..take).unwrap_or_default());
            }
            '#' => {
                let trimmed = out.trim_end().len();
                out.truncate(trimmed);
                out.push_str("  ");
                out.push_str(rest.trim_end());
                return out;
            }
            '=' => {
                let trimmed = out.trim_end().len();
                out.truncate(trimmed);
                out.push_str(" = ");
            }
            ',' => {
                let trimmed = out.trim_end().len();
                out.truncate(trimmed);
                out.push_str(", ");
            }
            '{' => out.push_str("{ "),
            '}' => {
                let trimmed = out.trim_end().len();
                out.truncate(trimmed);
                out.push_str(" }");
            }
            ']' => {
                let trimmed = out.trim_end().len();
                out.truncate(trimmed);
                out.push(']');
            }
            c if c.is_whitespace() => {
                if !out.ends_with([' ', '[']) {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
        rest = rest.get(take..).unwrap_or_default();
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last resort of `format`, which no text has needed so far.
    #[test]
    fn other_data_is_not_the_same() {
        let same = |one: &str, other: &str| {
            let parse = |text| DeTable::parse(text).unwrap();
            same_table(parse(one).get_ref(), parse(other).get_ref())
        };
        let all = [
            "",
            "a = 1",
            "b = 1",
            "a = 2",
            "a = 0x1",
            "a = 1.0",
            "a = 1.5",
            "a = '1'",
            "a = true",
            "a = false",
            "a = 2026-01-01",
            "a = 2026-01-02",
            "a = [1]",
            "a = [2]",
            "a = [1, 2]",
            "a.b = 1",
            "a = 1\nb = 1",
        ];
        for (place, one) in all.iter().enumerate() {
            for (other_place, other) in all.iter().enumerate() {
                assert_eq!(same(one, other), place == other_place, "{one} and {other}");
            }
        }
    }

    #[test]
    fn formats_spaces_and_keeps_texts() {
        for (given, expected) in [
            ("a=1", "a = 1\n"),
            ("  a   =  1   ", "a = 1\n"),
            ("a={b=1,c=\"x , y=z\"}", "a = { b = 1, c = \"x , y=z\" }\n"),
            ("a = [ \"1\" ,\"2\" ]#  why", "a = [\"1\", \"2\"]  #  why\n"),
            ("a = \"#\\\"\" # why", "a = \"#\\\"\"  # why\n"),
            ("a = '\\'", "a = '\\'\n"),
            ("a=1\n\n\n\nb=2\n\n", "a = 1\n\nb = 2\n"),
            ("a=1\n# of x\n[x]\nb=2\n[[y]]", "a = 1\n\n# of x\n[x]\nb = 2\n\n[[y]]\n"),
            ("a = \"\"\"\n# x\"\"\"\n[y]", "a = \"\"\"\n# x\"\"\"\n\n[y]\n"),
            ("a = \"\"\"x  \n y\"\"\"\nb=1", "a = \"\"\"x  \n y\"\"\"\nb = 1\n"),
            ("a = '''it's  a'''", "a = '''it's  a'''\n"),
            ("a = [\n  1,\n  2 ]\nb=1", "a = [\n  1,\n  2 ]\nb = 1\n"),
            ("a  =  \"\"\"x \" , y\"\"\"", "a  =  \"\"\"x \" , y\"\"\"\n"),
            ("a=1\r\nb=2\r\n", "a = 1\nb = 2\n"),
            ("a = \"\"\"\n x = 1\n\"\"\"\nb=1", "a = \"\"\"\n x = 1\n\"\"\"\nb = 1\n"),
        ] {
            assert_eq!(format(given).as_deref(), Some(expected), "{given}");
            assert_eq!(format(expected).as_deref(), Some(expected), "{given}");
        }
    }

    #[test]
    fn invalid_toml_is_not_formatted() {
        assert_eq!(format("fn main() {\n    x = 1;\n}"), None);
    }
}
