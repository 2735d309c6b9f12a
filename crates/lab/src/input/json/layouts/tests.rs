//! Layouts against the careful reader: a line that is read by a known layout has the values that it finds.

use std::collections::BTreeMap;

use cloudauth_tests::Dice;

use super::*;
use crate::input::json::Bad;

/// Wanted members: of a line, of an object, of a document in a string, and a list.
const PATHS: [&str; 9] = ["s", "n", "o.s", "o", "m.s", "m.o.n", "m.t", "l", "b"];

/// What one reader finds: the text of each value, and the number of broken documents.
fn finds(found: &Found, line: &str) -> (Vec<String>, u32) {
    let value = |slot| match *found.value(slot) {
        Value::Text(place) => format!("text {}", found.text_in(line, place)),
        Value::Number(place, number) => format!("{} {:x}", found.text_in(line, place), number.to_bits()),
        Value::List(place) => format!("list {}", found.text_in(line, place)),
        other => format!("{other:?}"),
    };
    ((0..PATHS.len()).map(value).collect(), found.broken)
}

const STRINGS: [&str; 12] = [
    "",
    "T",
    "200",
    "s12",
    "张三",
    "é",
    "exactly 16 bytes",
    "a text of more than sixteen bytes",
    r"\u5f20",
    r"a\/b",
    r"\n",
    r"\ud800",
];
const NUMBERS: [&str; 10] =
    ["0", "-0", "75.01", "0.30000000000000004", "1e400", "-12.5E-3", "9007199254740993", "01", "1.", "-"];
