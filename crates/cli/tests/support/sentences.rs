//! Finds English sentences in Chinese output.

/// The first run of three English words, outside of what may be English: the original text of a library, quoted input and
/// code, and addresses.
pub(crate) fn english(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = without_quotes(&without_originals(line));
        let line: String =
            line.chars().map(|char| if char.is_ascii() { char.to_string() } else { " … ".into() }).collect();
        let words: Vec<&str> = line.split_whitespace().collect();
        words.windows(3).find(|three| three.iter().all(|word| is_word(word))).map(|three| three.join(" "))
    })
}

/// A line without its originals: `（原文：..）`, which may have parentheses inside.
fn without_originals(line: &str) -> String {
    let Some((before, original)) = line.split_once("（原文：") else { return line.to_owned() };
    let after = original.rsplit_once('）').map_or("", |(_, after)| after);
    format!("{before}{after}")
}

/// A line without the text between backticks, and between quotes.
fn without_quotes(line: &str) -> String {
    ['`', '\'', '"'].into_iter().fold(line.to_owned(), |line, quote| {
        let parts: Vec<&str> = line.split(quote).collect();
        let is_paired = parts.len() % 2 == 1;
        if is_paired { parts.into_iter().step_by(2).collect::<Vec<_>>().join("…") } else { line }
    })
}

/// Whether a text is one English word, in lower case or with a capital, also before a punctuation mark.
fn is_word(text: &str) -> bool {
    let text = text.trim_end_matches([',', ';', ':', '.']);
    let mut letters = text.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_lowercase())
}

#[test]
fn sentences_are_found_and_names_are_not() {
    for (text, found) in [
        ("无法读取：file not found", Some("file not found")),
        ("调用失败：io: Connection refused", Some("io: Connection refused")),
        ("内容有误（原文：it is (not) valid）", None),
        ("请运行 `cloudauth policy fmt`，或使用 --endpoint", None),
        ("没有命令 'a b c'", None),
        ("AccessKey ID 和 AccessKey Secret", None),
    ] {
        assert_eq!(english(text).as_deref(), found, "{text}");
    }
}
