//! The errors of libraries in Chinese. The libraries say them in English.

use std::error::Error;
use std::fmt::Display;
use std::{io, iter};

use cloudauth::policy::{FlatError, FlatProblem, TooLarge};
use cloudauth::{
    BuildError, BuildProblem, CallbackError, CredentialsError, EndpointError, InvalidValue, ProxyError,
    WebUrlError,
};
use cloudauth_files::ConflictError;

use super::{Said, both, known, translated, with_original};

/// The sources of an error, from the nearest one.
fn sources<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(error.source(), |source: &&'e (dyn Error + 'static)| (*source).source())
}

/// An error and all its sources.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    sources(error).fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

/// The Chinese of a problem of a value.
pub(super) fn problem(english: &str) -> String {
    known::find_or(known::PROBLEMS, english, "格式有误")
}

impl From<InvalidValue> for Said {
    fn from(error: InvalidValue) -> Self {
        translated(error, format!("{} {}", error.parameter(), problem(error.problem())))
    }
}

impl From<EndpointError> for Said {
    fn from(error: EndpointError) -> Self {
        translated(error, format!("不是有效的服务地址：{}", problem(error.problem())))
    }
}

/// A URL of an option that is invalid.
pub(crate) fn url_of(option: &str, error: WebUrlError) -> Said {
    both(format!("{option}: {}", error.problem()), format!("{option} {}", problem(error.problem())))
}

impl From<ProxyError> for Said {
    fn from(error: ProxyError) -> Self {
        translated(error, format!("代理无效：{}", problem(error.problem())))
    }
}

impl From<&CallbackError> for Said {
    fn from(error: &CallbackError) -> Self {
        translated(error, format!("回调通知无效：{}", problem(error.problem())))
    }
}

/// Invalid credentials.
pub(super) fn credentials(error: &CredentialsError) -> String {
    let part = match error.part() {
        "access key id" => "AccessKey ID",
        "access key secret" => "AccessKey Secret",
        _ => "SecurityToken",
    };
    format!("{part} {}", problem(error.problem()))
}

/// A request that cannot be built.
pub(super) fn build(error: &BuildError) -> String {
    match error.problem() {
        BuildProblem::Duplicate(name) => format!("参数 {name} 出现两次"),
        BuildProblem::Action => "API 名称须由 ASCII 字母、数字、`.`、`-` 或 `_` 组成".to_owned(),
        BuildProblem::Unsignable(name) => format!("请求头 {name} 须为可见的 ASCII 字符，否则无法签名"),
        BuildProblem::UrlTooLong(length) => {
            format!("URL 长达 {length} 字节，超过上限；请使用 V1 签名，将参数放在请求体中")
        }
        BuildProblem::TooLarge { bytes, most } => format!("参数共 {bytes} 字节，超过上限 {most} 字节"),
        _ => "不是有效的 HTTP 请求".to_owned(),
    }
}

impl From<BuildError> for Said {
    fn from(error: BuildError) -> Self {
        translated(&error, format!("无法构造请求：{}", build(&error)))
    }
}

impl From<TooLarge> for Said {
    fn from(error: TooLarge) -> Self {
        let zh = format!("两份策略共产生 {} 个单元，上限为 {}", error.cells(), TooLarge::LIMIT);
        translated(error, zh)
    }
}

/// Inputs that cannot be read from a file.
pub(crate) fn flat(file: impl Display, error: &FlatError) -> Said {
    let zh = match error.problem() {
        FlatProblem::NotAnObject => "不是 JSON 对象".to_owned(),
        FlatProblem::TooDeep => "列表和对象的嵌套超过 128 层".to_owned(),
        FlatProblem::Duplicate(name) => format!("有重复的成员 `{name}`"),
        FlatProblem::Invalid(reason) => with_original("不是有效的输入", reason),
    };
    translated(format!("{file}: {error}"), format!("{file}：{zh}"))
}

impl From<ConflictError> for Said {
    fn from(error: ConflictError) -> Self {
        let zh = match &error {
            ConflictError::CannotWrite(path, error) => {
                format!("无法写入 {}：{}", path.display(), io(error))
            }
            ConflictError::SameFile([(role, path), (other_role, other)]) => format!(
                "{} {} 与{} {} 是同一个文件，不会覆盖：请换一个文件",
                role_of(role),
                path.display(),
                role_of(other_role),
                other.display()
            ),
        };
        translated(chain(&error), zh)
    }
}

/// What a file is to the command.
fn role_of(role: &str) -> &str {
    match role {
        "the file" => "文件",
        "the policy" => "策略文件",
        "the mapping" => "映射文件",
        "the data file" => "数据文件",
        "the cost file" => "成本文件",
        "standard output" => "标准输出",
        "standard error" => "标准错误",
        option => option,
    }
}

