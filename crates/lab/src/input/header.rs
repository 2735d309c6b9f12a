//! The header of a CSV file: its delimiter and its columns.

use std::io::{self, Read};

use cloudauth_policy::{Input, resembles};
use cloudauth_protocol::{has_digit_run, plain_name};

use crate::error::FileColumns;

/// The maximum length of a header, in bytes.
const LONGEST: usize = 1 << 20;
/// The most column names that an error lists.
const MOST_NAMES: usize = 30;
/// The most column names that are compared with known ones.
const MOST_COMPARED: usize = 1000;
/// The shortest run of digits that is a value, such as a date or a phone number, and not a part of a name.
const LONG_RUN: usize = 5;
/// Common names of columns of recorded results.
const COMMON: [&str; 12] = [
    "code", "date", "id", "label", "passed", "result", "score", "status", "subcode", "time", "user_id",
    "verdict",
];

/// Reads the first line, and possibly more.
pub(crate) fn read(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut head, mut seen) = (Vec::new(), 0);
    // A quote opens at the start of a field, and again directly after a closed quote.
    let (mut is_quoted, mut may_open, mut is_begun) = (false, true, false);
    loop {
        let read = from.by_ref().take(1 << 14).read_to_end(&mut head)?;
        for (at, byte) in (seen..).zip(head.get(seen..).unwrap_or_default()) {
            let is_break = matches!(byte, b'\n' | b'\r');
            // The CSV reader skips blank lines before the header.
            if is_break && is_begun && !is_quoted {
                return Ok(head);
            }
            if at >= LONGEST {
                let what = "the header is longer than 1 MiB; a quote that it opens may never be closed";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            is_begun |= !is_break;
            let is_quote = *byte == b'"' && (is_quoted || may_open);
            may_open = is_break || is_quote || matches!(byte, b',' | b';' | b'\t' | b'|');
            is_quoted ^= is_quote;
        }
        seen = head.len();
        if read == 0 {
            return Ok(head);
        }
    }
}

/// Returns the delimiter that finds the most names. The file format's usual delimiter wins a tie.
pub(crate) fn delimiter(head: &[u8], usual: u8, wanted: &[impl AsRef<str>]) -> u8 {
    let found = |delimiter: &u8| {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(*delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(head);
        let mut names = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut names).is_ok_and(|is_there| is_there) {
            return 0;
        }
        names.trim();
        let is_there = |wanted: &str| {
            !wanted.is_empty() && names.iter().any(|name| name.eq_ignore_ascii_case(wanted.as_bytes()))
        };
        wanted.iter().filter(|wanted| is_there(wanted.as_ref())).count()
    };
    [b'|', b'\t', b';', b',', usual].into_iter().max_by_key(found).unwrap_or(usual)
}

/// Returns the column with this name: the one with exactly this name, or the only one that differs in case. `Err` if several
/// columns match.
pub(crate) fn column(names: &[&[u8]], name: &str) -> Result<Option<usize>, ()> {
    let only = |is: &dyn Fn(&[u8]) -> bool| {
        let mut found = names.iter().enumerate().filter(|(_, other)| is(other)).map(|(column, _)| column);
        match (found.next(), found.next()) {
            (found, None) => Ok(found),
            _ => Err(()),
        }
    };
    // An empty name matches no column, not even one without a name.
    if name.is_empty() {
        return Ok(None);
    }
    match only(&|other| other == name.as_bytes())? {
        None => only(&|other| other.eq_ignore_ascii_case(name.as_bytes())),
        found => Ok(found),
    }
}

/// Describes the columns for an error. The first line may be data, so it shows only names that are or resemble a wanted or a
/// common one, and the number of columns.
pub(crate) fn shown(names: &[&[u8]], wanted: &[impl AsRef<str>]) -> FileColumns {
    let names: Vec<_> = names.iter().map(|name| String::from_utf8_lossy(name)).collect();
    let is_value = |name: &str| {
        name.parse::<f64>().is_ok()
            || matches!(name, "T" | "F" | "true" | "false")
            || has_digit_run(name, LONG_RUN)
    };
    if names.iter().any(|name| is_value(name)) {
        return FileColumns::LooksLikeData;
    }
    let words: Vec<&str> =
        wanted.iter().map(AsRef::as_ref).chain(Input::ALL.map(Input::name)).chain(COMMON).collect();
    let is_known = |name: &&str| words.iter().any(|word| resembles(name, word));
    let known = names
        .iter()
        .map(AsRef::as_ref)
        .filter(|name: &&str| plain_name(name).is_some())
        .take(MOST_COMPARED)
        .filter(is_known)
        .take(MOST_NAMES)
        .map(str::to_owned);
    FileColumns::Named(names.len(), known.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_inside_an_unquoted_field_is_literal() {
        let rows = "1,2\n".repeat(LONGEST);
        let head = read(&mut format!("size (5\"),x\n{rows}").as_bytes()).unwrap();
        assert!(head.starts_with(b"size (5\"),x\n") && head.len() < LONGEST);
        let head = read(&mut format!("\"a \"\"b\"\"\n\",c\n{rows}").as_bytes()).unwrap();
        assert!(head.starts_with(b"\"a \"\"b") && head.len() < LONGEST);
        assert!(read(&mut format!("\"never closed,x\n{rows}").as_bytes()).is_err());
    }
}
