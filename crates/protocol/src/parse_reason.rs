//! The reasons of parsers in plain words: their messages name types of Rust and quote values.

use std::borrow::Cow;
use std::fmt;

use crate::redact::plain_name;

/// Why a document cannot be read, in plain words. It quotes at most the name of a field. `Display` is English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseReason {
    /// The reason in English.
    pub en: String,
    /// The reason in Chinese. A text of the parser that has no Chinese follows as `（原文：..）`.
    pub zh: String,
}

impl fmt::Display for ParseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

/// Puts the message of a parser (serde's, as those of `serde_json` and `toml` are) into plain words: what a value must be instead
/// of a type of Rust, and the location first.
///
/// It masks the value or the name that the message quotes, unless it is a [`plain_name`] and either the name of a field, a
/// number, or lower-case words joined by `_`, as inputs are named. The file may be the wrong one and hold personal data. The
/// words that the message lists after `expected` are the program's own.
///
/// ```
/// use cloudauth_protocol::plain_parse_error;
///
/// let reason = plain_parse_error("invalid type: string \"LI SI\", expected u16 at line 1 column 9");
/// assert_eq!(reason.en, "line 1, column 9: must be a whole number from 0 to 65535, not text");
/// assert_eq!(reason.zh, "第 1 行第 9 列：须为 0 至 65535 的整数，而不是文本");
/// let reason = plain_parse_error("unknown field `segment`, expected `segments`");
/// assert_eq!(reason.en, "unknown field `segment`, expected `segments`");
/// ```
#[must_use]
pub fn plain_parse_error(message: &str) -> ParseReason {
    let masked = mask(message);
    let (text, location) = located(&masked);
    let reason = in_plain_words(text);
    match location {
        None => reason,
        Some((line, column)) => ParseReason {
            en: format!("line {line}, column {column}: {}", reason.en),
            zh: format!("第 {line} 行第 {column} 列：{}", reason.zh),
        },
    }
}

/// Splits a message of `serde_json` from its location.
fn located(message: &str) -> (&str, Option<(&str, &str)>) {
    let split = || {
        let (text, location) = message.rsplit_once(" at line ")?;
        let (line, column) = location.split_once(" column ")?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (is_number(line) && is_number(column)).then_some((text, Some((line, column))))
    };
    split().unwrap_or((message, None))
}

fn in_plain_words(text: &str) -> ParseReason {
    let of_type = text.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "));
    if let Some((found, wanted)) = of_type {
        let ((found, zh_found), (wanted, zh_wanted)) = (found_words(found), wanted_words(wanted));
        return ParseReason {
            en: format!("must be {wanted}, not {found}"),
            zh: format!("须为{}，而不是{}", after_chinese(&zh_wanted), after_chinese(&zh_found)),
        };
    }
    let of_value =
        ["invalid value: ", "invalid length "].into_iter().find_map(|kind| text.strip_prefix(kind));
    if let Some((_, wanted)) = of_value.and_then(|rest| rest.split_once(", expected ")) {
        let (wanted, zh_wanted) = wanted_words(wanted);
        return ParseReason {
            en: format!("must be {wanted}"),
            zh: format!("须为{}", after_chinese(&zh_wanted)),
        };
    }
    for (kind, en, zh) in [
        ("unknown variant ", "unknown value ", "未知的值"),
        ("unknown field ", "unknown field ", "未知的字段"),
        ("missing field ", "missing field ", "缺少字段"),
        ("duplicate field ", "duplicate field ", "重复的字段"),
    ] {
        if let Some(rest) = text.strip_prefix(kind) {
            let (name, known) = rest.split_once(", expected ").unwrap_or((rest, ""));
            let known = known.strip_prefix("one of ").unwrap_or(known);
            let known = known.replace("`, `", "`、`").replace("` or `", "`、`");
            let known = if known.is_empty() { known } else { format!("；可用的有：{known}") };
            return ParseReason { en: format!("{en}{rest}"), zh: format!("{zh} {name}{known}") };
        }
    }
    match text {
        "wanted string or table" => {
            let (wanted, zh_wanted) = wanted_words("string or map");
            ParseReason { en: format!("must be {wanted}"), zh: format!("须为{zh_wanted}") }
        }
        "duplicate key" => ParseReason { en: text.to_owned(), zh: "键重复".to_owned() },
        _ => ParseReason { en: text.to_owned(), zh: format!("格式有误（原文：{text}）") },
    }
}

/// Puts a space between Chinese and a text that begins otherwise.
fn after_chinese(text: &str) -> String {
    let is_chinese = text.starts_with(|c: char| c >= '\u{3000}');
    if is_chinese { text.to_owned() } else { format!(" {text}") }
}

type Words<'t> = (Cow<'t, str>, Cow<'t, str>);

