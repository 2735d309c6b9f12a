//! The Chinese pages against the English ones: the same headings, code blocks, list items and table rows in the same order, the
//! same links in each section, and a link each way at the top.

use std::fs;

use anyhow::Result;

use crate::shell::{files, root};

/// The last line in which the link may be.
const TOP: usize = 5;

/// A page in both languages: paths from the repository's root, and the link from each page to the other.
struct Pair {
    english: String,
    chinese: String,
    to_chinese: String,
    to_english: String,
}

/// Adds the places where a Chinese page and its English page differ.
pub(crate) fn check(problems: &mut Vec<String>) -> Result<()> {
    for file in files("md")? {
        let path = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        let Some(pair) = pair(&path) else { continue };
        match fs::read_to_string(root().join(&pair.english)) {
            Ok(english) => problems.extend(compare(&pair, &english, &fs::read_to_string(&file)?)),
            Err(_) => problems.push(format!("{path}: there is no {}", pair.english)),
        }
    }
    Ok(())
}

/// The pair of a Chinese page; `None` for other pages.
fn pair(chinese: &str) -> Option<Pair> {
    let (english, to_chinese, to_english) = match chinese {
        "README.zh-CN.md" => ("README.md".to_owned(), chinese.to_owned(), "README.md".to_owned()),
        _ => {
            let name = chinese.strip_prefix("docs/zh/")?;
            let up = "../".repeat(name.matches('/').count());
            (format!("docs/{name}"), format!("{up}zh/{name}"), format!("../{up}{name}"))
        }
    };
    Some(Pair { english, chinese: chinese.to_owned(), to_chinese, to_english })
}

fn compare(pair: &Pair, english: &str, chinese: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (page, text, link) in [
        (&pair.english, english, format!("[简体中文]({})", pair.to_chinese)),
        (&pair.chinese, chinese, format!("[English]({})", pair.to_english)),
    ] {
        if !text.lines().take(TOP).any(|line| line.contains(&link)) {
            problems.push(format!("{page}: the first {TOP} lines lack the link {link}"));
        }
    }
    let links = [links(&pair.chinese, chinese), links(&pair.english, english)];
    let (english, chinese) = (parts(english), parts(chinese));
    let same = english.iter().zip(&chinese).take_while(|(one, other)| one.1 == other.1).count();
    if same < english.len().max(chinese.len()) {
        let [here, there] = [&chinese, &english].map(|parts| shown(parts.get(same)));
        problems.push(format!("{}: {here}, but {}: {there}", pair.chinese, pair.english));
        return problems;
    }
    let [chinese, english] = links;
    for ((line, here), (_, there)) in chinese.iter().zip(&english).filter(|(one, other)| one.1 != other.1) {
        problems.push(format!(
            "{}: the section of line {line} links to {here:?}, but in {}: {there:?}",
            pair.chinese, pair.english
        ));
    }
    problems
}

/// The parts that both languages share, each with its line: a heading's level as `#`, a code block with its fences, a table row
/// as its bars, a list item as `-`.
fn parts(text: &str) -> Vec<(usize, String)> {
    let (mut parts, mut in_block): (Vec<(usize, String)>, bool) = (Vec::new(), false);
    for (number, line) in (1..).zip(text.lines()) {
        let is_fence = is_fence(line);
        match parts.last_mut() {
            Some((_, block)) if in_block => {
                block.push('\n');
                block.push_str(line);
            }
            _ if is_fence => parts.push((number, line.to_owned())),
            _ if line.starts_with('#') => {
                parts.push((number, line.chars().take_while(|char| *char == '#').collect()));
            }
            _ if line.starts_with('|') => parts.push((number, "|".repeat(bars(line)))),
            _ if is_item(line) => parts.push((number, "-".to_owned())),
            _ => {}
        }
        in_block ^= is_fence;
    }
    parts
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// The targets of the links of each section, in alphabetical order, each section with the line of its heading.
fn links(page: &str, text: &str) -> Vec<(usize, Vec<String>)> {
    let (mut sections, mut in_block) = (vec![(1, Vec::new())], false);
    for (number, line) in (1..).zip(text.lines()) {
        in_block ^= is_fence(line);
        if in_block {
            continue;
        }
        if line.starts_with('#') {
            sections.push((number, Vec::new()));
        }
        let targets = line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        if let Some((_, links)) = sections.last_mut() {
            links.extend(targets.map(|target| target_of(page, target)));
        }
    }
    sections.iter_mut().for_each(|(_, links)| links.sort());
    sections
}

/// The bars between the cells of a table row: not those in code, nor those after a backslash.
fn bars(line: &str) -> usize {
    let text: String = line.split('`').step_by(2).collect();
    text.replace("\\|", "").matches('|').count()
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|char: char| char.is_ascii_digit());
    line.starts_with("- ") || line.starts_with("* ") || (number != line && number.starts_with(". "))
}

