//! The errors of libraries in Chinese. The libraries say them in English.

use std::error::Error;
use std::fmt::Display;
use std::{io, iter};

use cloudauth::policy::{FlatError, FlatProblem, TooLarge};
use cloudauth::{
    BuildError, BuildProblem, CallbackError, CredentialsError, EndpointError, InvalidValue, ProxyError,
};
use cloudauth_files::ConflictError;

use super::{Said, translated};

/// The sources of an error, from the nearest one.
pub(crate) fn sources<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(error.source(), |source: &&'e (dyn Error + 'static)| (*source).source())
}

/// Problems of values, which say nothing about the value itself.
const PROBLEMS: [(&str, &str); 52] = [
    ("must not be empty", "不能为空"),
    ("must not hold control characters", "不能含有控制字符"),
    ("must be a region's name, such as cn-shanghai", "须为地域名，例如 cn-shanghai"),
    ("must be 1 to 1023 bytes, and not begin with a slash", "须为 1 至 1023 字节，且不以斜杠开头"),
    ("must not hold control characters or dots for a folder", "不能含有控制字符或表示目录的点"),
    ("must be between 1 and 2^63 - 1", "须在 1 至 2^63 - 1 之间"),
    ("must be a number", "须为数字"),
    ("must be 1 to 64 letters and digits", "须为 1 至 64 位字母或数字"),
    ("must be 1 to 32 letters and digits (A-Z a-z 0-9)", "须为 1 至 32 位字母或数字（A-Z a-z 0-9）"),
    ("must be 3 to 63 lower-case letters, digits and hyphens", "须为 3 至 63 位小写字母、数字或连字符"),
    ("must be at most 64 characters", "最多 64 个字符"),
    ("must be the JSON object that getMetaInfo() returned", "须为 getMetaInfo() 返回的 JSON 对象"),
    ("must begin with https", "须以 https 开头"),
    ("must be http on a loopback host", "须为本机回环地址的 http 地址"),
    ("must not have a fragment", "不能含有 # 片段"),
    ("must not contain white space; write it as %20", "不能含有空白字符，请写作 %20"),
    ("must be an absolute http or https URL", "须为完整的 http 或 https 地址"),
    ("must be 1 to 128 of A-Z a-z 0-9 - . _ ~", "须为 1 至 128 位 A-Z a-z 0-9 - . _ ~"),
    ("must not begin or end with a space", "首尾不能有空格"),
    ("must not hold Latin letters or digits", "不能含有拉丁字母或数字"),
    ("must be an SM2 ciphertext in Base64", "须为 Base64 编码的 SM2 密文"),
    ("must be 11 digits that begin with 1", "须为以 1 开头的 11 位数字"),
    ("must be 1 to 64 letters, digits, `.`, `-` or `_`", "须为 1 至 64 位字母、数字、`.`、`-` 或 `_`"),
    ("the scheme must be https", "协议须为 https"),
    ("an endpoint carries no user or password", "不能带有用户名或密码"),
    (
        "expected https://host or https://host:port, without a path",
        "须为 https://主机 或 https://主机:端口，不带路径",
    ),
    ("the host is missing", "缺少主机名"),
    (
        "a loopback host needs its scheme: http:// for an emulator",
        "本机回环地址须写明协议，模拟器请用 http://",
    ),
    (
        "plain http is for a loopback host alone; use https",
        "只有本机回环地址可以使用 http，其他地址请用 https",
    ),
    ("CLOUDAUTH_USE_ENV_PROXY must be 0 or 1", "CLOUDAUTH_USE_ENV_PROXY 须为 0 或 1"),
    ("only http:// proxies are supported", "只支持 http:// 代理"),
    ("the port must be 1 to 65535", "端口须为 1 至 65535"),
    (
        "expected http://[user:password@]host:port, without a path",
        "须为 http://[用户名:密码@]主机:端口，不带路径",
    ),
    ("user and password must be UTF-8", "用户名和密码须为 UTF-8 文本"),
    ("user and password must not hold control characters", "用户名和密码不能含有控制字符"),
    ("is empty", "为空"),
    (
        "begins or ends with white space, such as the final newline of a file",
        "首尾有空白字符，例如文件末尾的换行",
    ),
    ("has a control character or one outside ASCII", "含有控制字符或非 ASCII 字符"),
    ("is longer than 2 KiB", "超过 2 KiB"),
    ("gives a field twice", "有重复的字段"),
    ("names no certifyId", "没有 certifyId"),
    ("names an impossible certifyId", "certifyId 格式有误"),
    ("must be text", "须为字符串"),
    ("is missing or empty", "缺失或为空"),
    ("must be a whole number of seconds", "须为整数秒"),
    ("must be true or false", "须为 true 或 false"),
    ("names a profile that does not exist", "所指的配置不存在"),
    ("single `%`; write `%%`", "单独的 `%` 须写作 `%%`"),
    ("the name of the STS region is invalid", "STS 地域名无效"),
    ("returned invalid credentials", "返回的访问凭证无效"),
    ("cannot be reached", "无法连接"),
    ("did not return in time", "响应超时"),
];

