//! Whether printed text shows something of a document that it must not show.

use std::fmt::{Debug, Display};

use serde_json::Value;

/// Panics if `shown` contains one of the texts that could be personal data or a secret: those with eight digits in a row, or
/// with a Chinese character. Other texts may be equal to a word of the message.
pub(crate) fn assert_hidden<'a>(shown: &str, texts: impl IntoIterator<Item = &'a str>) {
    for text in texts {
        assert!(!is_telling(text) || !shown.contains(text), "a text of {} bytes is shown", text.len());
    }
}

/// What may be printed of a result.
pub(crate) fn printed<T: Debug, E: Debug + Display>(result: &Result<T, E>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error} {error:?}"),
    }
}

/// Returns whether a text could identify a person.
pub(crate) fn is_telling(text: &str) -> bool {
    let digits = text.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 8);
    digits || text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// The words of a text of any form, so that a document that cannot be read is searched for too.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "\"'`=:,;[]{}()".contains(c))
}

/// Adds the strings of a document, except the values of members with these names.
pub(crate) fn strings<'a>(value: &'a Value, except: &[&str], found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, except, found)),
        Value::Object(members) => {
            let members = members.iter().filter(|(name, _)| !except.contains(&name.as_str()));
            members.for_each(|(_, member)| strings(member, except, found));
        }
        _ => {}
    }
}

/// Adds the strings of the members with these names.
pub(crate) fn shown_strings<'a>(value: &'a Value, names: &[&str], found: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| shown_strings(item, names, found)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            if names.contains(&name.as_str()) {
                strings(member, &[], found);
            } else {
                shown_strings(member, names, found);
            }
        }),
        _ => {}
    }
}
