//! `cloudauth audit`.

use std::fmt::Display;

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

pub(crate) fn broken(verification: impl Display, event: Option<u64>) -> Said {
    let (en, zh) = match event {
        Some(event) => {
            (format!("event {event} is missing or was changed"), format!("事件 {event} 缺失或被改动"))
        }
        None => ("it has events, but was deleted".to_owned(), "事件仍在，但认证已被删除".to_owned()),
    };
    both(
        format!("broken     verification {verification}: {en}"),
        format!("断裂       认证 {verification}：{zh}"),
    )
}

pub(crate) fn more_broken(count: u64) -> Said {
    both(format!("broken     {count} more"), format!("断裂       另有 {count} 条"))
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

pub(crate) fn differs(day: &str) -> Said {
    both(
        format!("differs    chains that began on {day} were changed, added or deleted"),
        format!("不一致     {day} 开始的链被改动、增加或删除"),
    )
}

pub(crate) fn maybe_purged(day: &str) -> Said {
    both(
        format!("purged     some chains that began on {day} are missing: the retention explains it"),
        format!("已清除     {day} 开始的部分链缺失：可能因保存期限已到而清除"),
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