/// The target of a link, without its anchor, as a path of the English page or picture from the repository's root.
fn target_of(page: &str, target: &str) -> String {
    if target.starts_with("http") {
        return target.to_owned();
    }
    let path = target.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = match path.is_empty() {
        true => return "#".to_owned(),
        false => page.split('/').collect(),
    };
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    match parts.join("/").as_str() {
        "README.zh-CN.md" => "README.md".to_owned(),
        path => path.replacen("docs/zh/", "docs/", 1).replace(".zh.png", ".png"),
    }
}

fn shown(part: Option<&(usize, String)>) -> String {
    let Some((line, what)) = part else { return "the end".to_owned() };
    match what.lines().nth(1) {
        Some(code) => format!("the code block in line {line} (`{code}`)"),
        None if what.starts_with('|') => format!("a table row with {} bars in line {line}", what.len()),
        None if what == "-" => format!("a list item in line {line}"),
        None => format!("a heading of level {} in line {line}", what.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str = "# A\n\n[简体中文](zh/a.md)\n\n## B\n\n```sh\n# run it\nls\n```\n\n| c | d |\n| --- | --- |\n| 1 | 2 |\n\n- see [b](b.md#c)\n";
    const CHINESE: &str = "# 甲\n\n[English](../a.md)\n\n## 乙\n\n说明。\n\n```sh\n# run it\nls\n```\n\n| 丙 | 丁 |\n| --- | --- |\n| 1 | 2 |\n\n- 参见 [乙](b.md#丙)\n";

    fn of_change(from: &str, to: &str) -> Vec<String> {
        assert!(CHINESE.contains(from), "{from}");
        compare(&pair("docs/zh/a.md").unwrap(), ENGLISH, &CHINESE.replacen(from, to, 1))
    }

    #[test]
    fn a_translation_with_the_same_parts_is_accepted() {
        assert!(of_change("说明。", "另一种说法，\n分两行。").is_empty());
    }

    #[test]
    fn a_missing_heading_is_found() {
        let problems = of_change("## 乙\n", "");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].ends_with("docs/a.md: a heading of level 2 in line 5"), "{problems:?}");
        assert_eq!(of_change("## 乙", "### 乙").len(), 1, "another level");
        assert_eq!(of_change("说明。", "## 多出").len(), 1, "one too many");
    }

    #[test]
    fn a_changed_code_block_is_found() {
        assert!(of_change("ls", "ls -l")[0].starts_with("docs/zh/a.md: the code block in line 9 "));
        assert_eq!(of_change("# run it", "# 运行").len(), 1, "a comment is code");
        assert_eq!(of_change("```sh", "```console").len(), 1, "another language");
        assert_eq!(of_change("```\n\n|", "\n\n|").len(), 1, "a block without an end");
    }

    #[test]
    fn a_missing_table_row_is_found() {
        assert_eq!(
            of_change("| 1 | 2 |\n", ""),
            ["docs/zh/a.md: a list item in line 17, but docs/a.md: a table row with 3 bars in line 14"]
        );
    }

    #[test]
    fn missing_cells_items_and_links_are_found() {
        assert!(of_change("| 1 | 2 |", "| 1 |")[0].contains("a table row with 2 bars in line 16, but"));
        assert!(of_change("| 1 | 2 |", "| `1|` | 2 \\| |").is_empty(), "bars of the text");
        assert!(of_change("- 参见", "参见")[0].ends_with("docs/a.md: a list item in line 16"));
        let other = of_change("b.md#丙", "c.md");
        assert_eq!(
            other,
            [
                "docs/zh/a.md: the section of line 5 links to [\"docs/c.md\"], but in docs/a.md: [\"docs/b.md\"]"
            ]
        );
        assert!(of_change("b.md#丙", "../b.md").is_empty(), "the English page");
    }

    #[test]
    fn targets_are_those_of_the_english_pages() {
        let of = |target| target_of("docs/zh/guides/a.md", target);
        assert_eq!(of("../b.md#c"), "docs/b.md");
        assert_eq!(of("../../images/c.zh.png"), "docs/images/c.png");
        assert_eq!(of("../../../README.zh-CN.md"), "README.md");
        assert_eq!([of("#top"), of("https://a.example/#b")], ["#", "https://a.example/#b"]);
    }

    #[test]
    fn a_page_without_the_link_to_its_partner_is_found() {
        assert_eq!(
            of_change("[English](../a.md)", "[English](a.md)"),
            ["docs/zh/a.md: the first 5 lines lack the link [English](../a.md)"]
        );
        let english = ENGLISH.replace("[简体中文]", "[中文]");
        let problems = compare(&pair("docs/zh/a.md").unwrap(), &english, CHINESE);
        assert_eq!(problems, ["docs/a.md: the first 5 lines lack the link [简体中文](zh/a.md)"]);
    }

    #[test]
    fn pages_are_paired_by_name() {
        let links = |page| {
            let pair = pair(page).unwrap();
            [pair.english, pair.to_chinese, pair.to_english]
        };
        assert_eq!(links("README.zh-CN.md"), ["README.md", "README.zh-CN.md", "README.md"]);
        assert_eq!(
            links("docs/zh/guides/a.md"),
            ["docs/guides/a.md", "../zh/guides/a.md", "../../guides/a.md"]
        );
        assert!(pair("docs/a.md").is_none() && pair("README.md").is_none());
    }
}
