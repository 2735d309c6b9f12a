//! Comparison with serde_json: the quick reader may give up, but never accepts what serde_json refuses, nor reads another value.
//! 20,000 mutated documents, or as many as `CLOUDAUTH_PROPERTY_CASES` says.

use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::reader::read;
use super::*;
use crate::wipe::WipedText;

/// What both readers are asked for: every kind of value that a reply's types ask for.
#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default, alias = "code")]
    #[serde(rename = "Code")]
    code: Option<Written<'a>>,
    #[serde(borrow, default)]
    result: Option<Found<'a>>,
    #[serde(default)]
    ignored: Option<IgnoredAny>,
    #[serde(borrow, default)]
    others: BTreeMap<&'a str, Written<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found<'a> {
    #[serde(borrow)]
    passed: Written<'a>,
    #[serde(borrow, default)]
    material: Option<TextOrWritten<'a>>,
}

/// A reply in a form that can be compared: the text of a string as serde_json reads it, and everything else as written.
type Comparable =
    (Option<String>, Option<(String, Option<Result<String, String>>)>, bool, Vec<(String, String)>);

fn comparable(reply: Reply<'_>) -> Comparable {
    let text = |value: TextOrWritten<'_>| match value {
        TextOrWritten::Text(text) => Ok(text.into_owned().into_string()),
        TextOrWritten::Written(Written(written)) => {
            serde_json::from_str::<String>(written).map_err(|_| written.to_owned())
        }
    };
    (
        reply.code.map(|code| code.0.to_owned()),
        reply.result.map(|found| (found.passed.0.to_owned(), found.material.map(text))),
        reply.ignored.is_some(),
        reply.others.into_iter().map(|(name, value)| (name.to_owned(), value.0.to_owned())).collect(),
    )
}

/// Compares the readers on a document. Returns whether the quick reader read it.
fn agree(document: &str) -> bool {
    let Ok(quick) = read::<Reply<'_>>(document) else { return false };
    let careful = serde_json::from_str::<Reply<'_>>(document);
    let careful = careful.unwrap_or_else(|error| panic!("serde_json refuses {document:?}: {error}"));
    assert_eq!(comparable(quick), comparable(careful), "{document:?}");
    true
}

const DOCUMENTS: [&str; 5] = [
    r#"{"Code":"200","result":{"passed":"T","material":"{\"faceAttack\":\"F\",\"front\":{\"score\":77.67839664946675,\"url\":\"http://x.example/verify/a_0.jpeg?Expires=1625371140\\u0026token=CAIS%2Bgds%2F\"}}"},"ignored":[1,{"a":"\u00e9"},-0.5e-7]}"#,
    r#"{ "code" : 200.0 , "others" : { "a" : [ "x" , { } , [ ] , null ] , "b" : true , "c" : "\ud83d\ude00 \n \/" } }"#,
    "{\"Code\":\"二百\",\"result\":{\"passed\":null,\"material\":\"张三 is not a name: \\u5f20\\u4e09\\t\"},\"ignored\":null}",
    r#"{"others":{"":"","long name of a member":[[[[[[[1]]]]]]],"numbers":[0,-0,1.5,1E9,1e+9,123456789012345678901234567890]}}"#,
    r#"{"result":{"passed":false,"material":{"not":"a text"}},"ignored":"plain text of more than sixteen bytes"}"#,
];

const PARTS: [&str; 36] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\n",
    "\t",
    "\0",
    "\u{1f}",
    "\u{7f}",
    "0",
    "9",
    "-",
    ".",
    "e",
    "E+",
    "null",
    "true",
    "fals",
    "\\u",
    "\\ud800",
    "\\udc00",
    "\\u0041",
    "\\x",
    "\\\"",
    "é",
    "\u{1f600}",
    "\"Code\":1,",
    "[1]",
    "{\"a\":1}",
    "00",
    "\u{feff}",
];

/// A generator of pseudorandom numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    fn mutated(&mut self, document: &str) -> String {
        let mut bytes = document.as_bytes().to_vec();
        for _ in 0..=self.below(3) {
            let begin = self.below(bytes.len());
            let end = (begin + self.below(12)).min(bytes.len());
            let part = match self.below(4) {
                0 => Vec::new(),
                1 => bytes[self.below(bytes.len())..].iter().copied().take(12).collect(),
                _ => PARTS[self.below(PARTS.len())].into(),
            };
            let is_insertion = self.below(2) == 0;
            bytes.splice(begin..if is_insertion { begin } else { end }, part);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[test]
fn mutated_documents_read_as_serde_json_reads_them() {
    let cases = std::env::var("CLOUDAUTH_PROPERTY_CASES").map_or(20_000, |cases| cases.parse().unwrap());
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let read = (0..cases)
        .filter(|case| {
            let document = random.mutated(DOCUMENTS[case % DOCUMENTS.len()]);
            agree(&document)
        })
        .count();
    assert!(read > cases / 10, "the quick reader read only {read} of {cases}");
}

#[test]
fn reads_usual_documents_without_serde_json() {
    for document in DOCUMENTS {
        assert!(agree(document), "{document}");
    }
}

#[test]
fn gives_up_on_invalid_and_unusual_documents() {
    for document in [
        "",
        " ",
        "{",
        "{}x",
        "{}{}",
        "[]",
        "null",
        "\"x\"",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{'a':1}",
        "{\"ignored\":01}",
        "{\"ignored\":1.}",
        "{\"ignored\":.5}",
        "{\"ignored\":-}",
        "{\"ignored\":1e}",
        "{\"ignored\":+1}",
        "{\"ignored\":nul}",
        "{\"ignored\":NaN}",
        "{\"ignored\":\"\t\"}",
        "{\"ignored\":\"\\x\"}",
        "{\"ignored\":\"\\u12g4\"}",
        "{\"ignored\":\"\\u12",
        "{\"ignored\":[1,]}",
        "{\"ignored\":{\"a\":1,}}",
        "{\"ignored\":[1}",
        "{\"ignored\":\"",
        "\u{feff}{}",
        "{\"Code\":1,\"Code\":2}",
        "{\"Code\":1,\"code\":2}",
        "{\"result\":[\"T\",null]}",
        "{\"result\":\"T\"}",
        "{\"result\":{\"passed\":1,\"unknown\":1}}",
        "{\"result\":{}}",
        "{\"result\":{\"passed\":1,\"material\":\"\\ud800\"}}",
        "{\"result\":{\"passed\":1,\"material\":\"\\ud800\\u0041\"}}",
        "{\"result\":{\"passed\":1,\"material\":\"\u{1}\"}}",
        "{\"C\\u006fde\":1}",
    ] {
        assert!(read::<Reply<'_>>(document).is_err(), "{document}");
        let ours = from_str::<Reply<'_>>(document).map_err(|error| match error {
            Unreadable::Invalid(error) => error.to_string(),
            Unreadable::TooDeep => "too deep".to_owned(),
        });
        let careful = serde_json::from_str::<Reply<'_>>(document).map_err(|error| error.to_string());
        assert_eq!(ours.map(comparable), careful.map(comparable), "{document}");
    }
}