const OTHERS: [&str; 8] = ["true", "false", "null", "[]", r#"["x",{"s":1}]"#, "{}", r#"{"s":"x"}"#, "[1"];
/// What the members of a document inside a string can have: quotes are its only escapes.
const IN_TEXT: [&str; 10] = [
    r#"\"T\""#,
    "80.5",
    r#"{\"n\":7,\"s\":\"x\"}"#,
    "null",
    "true",
    r#"[\"a\"]"#,
    r#"\"a\\\\b\""#,
    "[1,2]",
    r#"\"\""#,
    "01",
];

fn string(dice: &mut Dice) -> String {
    let all = if dice.roll(20) == 0 { &STRINGS[..] } else { &STRINGS[..8] };
    format!("\"{}\"", dice.of(all))
}

fn number(dice: &mut Dice) -> String {
    let all = if dice.roll(30) == 0 { &NUMBERS[..] } else { &NUMBERS[..7] };
    dice.of(all).to_owned()
}

/// Any value, most often of the kind that the member usually has.
fn value(dice: &mut Dice, usual: fn(&mut Dice) -> String) -> String {
    match dice.roll(80) {
        0 => string(dice),
        1 => number(dice),
        2 => dice.of(&OTHERS).to_owned(),
        _ => usual(dice),
    }
}

fn document(dice: &mut Dice) -> String {
    let mut members = vec![format!(r#"\"s\":{}"#, dice.of(&[r#"\"T\""#, r#"\"F\""#, r#"\"张\""#]))];
    if dice.roll(2) == 0 {
        members.push(format!(r#"\"o\":{{\"n\":{},\"x\":\"y\"}}"#, number(dice)));
    }
    if dice.roll(8) == 0 {
        members.push(format!(r#"\"{}\":{}"#, dice.of(&["t", "x", "s"]), dice.of(&IN_TEXT)));
    }
    format!("\"{{{}}}\"", members.join(","))
}

/// A line: its members are often those of other lines, and sometimes it has one twice.
fn line(dice: &mut Dice) -> String {
    let mut members = Vec::new();
    let mut member = |dice: &mut Dice, name: &str, often: usize, usual: fn(&mut Dice) -> String| {
        if dice.roll(often) > 0 {
            members.push(format!("\"{name}\":{}", value(dice, usual)));
        }
    };
    member(dice, "id", 60, string);
    member(dice, "s", 60, string);
    member(dice, "n", 20, number);
    member(dice, "o", 60, |dice| format!(r#"{{"s":{},"other":{}}}"#, string(dice), number(dice)));
    member(dice, "m", 8, document);
    member(dice, "l", 2, |dice| dice.of(&["[]", r#"["ROOT"]"#, r#"["a","b"]"#]).to_owned());
    member(dice, "x", 20, |dice| format!(r#"{{"s":{},"y":{{"n":{}}}}}"#, string(dice), number(dice)));
    member(dice, "b", 8, |dice| dice.of(&["true", "false", "null"]).to_owned());
    if dice.roll(40) == 0 {
        members.push(format!("\"{}\":{}", dice.of(&["s", "id", "n"]), number(dice)));
    }
    let separator = if dice.roll(20) == 0 { ", " } else { "," };
    format!("{{{}}}{}", members.join(separator), ["\r", " "].get(dice.roll(40)).unwrap_or(&""))
}

/// Replaces, removes or inserts a byte, or cuts the line.
fn mutate(dice: &mut Dice, line: &str) -> Option<String> {
    let mut bytes = line.as_bytes().to_vec();
    let at = dice.roll(bytes.len());
    let byte = dice.of(b"\"\\{}[],:01.eE-tn \t\r\x01\x1f\x7f");
    match dice.roll(4) {
        0 => *bytes.get_mut(at)? = byte,
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, byte),
        _ => bytes.truncate(at),
    }
    String::from_utf8(bytes).ok()
}

/// Reads lines by both readers. Returns how often a layout was known, and each reason why not.
fn compare(lines: u64, seed: u64) -> BTreeMap<&'static str, u64> {
    let mut dice = Dice(seed);
    let mut seen = BTreeMap::new();
    for number in 0..lines / 2_000 {
        let wanted = Wanted::new(PATHS);
        // Half of the mappings are those of responses, which have limits.
        let wanted = if number % 2 == 0 { wanted } else { wanted.with_reply("o") };
        let (mut layouts, mut known, mut careful) =
            (Layouts::new(&wanted), Found::new(&wanted), Found::new(&wanted));
        for _ in 0..2_000 {
            let mut text = line(&mut dice);
            let is_mutated = dice.roll(3) == 0;
            if is_mutated {
                let Some(mutated) = mutate(&mut dice, &text) else { continue };
                text = mutated;
            }
            // More of the file follows the line, or nothing.
            let file = format!("{text}{}", dice.of(&["", "\n", "\n{\"s\":\"T\"}\n", "\n]"]));
            let text = file.split('\n').next().unwrap_or_default();
            let is_paused = layouts.pause > 0;
            let length = layouts.read(&mut known, &wanted, file.as_bytes());
            let read = careful.read(&wanted, text.as_bytes());
            let class = match (length, read) {
                (Some(length), Ok(())) => {
                    assert_eq!(length, text.len(), "{text}");
                    assert_eq!(finds(&known, text), finds(&careful, text), "{text}");
                    if is_mutated { "known, mutated" } else { "known" }
                }
                (Some(_), Err(bad)) => panic!("{bad:?}: {text}"),
                (None, _) if is_paused => "paused",
                (None, Ok(())) => "learnt",
                (None, Err(Bad::Twice)) => "twice",
                (None, Err(_)) => "refused",
            };
            *seen.entry(class).or_default() += 1;
            if read.is_ok() {
                layouts.learn(&wanted, text.as_bytes());
            }
            // Most lines should reach a layout, also after many that do not.
            if dice.roll(20) == 0 {
                layouts.pause = 0;
            }
        }
    }
    seen
}

/// Holds for a part of the lines in each run of the tests, and for all of them by hand.
fn holds(lines: u64, seed: u64) {
    let seen = compare(lines, seed);
    println!("{seen:?}");
    for class in ["known", "known, mutated", "learnt", "twice", "refused", "paused"] {
        assert!(seen.get(class).is_some_and(|count| *count > lines / 1_000), "{class}: {seen:?}");
    }
}

#[test]
fn a_line_of_a_known_layout_has_the_values_of_the_careful_reader() {
    holds(40_000, 1);
}

/// `cargo test --release -p cloudauth-lab --lib layouts -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes; run by hand after a change of the readers"]
fn three_million_lines_have_the_values_of_the_careful_reader() {
    holds(3_000_000, 2);
}

/// Returns whether the last line is read by the layouts of those before it.
fn knows_after(lines: &[&str], last: &str) -> bool {
    let wanted = Wanted::new(PATHS);
    let (mut layouts, mut found) = (Layouts::new(&wanted), Found::new(&wanted));
    for line in lines {
        assert_eq!(found.read(&wanted, line.as_bytes()), Ok(()));
        layouts.learn(&wanted, line.as_bytes());
    }
    layouts.read(&mut found, &wanted, last.as_bytes()).is_some()
}

#[test]
fn an_odd_line_does_not_hide_the_layouts_of_later_lines() {
    let whole = r#"{"s":"T","n":1,"m":"{\"s\":\"x\"}","x":2}"#;
    for odd in [
        r#"{"s":null,"x":2}"#,
        r#"{"s":"T","n":null,"x":2}"#,
        r#"{"s":"T","n":1,"m":null,"x":1,"y":2}"#,
        r#"{"s":"T","n":1,"m":"{\"s\":null}"}"#,
        r#"{"s":"a\/b","n":1}"#,
    ] {
        assert!(!knows_after(&[odd], whole), "{odd}");
        assert!(knows_after(&[odd, whole], whole), "{odd}");
        assert!(knows_after(&[odd, whole], odd), "{odd}");
    }
    // A string with escapes has a layout of its own beside one without.
    let escaped = r#"{"s":"a\/b","n":1}"#;
    assert!(knows_after(&[r#"{"s":"T","n":1}"#, escaped], r#"{"s":"a\"b","n":1}"#));
    assert!(knows_after(
        &[r#"{"m":"{\"s\":\"T\"}"}"#, r#"{"m":"{\"s\":\"a\\b\"}"}"#],
        r#"{"m":"{\"s\":\"T\"}"}"#
    ));
}

#[test]
fn layouts_that_help_too_seldom_are_forgotten() {
    let wanted = Wanted::new(PATHS);
    let (mut layouts, mut found) = (Layouts::new(&wanted), Found::new(&wanted));
    let line = |number: usize| format!(r#"{{"new{number}":1}}"#);
    let mut read = |number| {
        let line = line(number);
        let is_known = layouts.read(&mut found, &wanted, line.as_bytes()).is_some();
        if !is_known {
            layouts.learn(&wanted, line.as_bytes());
        }
        is_known
    };
    // All choices at the first place are taken. Then one layout begins that stays.
    (0..100).for_each(|number| assert!(!read(number)));
    let known = (0..10_000).filter(|_| read(1_000_000)).count();
    assert!(known > 8_000, "{known}");
}

#[test]
fn debug_hides_the_names_of_members() {
    let wanted = Wanted::new(PATHS);
    let mut layouts = Layouts::new(&wanted);
    layouts.learn(&wanted, br#"{"s":"T","999999199001012046":1}"#);
    let shown = format!("{layouts:?}");
    assert!(shown.contains("Literal(") && shown.contains("steps"), "{shown}");
    let bytes = format!("{:?}", b"999999199001012046");
    assert!(!shown.contains("9999991") && !shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}

/// Returns whether the second line is read by the layout of the first.
fn knows(first: &str, second: &str) -> bool {
    let wanted = Wanted::new(PATHS);
    let (mut layouts, mut found) = (Layouts::new(&wanted), Found::new(&wanted));
    assert_eq!(layouts.read(&mut found, &wanted, first.as_bytes()), None);
    assert_eq!(found.read(&wanted, first.as_bytes()), Ok(()));
    layouts.learn(&wanted, first.as_bytes());
    assert_eq!(layouts.read(&mut found, &wanted, first.as_bytes()), Some(first.len()), "{first}");
    layouts.read(&mut found, &wanted, second.as_bytes()).is_some()
}

#[test]
fn values_may_differ_and_nothing_else() {
    let line = r#"{"s":"T","n":1,"m":"{\"s\":\"x\"}","l":[1],"x":"\n"}"#;
    for other in [
        r#"{"s":"","n":-75.25e1,"m":"{\"s\":\"\"}","l":["a",{"s":1}],"x":"\u5f20"}"#,
        r#"{"s":"a text of more than sixteen bytes","n":0,"m":"{\"s\":\"张\"}","l":null,"x":true}"#,
    ] {
        assert!(knows(line, other), "{other}");
    }
    for other in [
        r#"{"s":"T", "n":1,"m":"{\"s\":\"x\"}","l":[1],"x":"\n"}"#,
        r#"{"s":1,"n":1,"m":"{\"s\":\"x\"}","l":[1],"x":"\n"}"#,
        r#"{"s":"T","n":"1","m":"{\"s\":\"x\"}","l":[1],"x":"\n"}"#,
        r#"{"s":"T","n":01,"m":"{\"s\":\"x\"}","l":[1],"x":"\n"}"#,
        r#"{"s":"T","n":1,"m":"{\"s\":\"x\\\\\"}","l":[1],"x":"\n"}"#,
        r#"{"s":"T","n":1,"m":"{\"s\":\"x\"}","l":[1,],"x":"\n"}"#,
        r#"{"s":"T","n":1,"m":"{\"s\":\"x\"}","l":[1],"x":"\y"}"#,
        r#"{"s":"T","n":1,"m":"{\"s\":\"x\"}","l":[1],"x":"\n"} {}"#,
        r#"{"s":"T","n":1,"m":"{\"s\":\"x\"}","l":[1],"x":"\n""#,
        "{\"s\":\"T\u{1}\",\"n\":1",
        "{\"s\":\"T\n",
    ] {
        assert!(!knows(line, other), "{other}");
    }
}

#[test]
fn a_line_larger_than_a_response_may_be_is_for_the_careful_reader() {
    let wanted = Wanted::new(["r.x"]).with_reply("r");
    let (mut layouts, mut found) = (Layouts::new(&wanted), Found::new(&wanted));
    let line = |length| format!(r#"{{"r":{{"x":"{}"}}}}"#, "x".repeat(length));
    layouts.learn(&wanted, line(1).as_bytes());
    let limit = wanted.smallest_limit();
    assert!(layouts.read(&mut found, &wanted, line(limit - 14).as_bytes()).is_some());
    assert!(layouts.read(&mut found, &wanted, line(limit - 13).as_bytes()).is_none());
}

#[test]
fn new_layouts_in_every_line_pause_the_search() {
    let wanted = Wanted::new(PATHS);
    let (mut layouts, mut found) = (Layouts::new(&wanted), Found::new(&wanted));
    let mut searched = 0;
    for number in 0..10_000 {
        let line = format!(r#"{{"new{number}":1}}"#);
        searched += u32::from(layouts.pause == 0);
        assert_eq!(layouts.read(&mut found, &wanted, line.as_bytes()), None);
        layouts.learn(&wanted, line.as_bytes());
    }
    assert!((100..200).contains(&searched), "{searched}");
}
