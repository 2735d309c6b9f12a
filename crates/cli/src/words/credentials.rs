//! Credentials that cannot be found or used, in Chinese.

use std::error::Error;
use std::fmt::Display;

use cloudauth::credentials::{LoadError, ProvideError, ProvideProblem};

use super::errors::{credentials, problem, system};
use super::unreachable::transport as transport_error;
use super::{Said, translated, with_original};

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
        LoadError::OidcInEnvironment => {
            "环境变量指定了 OIDC 角色，其凭证需要获取：请使用默认凭证链，或设置 ALIBABA_CLOUD_ACCESS_KEY_ID \
             和 ALIBABA_CLOUD_ACCESS_KEY_SECRET"
                .to_owned()
        }
        LoadError::UnsupportedMode { profile, mode } => {
            let hint = match mode.as_str() {
                "External" => "不会运行外部程序",
                _ if error.needs_default_chain() => "该模式需要获取凭证，请使用默认凭证链",
                _ => "请使用 AK、StsToken、RamRoleArn、EcsRamRole 或 OIDC",
            };
            format!("配置 `{profile}` 的模式 `{mode}` 不受支持：{hint}")
        }
        other => with_original("访问凭证不可用", other),
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
    let reason = match error.problem() {
        Some(problem) => reason_of(problem, error),
        None => with_original("不可用", reason),
    };
    format!("{}：{reason}", provider_of(provider))
}

fn provider_of(name: &str) -> &str {
    match name {
        "environment" => "环境变量",
        "CLI profile" => "阿里云 CLI 配置",
        "credentials file" => "凭证文件",
        "ECS metadata" => "ECS 实例元数据",
        "credentials URI" => "凭证 URI",
        "provider" => "凭证提供方",
        "system" => "系统",
        other => other,
    }
}

/// The reason of a provider. The match has no wildcard, so that no reason can be forgotten.
fn reason_of(problem: &ProvideProblem, error: &ProvideError) -> String {
    use ProvideProblem as Problem;
    let fixed = match problem {
        Problem::NotInEnvironment => "请设置 ALIBABA_CLOUD_ACCESS_KEY_ID 和 ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        Problem::BlankProfile(file) => return format!("{} 中所选的配置没有密钥", file.display()),
        Problem::Load(error) => return load(error),
        Problem::InvalidUri => "不是有效的 http 或 https 地址",
        Problem::InsecureUri => "须为 https 地址，或本机的 http 地址",
        Problem::InvalidRole => "实例角色名无效",
        Problem::InvalidRegion => "STS 地域名无效",
        Problem::UnreadableToken(file, kind) => {
            return format!("无法读取令牌文件 {}：{}", file.display(), system(*kind, &kind.to_string()));
        }
        Problem::CannotBuild => "无法构造请求",
        Problem::CannotSign => "无法对请求签名",
        Problem::Unreachable => {
            let transport = error.source().and_then(|source| source.downcast_ref());
            return transport.map_or_else(|| "无法连接".to_owned(), transport_error);
        }
        Problem::Refused { status, code: None } => return format!("请求被拒绝，HTTP {status}"),
        Problem::Refused { status, code: Some(code) } => {
            return format!("请求被拒绝，HTTP {status}，错误码 {code}");
        }
        Problem::NotADocument => "返回内容不是访问凭证",
        Problem::NotAWord => "返回内容不是单个词",
        Problem::Incomplete => "返回的访问凭证不完整",
        Problem::InvalidExpiration => "返回的 Expiration 不是有效的时间",
        Problem::InvalidCredentials => {
            let invalid = error.source().and_then(|source| source.downcast_ref());
            return invalid
                .map_or_else(String::new, |error| format!("返回的访问凭证无效：{}", credentials(error)));
        }
        Problem::Expired => "返回的访问凭证已过期",
        Problem::RefusedAtOnce => "刚获取的访问凭证立即被服务方拒绝",
        Problem::TooSlow => "未在限定时间内返回",
        Problem::PolledWithoutResponse => "尚未收到响应就被再次调用",
        Problem::NoRandomness => "系统未提供随机数",
    };
    fixed.to_owned()
}

/// Credentials that a program made itself.
pub(crate) fn made(error: impl Display) -> Said {
    translated(error, "访问凭证无效".to_owned())
}

#[cfg(test)]
mod tests {
    use cloudauth::credentials::CredentialsUri;

    use super::*;

    #[test]
    fn reasons_of_providers_are_in_chinese() {
        let insecure = CredentialsUri::new("http://a.example").unwrap_err();
        assert_eq!(provided(&insecure), "凭证 URI：须为 https 地址，或本机的 http 地址");
        let own = ProvideError::new("vault", "it is sealed");
        assert_eq!(provided(&own), "vault：不可用（原文：it is sealed）");
    }
}