#[test]
fn rejects_a_control_character_anywhere_in_a_text() {
    for at in 0..100 {
        for control in ['\0', '\n', '\u{1f}'] {
            let text: String = (0..100).map(|other| if other == at { control } else { 'x' }).collect();
            for document in [
                format!("{{\"Code\":\"{text}\"}}"),
                format!("{{\"ignored\":[\"{text}\"]}}"),
                format!("{{\"result\":{{\"passed\":1,\"material\":\"\\n{text}\"}}}}"),
            ] {
                assert!(from_str::<Reply<'_>>(&document).is_err(), "{document:?}");
            }
        }
    }
}

/// Reads one member and leaves the rest.
struct Leaves;

impl<'de> Deserialize<'de> for Leaves {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Leaves {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        object.next_entry::<&str, IgnoredAny>().map(|_| self)
    }
}

#[test]
fn gives_up_where_a_type_leaves_members_unread() {
    let document = "{\"a\":1,\"b\":2}";
    assert!(read::<Leaves>(document).is_err() && serde_json::from_str::<Leaves>(document).is_err());
}

/// Reads members, and ignores the errors of their values or of their names.
struct Ignores;

impl<'de> Deserialize<'de> for Ignores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Ignores {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self, A::Error> {
        while let Ok(Some(_)) | Err(_) = object.next_key::<&str>() {
            if object.next_value::<Option<Written<'_>>>().is_err() {
                // The end, if there is one.
                let _ = object.next_key::<&str>();
                break;
            }
        }
        Ok(self)
    }
}

#[test]
fn an_error_that_a_type_ignores_is_an_error() {
    assert!(read::<Ignores>("{\"a\":1}").is_ok() && from_str::<Ignores>("{\"a\":1}").is_ok());
    for document in ["{\"a\"}", "{\"a\" }", "{\"a\":1,\"b\"}", "{\"a\":}", "{\"a\":nul}", "{\"a\":1 \"b\"}"] {
        assert!(read::<Ignores>(document).is_err() && from_str::<Ignores>(document).is_err(), "{document}");
    }
}

#[test]
fn nesting_is_bounded() {
    for open in ["[", "{\"a\":"] {
        let document = format!("{{\"ignored\":{}", open.repeat(100_000));
        assert!(from_str::<Reply<'_>>(&document).is_err());
    }
    let nested = |depth| format!("{{\"ignored\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(agree(&nested(16)) && !agree(&nested(17)));
    assert!(from_str::<Reply<'_>>(&nested(17)).is_ok() && from_str::<Reply<'_>>(&nested(127)).is_ok());
    assert!(matches!(from_str::<Reply<'_>>(&nested(128)), Err(Unreadable::TooDeep)));
}

#[test]
fn a_text_takes_little_more_memory_than_its_length() {
    let document =
        format!(r#"{{"result":{{"passed":1,"material":"x\n"}},"ignored":"{}"}}"#, "x".repeat(1 << 20));
    let reply = from_str::<Reply<'_>>(&document).unwrap();
    let Some(TextOrWritten::Text(WipedText::Owned(text))) = reply.result.unwrap().material else {
        panic!("not a text with escapes")
    };
    let text = text.into_string();
    assert!(text == "x\n" && text.capacity() <= 4096, "{}", text.capacity());
}

proptest! {
    /// Every position of an escape within a block, and within the last bytes of a document.
    #[test]
    fn texts_round_trip(text in "[a\"\\\\\n\u{1}é𠮷]{0,40}", after in 0_usize..20) {
        let escaped = serde_json::to_string(&text).unwrap();
        let document = format!("{escaped}{}", " ".repeat(after));
        let (read, length) = unescape::read_escaped(document.strip_prefix('"').unwrap()).unwrap();
        prop_assert_eq!((&*read, length), (&*text, escaped.len() - 1));
        prop_assert_eq!(&*unescape(Written(&escaped).quoted().unwrap()).unwrap(), text);
    }

    #[test]
    fn arbitrary_texts_never_panic(document in "[{}\\[\\]\":,\\\\a1 ]{0,30}|\\PC{0,30}") {
        agree(&document);
    }
}