fn words<'t>(en: &'t str, zh: &'t str) -> Words<'t> {
    (en.into(), zh.into())
}

/// What serde expects. A text of the program's own stays as it is.
fn wanted_words(wanted: &str) -> Words<'_> {
    let whole = |least: i64, most: i64| {
        let en = format!("a whole number from {least} to {most}");
        (en.into(), format!("{least} 至 {most} 的整数").into())
    };
    let number = |text: &str| text.split(' ').find_map(|word| word.parse::<usize>().ok());
    match wanted {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "u128" | "usize" => words("a whole number, 0 or more", "不小于 0 的整数"),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" | "i128" | "isize" => words("a whole number", "整数"),
        "f32" | "f64" => words("a number", "数字"),
        "a boolean" => words("true or false", "true 或 false"),
        "a string" | "a borrowed string" | "string" => words("text", "文本"),
        "a character" => words("one character", "一个字符"),
        "a map" => words(NAMED.0, NAMED.1),
        _ if wanted.starts_with("struct ") => words(NAMED.0, NAMED.1),
        _ if wanted.contains("tuple") || wanted.starts_with("an array of length") => match number(wanted) {
            Some(count) => (format!("a list of {count} values").into(), format!("{count} 个值的列表").into()),
            None => words("a list", "列表"),
        },
        "a sequence" | "an empty array" => words("a list [..]", "列表 [..]"),
        "string or map" => words("a name, or named values {..}", "名称，或键值对 {..}"),
        _ if wanted.starts_with("enum ") => words("a name, or named values {..}", "名称，或键值对 {..}"),
        "unit" | "unit variant" => words("without a value", "没有值"),
        _ if wanted.ends_with(" variant") => words("followed by a value", "带有值"),
        own => words(own, own),
    }
}

/// A table of TOML and an object of JSON.
const NAMED: (&str, &str) = ("named values {..}", "键值对 {..}");

/// What serde found.
fn found_words(found: &str) -> Words<'_> {
    match found.split(' ').next().unwrap_or_default() {
        "boolean" => words("true or false", "true 或 false"),
        "integer" => words("a number", "数字"),
        "floating" => words("a decimal number", "小数"),
        "string" | "character" => words("text", "文本"),
        "sequence" => words("a list", "列表"),
        "map" => words("named values", "键值对"),
        "null" | "unit" if !found.ends_with("variant") => words("null", "null"),
        "unit" => words("a name alone", "单独的名称"),
        _ => words(found, found),
    }
}

/// Masks the value or the name that a parser's message quotes in backticks or quotes.
fn mask(message: &str) -> Cow<'_, str> {
    // A quoted value may contain these words too, but it precedes the parser's own.
    let end = message.rfind(", expected ").unwrap_or(message.len());
    let quoted = || {
        let begin = message.get(..end)?.find(['`', '"'])?;
        let mut inside = message.get(begin..end)?.chars();
        let close = begin + 1 + inside.next().and_then(|quote| inside.as_str().rfind(quote))?;
        Some((begin + 1, close))
    };
    let Some((begin, close)) = quoted() else { return Cow::Borrowed(message) };
    match (message.get(..begin), message.get(begin..close), message.get(close..)) {
        (Some(before), Some(inside), Some(after))
            if plain_name(inside).is_none() || !(before.ends_with(" field `") || is_no_person(inside)) =>
        {
            Cow::Owned(format!("{before}[redacted]{after}"))
        }
        _ => Cow::Borrowed(message),
    }
}

