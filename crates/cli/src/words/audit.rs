//! `cloudauth audit`.

use std::fmt::Display;

use cloudauth::flow::{AuditProblem, DocumentPart};
use cloudauth::flow_sqlite::OpenErrorKind;

use super::{Said, Text, both, text, translated, with_original};

pub(crate) const INTACT: Text = text("result     intact", "结果       完整");

pub(crate) const NOT_INTACT: Text = text("result     NOT intact", "结果       不完整");

pub(crate) fn counted(chains: u64, events: u64) -> Said {
    both(
        format!("chains     {chains}\nevents     {events}"),
        format!("链数       {chains}\n事件数     {events}"),
    )
}

pub(crate) fn broken(verification: impl Display, problem: AuditProblem) -> Said {
    let zh = match problem {
        AuditProblem::Deleted => "事件仍在，但认证已被删除".to_owned(),
        AuditProblem::Event(event) => format!("事件 {event} 缺失、被改动或与之前的事件不符"),
        AuditProblem::Unreadable => "文档无法读取，或与其所在行的列或各次尝试的行不一致".to_owned(),
        AuditProblem::Document(part) => format!("文档中的{}与事件不符", part_zh(part)),
        other => other.to_string(),
    };
    both(
        format!("broken     verification {verification}: {problem}"),
        format!("异常       认证 {verification}：{zh}"),
    )
}

const fn part_zh(part: DocumentPart) -> &'static str {
    match part {
        DocumentPart::Request => "请求",
        DocumentPart::State => "状态",
        DocumentPart::Attempts => "尝试",
        DocumentPart::Decision => "判定",
        DocumentPart::Redaction => "擦除状态",
        _ => "内容",
    }
}

pub(crate) fn more_broken(count: u64) -> Said {
    both(format!("broken     {count} more"), format!("异常       另有 {count} 条"))
}

pub(crate) fn written(file: impl Display) -> Said {
    both(
        format!("written    {file}: keep it where no user with write access to the store can change it"),
        format!("已写入     {file}：请存放在能写入存储的人无法改动的地方"),
    )
}

pub(crate) fn same(file: impl Display) -> Said {
    both(format!("matches    {file}"), format!("一致       与 {file} 一致"))
}

/// A comparison that found no difference, although a chain is broken.
pub(crate) fn no_difference(file: impl Display) -> Said {
    both(
        format!("compared   no difference from {file} was found"),
        format!("已比较     未发现与 {file} 的差异"),
    )
}

/// A comparison that found a difference, or did not compare everything.
pub(crate) fn nothing_else(file: impl Display) -> Said {
    both(
        format!("compared   no other difference from {file} was found"),
        format!("已比较     未发现与 {file} 的其他差异"),
    )
}

pub(crate) fn differs(day: &str) -> Said {
    both(
        format!("differs    chains that began on {day} were changed, added or deleted"),
        format!("不一致     {day} 开始的链被改动、增加或删除"),
    )
}

pub(crate) fn maybe_purged(day: &str) -> Said {
    both(
        format!(
            "purged     chains that began on {day} are missing, as the retention explains: the others of that day are not compared"
        ),
        format!("已清除     {day} 开始的部分链缺失，可由保存期限解释：当天其余的链未作比较"),
    )
}

pub(crate) fn exists(file: impl Display) -> Said {
    both(
        format!("{file} exists already: name a new file for the checkpoint"),
        format!("{file} 已存在：请为检查点指定新文件"),
    )
}

pub(crate) fn not_a_checkpoint(file: impl Display) -> Said {
    both(format!("{file} is not a checkpoint of this version"), format!("{file} 不是此版本的检查点"))
}

/// A store that cannot be read, with the error and its sources.
pub(crate) fn unreadable(kind: OpenErrorKind, error: &str) -> Said {
    let zh = match kind {
        OpenErrorKind::NotAStore => "文件不是认证存储：请选择其他文件".to_owned(),
        OpenErrorKind::NewerSchema => "文件由更新的版本写入：请升级本程序".to_owned(),
        _ => with_original("无法读取存储文件", error),
    };
    translated(error, zh)
}
