//! The one way in which a policy file is written: spaces, blank lines, nothing else. Comments stay where they are.

/// Writes a policy file as everybody does: one space around `=` and after commas, none at the ends of lines, one empty line
/// before each heading and its comments. What stands in quotes is not touched, nor is a value of several lines.
///
/// It changes no meaning; a text that is no TOML comes back with its lines trimmed.
#[must_use]
pub fn format(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut open = Open::default();
    for line in text.lines() {
        if open.is_inside() {
            open.follow(line);
            out.push(line.trim_end().to_owned());
            continue;
        }
        let line = line.trim();
        let is_heading = line.starts_with('[');
        if line.is_empty() {
            if out.last().is_some_and(|last| !last.is_empty()) {
                out.push(String::new());
            }
            continue;
        }
        if is_heading {
            // The comments above a heading belong to it.
            let comments = out.iter().rev().take_while(|line| line.starts_with('#')).count();
            let at = out.len() - comments;
            let before = at.checked_sub(1).and_then(|before| out.get(before));
            if before.is_some_and(|line| !line.is_empty()) {
                out.insert(at, String::new());
            }
        }
        open.follow(line);
        let is_plain = !open.is_inside() && !line.contains("\"\"\"") && !line.contains("'''");
        out.push(if is_plain && !line.starts_with('#') { spaced(line) } else { line.to_owned() });
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

/// Whether a value goes on in the next line.
#[derive(Default)]
struct Open {
    /// The quotes of a text of several lines.
    quotes: Option<&'static str>,
    /// Brackets of an array that are not closed.
    brackets: usize,
}

impl Open {
    const fn is_inside(&self) -> bool {
        self.quotes.is_some() || self.brackets > 0
    }

    fn follow(&mut self, line: &str) {
        let mut rest = line;
        // A heading's brackets close in its own line.
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

/// The length of the text in quotes that a line begins with, the quotes included.
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

/// One line with its spaces as they should be.
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

    #[test]
    fn spaces_are_put_right_and_texts_left_alone() {
        for (given, expected) in [
            ("a=1", "a = 1\n"),
            ("  a   =  1   ", "a = 1\n"),
            ("a={b=1,c=\"x , y=z\"}", "a = { b = 1, c = \"x , y=z\" }\n"),
            ("a = [ \"1\" ,\"2\" ]#  why", "a = [\"1\", \"2\"]  #  why\n"),
            ("a = \"#\\\"\" # why", "a = \"#\\\"\"  # why\n"),
            ("a = '\\'", "a = '\\'\n"),
            ("a=1\n\n\n\nb=2\n\n", "a = 1\n\nb = 2\n"),
            ("a=1\n# of x\n[x]\nb=2\n[[y]]", "a = 1\n\n# of x\n[x]\nb = 2\n\n[[y]]\n"),
            ("a = [\n  1,\n  2 ]\nb=1", "a = [\n  1,\n  2 ]\nb = 1\n"),
            ("a  =  \"\"\"x \" , y\"\"\"", "a  =  \"\"\"x \" , y\"\"\"\n"),
            ("a=1\r\nb=2\r\n", "a = 1\nb = 2\n"),
            ("a = \"\"\"\n x = 1\n\"\"\"\nb=1", "a = \"\"\"\n x = 1\n\"\"\"\nb = 1\n"),
        ] {
            assert_eq!(format(given), expected, "{given}");
            assert_eq!(format(expected), expected, "{given}");
        }
    }
}