/// Whether a plain name cannot be the name of a person or a secret: a number, or lower-case words joined by `_`.
fn is_no_person(name: &str) -> bool {
    let are_words = name.contains('_') && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    are_words || name.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parse_error_shows_no_value() {
        for (message, masked) in [
            (
                "unknown field `LI SI`, expected `a` or `b c`",
                "unknown field `[redacted]`, expected `a` or `b c`",
            ),
            // A name in Latin letters and a secret look like names of fields.
            ("unknown variant `ZHANGSAN`, expected `a`", "unknown variant `[redacted]`, expected `a`"),
            (
                "invalid type: string \"NMjvQanQgplBSaEI0sL86WnQplB\", expected u32",
                "invalid type: string \"[redacted]\", expected u32",
            ),
            // Not the name of a person.
            ("unknown variant `verify_score`, expected `a`", "unknown variant `verify_score`, expected `a`"),
            ("unknown variant `13900000000`, expected `a`", "unknown variant `[redacted]`, expected `a`"),
            ("unknown field `x`y`, expected `a`", "unknown field `[redacted]`, expected `a`"),
            (
                "invalid type: string \"a\\\", expected LI\", expected u32 at line 1",
                "invalid type: string \"[redacted]\", expected u32 at line 1",
            ),
            ("invalid type: integer `5`, expected a string", "invalid type: integer `5`, expected a string"),
            (
                "invalid type: string \"李四\", expected u32",
                "invalid type: string \"[redacted]\", expected u32",
            ),
            ("duplicate field `code`", "duplicate field `code`"),
            ("expected value at line 1 column 1", "expected value at line 1 column 1"),
            ("missing field `format`", "missing field `format`"),
        ] {
            assert_eq!(mask(message), masked);
        }
    }

    #[test]
    fn a_reason_says_what_a_value_must_be_and_names_no_type_of_rust() {
        for (message, en, zh) in [
            (
                "invalid value: integer `-1`, expected usize",
                "must be a whole number, 0 or more",
                "须为不小于 0 的整数",
            ),
            ("invalid type: null, expected a string", "must be text, not null", "须为文本，而不是 null"),
            (
                "invalid type: unit value, expected a string",
                "must be text, not null",
                "须为文本，而不是 null",
            ),
            (
                "invalid type: floating point `1.5`, expected u32",
                "must be a whole number from 0 to 4294967295, not a decimal number",
                "须为 0 至 4294967295 的整数，而不是小数",
            ),
            (
                "invalid type: map, expected a sequence at line 1 column 0",
                "line 1, column 0: must be a list [..], not named values",
                "第 1 行第 0 列：须为列表 [..]，而不是键值对",
            ),
            (
                "invalid type: sequence, expected struct Label",
                "must be named values {..}, not a list",
                "须为键值对 {..}，而不是列表",
            ),
            (
                "invalid length 3, expected tuple variant Latency::Uniform with 2 elements",
                "must be a list of 2 values",
                "须为 2 个值的列表",
            ),
            (
                "unknown variant `[redacted]`, expected `flat` or `reply`",
                "unknown value `[redacted]`, expected `flat` or `reply`",
                "未知的值 `[redacted]`；可用的有：`flat`、`reply`",
            ),
            (
                "unknown field `tims`, expected one of `times`, `order`",
                "unknown field `tims`, expected one of `times`, `order`",
                "未知的字段 `tims`；可用的有：`times`、`order`",
            ),
            ("missing field `format`", "missing field `format`", "缺少字段 `format`"),
            ("wanted string or table", "must be a name, or named values {..}", "须为名称，或键值对 {..}"),
            (
                "trailing comma at line 2 column 1",
                "line 2, column 1: trailing comma",
                "第 2 行第 1 列：格式有误（原文：trailing comma）",
            ),
        ] {
            let expected = ParseReason { en: en.to_owned(), zh: zh.to_owned() };
            assert_eq!(plain_parse_error(message), expected);
        }
    }

    #[test]
    fn each_type_of_serde_has_plain_words() {
        use std::collections::BTreeMap;

        use serde::{Deserialize, de::DeserializeOwned};

        #[derive(Debug, Deserialize)]
        enum Kind {
            Unit,
            #[expect(dead_code, reason = "it is never read")]
            Newtype(u8),
        }

        fn reason<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
            let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
            let reason = plain_parse_error(&error);
            assert!(reason.zh.contains("须为"), "{}", reason.zh);
            reason.en.split_once("must be ").map_or(error, |(_, wanted)| wanted.to_owned())
        }

        assert!(matches!(serde_json::from_str("\"Unit\""), Ok(Kind::Unit)));
        for (reason, expected) in [
            (reason::<u8>("300"), "a whole number from 0 to 255"),
            (reason::<u16>("null"), "a whole number from 0 to 65535, not null"),
            (reason::<u32>("true"), "a whole number from 0 to 4294967295, not true or false"),
            (reason::<u64>("-1"), "a whole number, 0 or more"),
            (reason::<i8>("300"), "a whole number from -128 to 127"),
            (reason::<i16>("[]"), "a whole number from -32768 to 32767, not a list"),
            (reason::<i32>("{}"), "a whole number from -2147483648 to 2147483647, not named values"),
            (reason::<i64>("1.5"), "a whole number, not a decimal number"),
            (reason::<f64>("\"x\""), "a number, not text"),
            (reason::<bool>("1"), "true or false, not a number"),
            (reason::<String>("1"), "text, not a number"),
            (reason::<char>("\"xy\""), "one character"),
            (reason::<BTreeMap<String, u8>>("1"), "named values {..}, not a number"),
            (reason::<Vec<u8>>("1"), "a list [..], not a number"),
            (reason::<(u8, u8)>("1"), "a list of 2 values, not a number"),
            (reason::<[u8; 3]>("[1]"), "a list of 3 values"),
            (reason::<Kind>("{\"Unit\":1}"), "without a value, not a number"),
            (reason::<Kind>("\"Newtype\""), "followed by a value, not a name alone"),
        ] {
            assert_eq!(reason, expected);
        }
    }
}
