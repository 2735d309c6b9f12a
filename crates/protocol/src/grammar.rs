//! The grammar of codes, scores and labels, shared by replies, recorded results and text columns. `docs/policy.md` shows it as a
//! table.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The code or label that replaces an unreadable value. No policy accepts it.
pub const MALFORMED: &str = "(malformed)";
/// The largest reply that is read, in bytes.
pub const LARGEST_REPLY: usize = 1 << 20;
/// The largest `MaterialInfo` that is read, in bytes.
pub const LARGEST_MATERIAL: usize = 256 << 10;
/// The deepest nesting of lists and objects in a JSON document.
pub const DEEPEST: usize = 128;
/// The longest code, in digits.
const LONGEST_CODE: usize = 15;
/// The most labels of one list.
const MOST_LABELS: usize = 256;

/// Whether a text means "no value": empty, or the word `null`, which the service sends.
#[must_use]
#[inline]
pub fn is_missing(text: &str) -> bool {
    matches!(text, "" | "null")
}

/// Reads a code from a text or a number as written: 1 to 15 digits without a leading zero. `200.0` is the code `200`, because
/// some tools write whole numbers with a zero fraction. Returns `None` for everything else.
///
/// ```
/// use cloudauth_protocol::grammar;
///
/// assert_eq!(grammar::code("200.0"), Some("200"));
/// assert_eq!(grammar::code("200 "), None);
/// ```
#[must_use]
#[inline]
pub fn code(written: &str) -> Option<&str> {
    let end = written.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(written.len());
    let (digits, fraction) = written.split_at_checked(end)?;
    let is_code = match digits.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', ..] => digits.len() <= LONGEST_CODE,
        _ => false,
    };
    let is_zero = match fraction.as_bytes() {
        [] => true,
        [b'.', zeros @ ..] => !zeros.is_empty() && zeros.iter().all(|byte| *byte == b'0'),
        _ => false,
    };
    (is_code && is_zero).then_some(digits)
}

/// Whether the lists and objects of a JSON document are nested deeper than [`DEEPEST`]. A reader that skips a value does not
/// notice.
///
/// ```
/// use cloudauth_protocol::grammar;
///
/// let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
/// assert!(!grammar::is_too_deep(&nested(grammar::DEEPEST)));
/// assert!(grammar::is_too_deep(&nested(grammar::DEEPEST + 1)));
/// assert!(!grammar::is_too_deep(&format!("[\"{}\"]", nested(1000))));
/// ```
#[must_use]
pub fn is_too_deep(json: &str) -> bool {
    // Almost no document has so many brackets. They are searched many bytes at a time: one at a time takes longer than reading
    // the document.
    if memchr::memchr2_iter(b'{', b'[', json.as_bytes()).take(DEEPEST + 1).count() <= DEEPEST {
        return false;
    }
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => depth += 1,
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

/// Reads a score from a text: a JSON number with at most three exponent digits. Returns `None` for everything else, such as
/// `+88.25`, `088.25`, `88.`, `.5e2`, `NaN` and numbers outside the range of a double.
///
/// ```
/// use cloudauth_protocol::grammar;
///
/// assert_eq!(grammar::score("88.25"), Some(88.25));
/// assert_eq!(grammar::score("88."), None);
/// ```
#[must_use]
pub fn score(text: &str) -> Option<f64> {
    is_number(text.as_bytes()).then(|| text.parse().ok()).flatten().filter(|number: &f64| number.is_finite())
}

fn is_number(text: &[u8]) -> bool {
    let rest = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, mut rest) = digits(rest);
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with(b"0")) {
        return false;
    }
    if let [b'.', after @ ..] = rest {
        let (fraction, after) = digits(after);
        if fraction.is_empty() {
            return false;
        }
        rest = after;
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let after = after.strip_prefix(b"+").or(after.strip_prefix(b"-")).unwrap_or(after);
        let (exponent, after) = digits(after);
        return matches!(exponent.len(), 1..=3) && after.is_empty();
    }
    rest.is_empty()
}

