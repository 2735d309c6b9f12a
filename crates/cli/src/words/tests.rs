//! The catalogue is complete: each text has both languages. The tests read its source.

use std::fs;
use std::path::Path;

use super::{padded, width};

/// The functions that make a text of both languages: English, then Chinese.
const PAIRS: [&str; 3] = ["text", "both", "translated"];

/// The arguments of calls whose Chinese is not in the call itself: it comes from a library, or from the lines before.
const ELSEWHERE: [&str; 14] = [
    "both(error.problem().en.to_owned() + en, error.problem().zh.to_owned() + zh)",
    r#"both(format!("{option}: {}", error.problem()), format!("{option} {}", problem(error.problem())))"#,
    "both(issue.text(Language::En), issue.text(Language::Zh))",
    "both(line(Language::En), line(Language::Zh))",
    "both(skipped.text(Language::En), skipped.text(Language::Zh))",
    "translated(chain(&error), chinese(&error))",
    "translated(chain(&error), transport(&error))",
    "translated(chain(&error), zh)",
    "translated(english, zh)",
    r#"translated(error, format!("{} {}", error.parameter(), problem(error.problem())))"#,
    "translated(error, zh)",
    "translated(line(&problem.message, problem.help.clone()), zh)",
    "translated(reason, zh)",
    "translated(warning, zh)",
];

/// The source of each file of the catalogue, without comments and tests.
fn catalogue() -> Vec<(String, String)> {
    fn read(folder: &Path, files: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, files);
            } else if !path.ends_with("words/tests.rs") {
                let source = fs::read_to_string(&path).unwrap();
                let (code, _) = source.split_once("#[cfg(test)]\nmod tests {").unwrap_or((&source, ""));
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                let code = lines.map(|line| format!("{line}\n")).collect();
                files.push((path.display().to_string(), code));
            }
        }
    }
    let mut files = Vec::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/words"), &mut files);
    files
}

/// The calls of a function in a source: each with its arguments. A definition and a method are not among them.
fn calls(source: &str, function: &str) -> Vec<Vec<String>> {
    let open = format!("{function}(");
    let starts = source.match_indices(&open).filter_map(|(at, _)| {
        let (before, call) = source.split_at(at);
        let is_longer_name = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        let is_call = !is_longer_name && !before.trim_end_matches(' ').ends_with("fn");
        call.strip_prefix(&open).filter(|_| is_call)
    });
    starts.map(arguments).collect()
}

/// The arguments up to the parenthesis that closes the call.
fn arguments(source: &str) -> Vec<String> {
    let mut arguments = vec![String::new()];
    let (mut depth, mut in_string) = (0_u32, false);
    let mut chars = source.chars().peekable();
    while let Some(char) = chars.next() {
        let last = arguments.last_mut().unwrap();
        match char {
            '\\' if in_string => {
                last.push(char);
                last.extend(chars.next());
                continue;
            }
            '"' => in_string = !in_string,
            '\'' if !in_string && chars.peek() == Some(&'"') => {
                last.extend([char].into_iter().chain(chars.by_ref().take(2)));
                continue;
            }
            '(' | '[' | '{' if !in_string => depth += 1,
            ')' if !in_string && depth == 0 => break,
            ')' | ']' | '}' if !in_string => depth -= 1,
            ',' if !in_string && depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        last.push(char);
    }
    let arguments =
        arguments.iter().map(|argument| argument.split_whitespace().collect::<Vec<_>>().join(" "));
    arguments.filter(|argument| !argument.is_empty()).collect()
}

/// The texts of an expression.
fn literals(expression: &str) -> Vec<&str> {
    expression.split('"').skip(1).step_by(2).collect()
}

/// Chinese characters, or full-width punctuation.
fn is_chinese(text: &str) -> bool {
    text.chars().any(|char| char >= '\u{3000}')
}

#[test]
fn every_text_has_both_languages() {
    let (mut count, mut unread) = (0, Vec::new());
    for (file, source) in catalogue() {
        for function in PAIRS {
            for arguments in calls(&source, function) {
                let call = format!("{file}: {function}({})", arguments.join(", "));
                let [english, chinese] = &arguments[..] else { panic!("{call} has no pair") };
                assert!(!literals(english).into_iter().any(is_chinese), "{call} has Chinese in the English");
                if !literals(chinese).into_iter().any(is_chinese) {
                    unread.push(format!("{function}({english}, {chinese})"));
                }
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count} texts were found");
    unread.sort();
    unread.dedup();
    assert_eq!(unread, ELSEWHERE, "no Chinese was found in these calls");
}

#[test]
fn calls_are_read_with_their_arguments() {
    let source =
        r#"[(text("a, (b", "甲"), 1), both(format!("{x}\"", x = f(1)), zh), context(1), a.text(2), '"']"#;
    assert_eq!(calls(source, "text"), [[r#""a, (b""#, r#""甲""#]]);
    assert_eq!(calls(source, "both"), [[r#"format!("{x}\"", x = f(1))"#, "zh"]]);
    assert!(calls("const fn text(en: &str) {}", "text").is_empty());
}

#[test]
fn chinese_characters_take_two_columns() {
    assert_eq!([width("abc"), width("阈值"), width("（a）")], [3, 4, 5]);
    assert_eq!(padded("结论", 6), "结论  ");
}