/// The Chinese of a problem; of one that is not in the list, a sentence that holds for all.
pub(super) fn problem(english: &str) -> &str {
    PROBLEMS.iter().find(|(en, _)| *en == english).map_or("格式有误", |(_, zh)| zh)
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
        FlatProblem::Duplicate(input) => format!("有重复的成员 `{input}`"),
        FlatProblem::Invalid(reason) => format!("不是有效的输入（{reason}）"),
    };
    translated(format!("{file}: {error}"), format!("{file}：{zh}"))
}

impl From<ConflictError> for Said {
    fn from(error: ConflictError) -> Self {
        let zh = match &error {
            ConflictError::CannotWrite(path, error) => {
                format!("无法写入 {}：{}", path.display(), system(error.kind(), &error.to_string()))
            }
            ConflictError::SameFile([(role, path), (other_role, other)]) => format!(
                "{} {} 与{} {} 是同一个文件，不会覆盖：请换一个文件",
                role_of(role),
                path.display(),
                role_of(other_role),
                other.display()
            ),
        };
        translated(error, zh)
    }
}

/// What a file is to the command.
fn role_of(role: &str) -> &str {
    match role {
        "the file" => "文件",
        "the policy" => "策略文件",
        "the mapping" => "映射文件",
        "the data file" => "数据文件",
        "standard output" => "标准输出",
        "standard error" => "标准错误",
        option => option,
    }
}

impl From<io::Error> for Said {
    fn from(error: io::Error) -> Self {
        let zh = system(error.kind(), &error.to_string());
        translated(error, zh)
    }
}

/// An error of the system. The English text follows where it says more than the kind: a text of this project's crates, or of
/// a kind that is not listed.
pub(super) fn system(kind: io::ErrorKind, english: &str) -> String {
    use io::ErrorKind as Kind;
    let zh = match kind {
        Kind::NotFound => "文件或目录不存在",
        Kind::PermissionDenied => "没有权限",
        Kind::AlreadyExists => "已存在",
        Kind::IsADirectory => "这是目录，不是文件",
        Kind::NotADirectory => "路径中有一项不是目录",
        Kind::StorageFull => "磁盘空间不足",
        Kind::ReadOnlyFilesystem => "文件系统为只读",
        Kind::FileTooLarge => "文件过大",
        Kind::ResourceBusy => "正被其他进程使用",
        Kind::AddrInUse => "地址已被占用",
        Kind::AddrNotAvailable => "地址不可用",
        Kind::ConnectionRefused => "连接被拒绝",
        Kind::TimedOut => "超时",
        Kind::BrokenPipe => "读取端已关闭",
        Kind::UnexpectedEof => "内容不完整",
        Kind::InvalidData => "内容格式有误",
        _ => return format!("系统错误（{english}）"),
    };
    if english.contains("(os error ") || english == kind.to_string() {
        return zh.to_owned();
    }
    format!("{zh}（{english}）")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of the libraries whose problems the list translates.
    const SOURCES: [&str; 9] = [
        include_str!("../../../protocol/src/values.rs"),
        include_str!("../../../protocol/src/values/order.rs"),
        include_str!("../../../protocol/src/values/web.rs"),
        include_str!("../../../protocol/src/values/identity.rs"),
        include_str!("../../../protocol/src/sign/oss.rs"),
        include_str!("../../../protocol/src/wire/endpoint.rs"),
        include_str!("../../../protocol/src/callback/query.rs"),
        include_str!("../../../transport/src/proxy.rs"),
        include_str!("../../../client/src/credentials/files/cli_profile.rs"),
    ];

    #[test]
    fn every_problem_of_a_value_is_in_the_list() {
        let (mut count, mut forgotten) = (0, Vec::new());
        for source in SOURCES {
            let code = source.split("#[cfg(test)]").next().unwrap();
            for call in ["InvalidValue::new(", "Error(\"", "self.invalid(field, \""] {
                for after in code.split(call).skip(1) {
                    let after = after.split(");").next().unwrap();
                    let quoted: Vec<&str> = after.split('"').collect();
                    // The problem is the last literal: a parameter's name may precede it.
                    let literal = match call {
                        "InvalidValue::new(" => quoted.iter().skip(1).step_by(2).next_back(),
                        _ => quoted.first(),
                    };
                    let Some(english) = literal.filter(|text| text.contains(' ')) else { continue };
                    if problem(english) == "格式有误" {
                        forgotten.push(*english);
                    }
                    count += 1;
                }
            }
        }
        assert!(
            count > 25 && forgotten.is_empty(),
            "{count} problems were found; not in the list: {forgotten:#?}"
        );
    }

    #[test]
    fn each_kind_of_a_system_error_is_in_chinese() {
        let error = || io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(Said::from(error()).zh(), "文件或目录不存在");
        assert_eq!(Said::from(io::Error::from_raw_os_error(2)).zh(), "文件或目录不存在");
        let own = io::Error::new(io::ErrorKind::ResourceBusy, "another emulator uses the state file");
        assert_eq!(Said::from(own).zh(), "正被其他进程使用（another emulator uses the state file）");
        assert_eq!(Said::from(error()).en, error().to_string());
    }
}