/// Splits off the leading digits.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, &[]))
}

/// Whether a JSON number is an integer for JSON readers: written without fraction and exponent, and within 64 bits.
#[must_use]
pub fn is_whole(number: &str) -> bool {
    number != "-0" && (number.parse::<u64>().is_ok() || number.parse::<i64>().is_ok())
}

/// Adds the labels of a text: comma-separated, trimmed, empty ones dropped. A text that begins with `[` is a JSON list, as for
/// [`labels_of_list`]. Returns whether the whole text was valid.
pub fn labels_of_text(text: &str, labels: &mut Vec<Box<str>>) -> bool {
    if is_missing(text) {
        return true;
    }
    if text.trim_start().starts_with('[') {
        return labels_of_list(text, labels);
    }
    let mut all = text.split(',').map(str::trim).filter(|label| !label.is_empty());
    labels.extend(all.by_ref().take(MOST_LABELS).map(Box::from));
    all.next().is_none() || malformed(labels)
}

/// Adds the labels of a JSON list of texts. An element that is not a text, and any after the 256th, becomes the label
/// [`MALFORMED`], so that it is not mistaken for an empty list. Returns whether the whole list was valid.
pub fn labels_of_list(json: &str, labels: &mut Vec<Box<str>>) -> bool {
    let mut reader = serde_json::Deserializer::from_str(json);
    let read = reader.deserialize_seq(List(labels)).and_then(|understood| reader.end().map(|()| understood));
    read.unwrap_or_else(|_| malformed(labels))
}

/// Adds the label of an unreadable value, and returns `false`.
pub fn malformed(labels: &mut Vec<Box<str>>) -> bool {
    labels.push(MALFORMED.into());
    false
}

struct List<'l>(&'l mut Vec<Box<str>>);