impl From<io::Error> for Said {
    fn from(error: io::Error) -> Self {
        let zh = io(&error);
        translated(error, zh)
    }
}

/// An error of reading or writing.
pub(super) fn io(error: &io::Error) -> String {
    system(error.kind(), &error.to_string())
}

/// The kinds of an error of the system.
const SYSTEM: [(io::ErrorKind, &str); 24] = [
    (io::ErrorKind::NotFound, "文件或文件夹不存在"),
    (io::ErrorKind::PermissionDenied, "没有权限"),
    (io::ErrorKind::AlreadyExists, "已存在"),
    (io::ErrorKind::IsADirectory, "这是文件夹，不是文件"),
    (io::ErrorKind::NotADirectory, "路径中有一项不是文件夹"),
    (io::ErrorKind::StorageFull, "磁盘空间不足"),
    (io::ErrorKind::ReadOnlyFilesystem, "文件系统为只读"),
    (io::ErrorKind::FileTooLarge, "文件过大"),
    (io::ErrorKind::InvalidFilename, "文件名无效"),
    (io::ErrorKind::InvalidInput, "参数或内容无效"),
    (io::ErrorKind::Unsupported, "系统不支持该操作"),
    (io::ErrorKind::ResourceBusy, "正被其他进程使用"),
    (io::ErrorKind::AddrInUse, "地址已被占用"),
    (io::ErrorKind::AddrNotAvailable, "地址不可用"),
    (io::ErrorKind::ConnectionRefused, "连接被拒绝"),
    (io::ErrorKind::ConnectionReset, "连接被重置"),
    (io::ErrorKind::ConnectionAborted, "连接被中止"),
    (io::ErrorKind::HostUnreachable, "无法到达主机"),
    (io::ErrorKind::NetworkUnreachable, "无法到达网络"),
    (io::ErrorKind::NetworkDown, "网络未连接"),
    (io::ErrorKind::TimedOut, "超时"),
    (io::ErrorKind::BrokenPipe, "读取端已关闭"),
    (io::ErrorKind::UnexpectedEof, "内容不完整"),
    (io::ErrorKind::InvalidData, "内容格式有误"),
];

/// An error of the system. The original text follows if it says more than the kind.
pub(super) fn system(kind: io::ErrorKind, english: &str) -> String {
    if let Some(zh) = known::find(known::FILES, english) {
        return zh;
    }
    if let Some(reason) = english.strip_prefix("its folder: ") {
        return format!("所在文件夹：{}", system(kind, reason));
    }
    let Some((_, zh)) = SYSTEM.iter().find(|(known, _)| *known == kind) else {
        return with_original(if kind == io::ErrorKind::Other { "出错" } else { "系统错误" }, english);
    };
    if english.contains("(os error ") || english == kind.to_string() {
        return (*zh).to_owned();
    }
    with_original(zh, english)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_of_a_system_error_is_in_chinese() {
        for (kind, zh) in SYSTEM {
            assert_eq!(Said::from(io::Error::from(kind)).zh(), zh, "{kind}");
            let foreign = Said::from(io::Error::new(kind, "own words"));
            assert_eq!(foreign.zh(), format!("{zh}（原文：own words）"), "{kind}");
            assert_eq!(foreign.en, "own words");
            assert!(!zh.contains("目录") && zh.chars().all(|char| char >= '\u{3000}'), "{kind}: {zh}");
        }
        let kinds: BTreeSet<_> = SYSTEM.iter().map(|(kind, _)| kind.to_string()).collect();
        let texts: BTreeSet<_> = SYSTEM.iter().map(|(_, zh)| zh).collect();
        assert_eq!((kinds.len(), texts.len()), (SYSTEM.len(), SYSTEM.len()));
    }

    #[test]
    fn other_errors_of_the_system_are_led_by_chinese() {
        assert_eq!(Said::from(io::Error::from_raw_os_error(2)).zh(), "文件或文件夹不存在");
        let own = io::Error::new(io::ErrorKind::InvalidInput, "its folder: it is a folder");
        assert_eq!(Said::from(own).zh(), "所在文件夹：这是文件夹，不是文件");
        assert_eq!(Said::from(io::Error::other("own words")).zh(), "出错（原文：own words）");
        let unknown = io::Error::from(io::ErrorKind::Deadlock);
        assert_eq!(Said::from(unknown).zh(), format!("系统错误（原文：{}）", io::ErrorKind::Deadlock));
    }
}
