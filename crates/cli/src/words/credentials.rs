//! Credentials that cannot be found or used, in Chinese.

use std::error::Error;
use std::fmt::Display;

use cloudauth::credentials::{LoadError, ProvideError};

use super::errors::{credentials, problem, system};
use super::{Said, translated};

impl From<LoadError> for Said {
    fn from(error: LoadError) -> Self {
        let zh = load(&error);
        let english = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        translated(english, zh)
    }
}

/// An error of the environment or of a file.
fn load(error: &LoadError) -> String {
    match error {
        LoadError::NotFound => "未找到访问凭证：请设置 ALIBABA_CLOUD_ACCESS_KEY_ID 和 ALIBABA_CLOUD_ACCESS_KEY_SECRET\
            （临时凭证还需 ALIBABA_CLOUD_SECURITY_TOKEN），或在 ~/.aliyun/config.json 中添加模式为 AK 或 StsToken 的配置"
            .to_owned(),
        LoadError::MissingVariable(name) => format!("环境变量 {name} 缺失或为空"),
        LoadError::Invalid(error) => format!("访问凭证无效：{}", credentials(error)),
        LoadError::Unreadable(file, kind) => {
            format!("无法读取 {}：{}", file.display(), system(*kind, &kind.to_string()))
        }
        LoadError::NotAProfileFile(file) => format!("{} 不是有效的配置文件", file.display()),
        LoadError::Syntax { file, line, problem: what } => {
            format!("{} 第 {line} 行：{}", file.display(), problem(what))
        }
        LoadError::InvalidField { profile, field, problem: what } => {
            format!("配置 `{profile}` 的字段 `{field}` {}", problem(what))
        }
        LoadError::ProfileNotFound(name, file) => format!("{} 中没有配置 `{name}`", file.display()),
        LoadError::EndlessProfileChain(file) => {
            format!("{} 中的 source_profile 循环引用或层数过多", file.display())
        }
        LoadError::EcsMetadataDisabled => {
            "该配置使用实例角色，但 ALIBABA_CLOUD_ECS_METADATA_DISABLED 为 true".to_owned()
        }
        LoadError::UnsupportedMode { profile, mode } => {
            format!("配置 `{profile}` 的模式 `{mode}` 不受支持：请使用 AK、StsToken、RamRoleArn、EcsRamRole 或 OIDC")
        }
        other => format!("访问凭证不可用（{other}）"),
    }
}

/// An error of the chain of providers.
pub(super) fn provided(error: &ProvideError) -> String {
    let absent = error.absent_sources();
    if !absent.is_empty() {
        let each: Vec<String> = absent.iter().map(provided).collect();
        return format!("未找到访问凭证。已尝试：{}", each.join("；"));
    }
    let (provider, reason) = (error.provider().unwrap_or_default(), error.reason().unwrap_or_default());
    let reason = error.load_error().map_or_else(|| reason_of(reason), load);
    format!("{}：{reason}", provider_of(provider))
}

fn provider_of(name: &str) -> &str {
    match name {
        "environment" => "环境变量",
        "CLI profile" => "阿里云 CLI 配置",
        "credentials file" => "凭证文件",
        "ECS metadata" => "ECS 实例元数据",
        "credentials URI" => "凭证 URI",
        other => other,
    }
}

/// A reason of a provider: a fixed one, or one with a value at its end.
fn reason_of(english: &str) -> String {
    const BEGIN: [(&str, &str); 3] = [
        ("set ", "请设置 "),
        ("refused with HTTP ", "被拒绝，HTTP "),
        ("cannot read the token file ", "无法读取令牌文件 "),
    ];
    let begun = BEGIN.iter().find_map(|(en, zh)| Some((english.strip_prefix(en)?, zh)));
    match begun {
        Some((rest, zh)) => format!("{zh}{}", rest.replace(" and ", " 和 ").replace(", code ", "，错误码 ")),
        None if english.ends_with("holds no key") => "所选配置中没有密钥".to_owned(),
        None => problem(english).replace("格式有误", "不可用"),
    }
}

/// Credentials that a program made itself.
pub(crate) fn made(error: impl Display) -> Said {
    translated(error, "访问凭证无效".to_owned())
}