impl<'de> Visitor<'de> for List<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let Self(labels) = self;
        let (mut read, mut understood) = (0, true);
        while let Some(raw) = list.next_element::<&RawValue>()? {
            read += 1;
            if read > MOST_LABELS {
                understood &= read > MOST_LABELS + 1 || malformed(labels);
                continue;
            }
            match serde_json::from_str::<String>(raw.get()) {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => labels.push(text.trim().into()),
                Err(_) => understood = malformed(labels),
            }
        }
        Ok(understood)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_a_whole_number() {
        for (written, expected) in [
            ("200", "200"),
            ("0", "0"),
            ("200.0", "200"),
            ("200.000", "200"),
            ("0.0", "0"),
            ("999999999999999", "999999999999999"),
            ("999999999999999.00", "999999999999999"),
        ] {
            assert_eq!(code(written), Some(expected), "{written}");
        }
        for written in [
            "",
            "null",
            "200 ",
            " 200",
            "+200",
            "-200",
            "0200",
            "00",
            "200.",
            ".0",
            "200.5",
            "2e2",
            "200.0.0",
            "200,0",
            "T",
            "\u{ff12}00",
            "200\n",
            "200.0\0",
            "1000000000000000",
            "999999199001012003",
        ] {
            assert_eq!(code(written), None, "{written}");
        }
    }

    #[test]
    fn a_score_is_a_number_as_json_writes_it() {
        for text in ["88.25", "0", "-0", "-1.5", "75e0", "7.5E+1", "750e-01", "1e-400", "1e308", "100.000"] {
            assert_eq!(score(text), Some(text.parse().unwrap()), "{text}");
        }
        for text in [
            "",
            "null",
            "+88.25",
            "088.25",
            "88.",
            ".5e2",
            ".5",
            "5.e1",
            " 88",
            "88 ",
            "1e400",
            "-1e400",
            "1e1234",
            "1e0001",
            "1e",
            "1e+",
            "e1",
            "-",
            "--1",
            "NaN",
            "inf",
            "Infinity",
            "0x4B",
            "7_5",
            "75,5",
            "75d",
            "88.2.5",
            "\u{ff17}5",
            "00",
            "-01",
            "1-",
            "1e-",
            "1e+-1",
        ] {
            assert_eq!(score(text), None, "{text}");
        }
    }

    #[test]
    fn a_whole_number_has_no_fraction_and_fits_into_64_bits() {
        for number in ["0", "-1", "200", "18446744073709551615", "-9223372036854775808"] {
            assert!(is_whole(number), "{number}");
        }
        for number in ["-0", "1.0", "1e2", "18446744073709551616", "-9223372036854775809", "", "x"] {
            assert!(!is_whole(number), "{number}");
        }
    }

    #[test]
    fn labels_are_read_from_texts_and_lists() {
        let bad = MALFORMED;
        for (text, expected, understood) in [
            ("", vec![], true),
            ("null", vec![], true),
            (" , ", vec![], true),
            ("ROOT", vec!["ROOT"], true),
            ("VirtualCamera, ROOT,", vec!["VirtualCamera", "ROOT"], true),
            ("[]", vec![], true),
            (" [ ] ", vec![], true),
            (r#"["ROOT"," VPN ",""]"#, vec!["ROOT", "VPN"], true),
            (r#"["a,b"]"#, vec!["a,b"], true),
            (r#"["\u0041"]"#, vec!["A"], true),
            (r#"["ROOT",5,null]"#, vec!["ROOT", bad, bad], false),
            ("['ROOT']", vec![bad], false),
            ("[", vec![bad], false),
            (r#"["ROOT"] "#, vec!["ROOT"], true),
            (r#"["ROOT"]x"#, vec!["ROOT", bad], false),
        ] {
            let mut labels = Vec::new();
            let is_understood = labels_of_text(text, &mut labels);
            let labels: Vec<&str> = labels.iter().map(|label| &**label).collect();
            assert_eq!((labels, is_understood), (expected, understood), "{text}");
        }
    }

    #[test]
    fn a_long_list_of_labels_is_bounded() {
        for text in ["a,".repeat(100_000), format!("[{}\"a\"]", "\"a\",".repeat(100_000))] {
            let mut labels = Vec::new();
            assert!(!labels_of_text(&text, &mut labels));
            assert_eq!(labels.len(), MOST_LABELS + 1);
            assert_eq!(labels.last().map(|label| &**label), Some(MALFORMED));
        }
    }

    proptest! {
        #[test]
        fn a_score_is_what_serde_json_reads(text in "-?[0-9]{0,3}[.]?[0-9]{0,3}([eE][+-]?[0-9]{0,3})?[ x]?") {
            let by_json = serde_json::from_str::<f64>(&text).ok().filter(|_| !text.ends_with(' '));
            prop_assert_eq!(score(&text), by_json);
        }

        /// A whole number, with a fraction of zeros or none, is the code; anything else is not.
        #[test]
        fn a_code_is_a_whole_number_as_written(text in "-?[0-9]{0,17}([.]0{0,3})?[ x]?|[0-9]{1,3}[.][0-9]|\\PC{0,8}") {
            let whole = text.split_once('.').map_or(Some(&*text), |(whole, rest)| {
                (!rest.is_empty() && rest.bytes().all(|byte| byte == b'0')).then_some(whole)
            });
            if let Some(code) = code(&text) {
                prop_assert_eq!(Some(code), whole);
                prop_assert!(!code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit()));
            }
        }

        #[test]
        fn labels_are_those_of_the_list(labels in prop::collection::vec("[A-Za-z]{1,8}", 1..5)) {
            let list = serde_json::to_string(&labels).unwrap();
            for text in [labels.join(","), list] {
                let mut read = Vec::new();
                prop_assert!(labels_of_text(&text, &mut read), "{}", text);
                prop_assert_eq!(read.iter().map(|label| label.to_string()).collect::<Vec<_>>(), labels.clone());
            }
        }
    }
}
