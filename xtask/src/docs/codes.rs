//! `docs/codes.md` and `docs/zh/codes.md`, written from the manual in the protocol crate.

use std::fmt::Write;

use anyhow::Result;
use cloudauth_protocol::{Bilingual, ClientCode, Code, GatewayCode, Manual, Passed, SubCode};

use super::Generated;
use crate::shell::root;

/// A page in one language.
struct Page {
    file: &'static str,
    beginning: &'static str,
    /// The titles of the tables, in the order of [`MANUALS`].
    titles: [&'static str; 5],
    /// The names of the columns.
    head: &'static str,
    text: fn(Bilingual) -> &'static str,
}

const PAGES: [Page; 2] = [
    Page {
        file: "docs/codes.md",
        beginning: include_str!("codes.en.md"),
        titles: [
            "`Code`: the product's answer, beside HTTP 200",
            "`ResultObject.Passed`: the field that decides",
            "`ResultObject.SubCode`: how a verification ended",
            "The gateway's `Code`, beside HTTP 4xx and 5xx",
            "`code` in the browser's return",
        ],
        head: "| code | meaning | who acts | next | source |",
        text: |text| text.en,
    },
    Page {
        file: "docs/zh/codes.md",
        beginning: include_str!("codes.zh.md"),
        titles: [
            "`Code`：业务返回码（HTTP 200）",
            "`ResultObject.Passed`：认证结果，以此字段为准",
            "`ResultObject.SubCode`：认证结果描述",
            "网关错误码 `Code`（HTTP 4xx、5xx）",
            "浏览器回跳时的 `code`",
        ],
        head: "| 返回码 | 含义 | 由谁处理 | 下一步 | 来源 |",
        text: |text| text.zh,
    },
];

const MANUALS: [&[Manual]; 5] =
    [Code::MANUAL, Passed::MANUAL, SubCode::MANUAL, GatewayCode::MANUAL, ClientCode::MANUAL];

/// Writes the files.
pub(crate) fn write() -> Result<()> {
    super::write(rendered())
}

/// Fails if a file is stale.
pub(crate) fn check() -> Result<()> {
    super::check(rendered(), "run `cargo xtask codes`")
}

fn rendered() -> Vec<Generated> {
    PAGES.iter().map(|page| (root().join(page.file), render(page))).collect()
}

fn render(page: &Page) -> String {
    let mut text = page.beginning.to_owned();
    for (title, manual) in page.titles.iter().zip(MANUALS) {
        let _ = writeln!(text, "\n## {title}\n\n{}\n| --- | --- | --- | --- | --- |", page.head);
        for entry in manual {
            let [meaning, actor, next, source] =
                [entry.meaning, entry.actor.name(), entry.next, entry.source.name()].map(page.text);
            let _ = writeln!(text, "| `{}` | {meaning} | {actor} | {next} | {source} |", entry.code);
        }
    }
    text
}
