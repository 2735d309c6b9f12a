//! Escapes characters that would act on a terminal. Data and file names may contain them.

use std::borrow::Cow;

use cloudauth::acts_on_display;

/// Escapes control characters, except line breaks and tabs, and characters that change the direction of text: `\u{1b}`.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| acts_on_display(c) && !matches!(c, '\n' | '\t'))
}

/// Escapes line breaks and tabs too: for one value from data, which could otherwise look like other lines of the output.
#[cfg(any(test, feature = "lab"))]
pub(crate) fn value(text: &str) -> Cow<'_, str> {
    escape(text, acts_on_display)
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_escaped(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_control_and_direction_characters() {
        assert_eq!(lines("渠道 é\tapp\n"), "渠道 é\tapp\n");
        assert_eq!(lines("\u{1b}[2J\r\u{9b}0m"), "\\u{1b}[2J\\r\\u{9b}0m");
        assert_eq!(lines("a\u{202e}b\u{2066}c\u{61c}"), "a\\u{202e}b\\u{2066}c\\u{61c}");
        assert_eq!(value("a\n\tb\0"), "a\\n\\tb\\u{0}");
    }
}
