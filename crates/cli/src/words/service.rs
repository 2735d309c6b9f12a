//! Failed calls in Chinese. The library says them in English.

use std::error::Error;
use std::fmt::Display;
use std::io;

use cloudauth::{
    Bilingual, Error as CallError, ErrorKind, Manual, ReplyError, RequestId, Sent, TransportError,
    TransportErrorKind,
};

use super::errors::{sources, system};
use super::unreachable::unreachable;
use super::{Said, both, credentials, errors, known, with_original};

/// A failed call, and what to do next. `english` is the error with its sources.
pub(crate) fn failed(error: &CallError, english: &str, next: Option<Bilingual>) -> Said {
    let (en, zh) = next
        .map(|next| (format!("\nnext: {}", next.en), format!("\n下一步：{}", next.zh)))
        .unwrap_or_default();
    let attempts = match error.attempts() {
        0 | 1 => String::new(),
        attempts => format!("，共尝试 {attempts} 次"),
    };
    let call = format!("{}（{}{attempts}）", error.action(), error.host());
    both(format!("{english}{en}"), format!("调用失败：{call}：{}{zh}", reason(error, english)))
}

/// The reason. What no type tells follows in English.
fn reason(error: &CallError, english: &str) -> String {
    if let Some(transport) = error.transport() {
        return self::transport(transport);
    }
    if let Some(unusable) = error.credentials() {
        return format!("访问凭证不可用：{}", credentials::provided(unusable));
    }
    if let Some(unbuilt) = error.build() {
        return format!("无法构造请求：{}", errors::build(unbuilt));
    }
    match (error.reply(), error.kind()) {
        (Some(ReplyError::Gateway(gateway)), _) => {
            refused("网关拒绝了调用，错误码", gateway.code(), gateway.code().manual(), error)
        }
        (Some(ReplyError::Refused(refusal)), _) => {
            refused("服务拒绝了调用，Code", refusal.code(), refusal.code().manual(), error)
        }
        (Some(reply), _) => format!("返回内容无法解析{}", end(reply, error.request_id())),
        (None, ErrorKind::Build) => "无法构造请求".to_owned(),
        (None, ErrorKind::Deadline) => "在规定时间内未能完成".to_owned(),
        (None, _) => with_original("未知的错误", english),
    }
}

/// A reply that is not a result.
pub(super) fn reply(error: &ReplyError) -> String {
    let meaning = |manual: Option<&Manual>| {
        manual.map(|manual| format!("（{}）", manual.meaning.zh)).unwrap_or_default()
    };
    match error {
        ReplyError::Gateway(gateway) => {
            let code = gateway.code();
            format!("网关拒绝了调用，错误码 {code}{}", meaning(code.manual()))
        }
        ReplyError::Refused(refusal) => {
            let code = refusal.code();
            format!("服务拒绝了调用，Code {code}{}", meaning(code.manual()))
        }
        _ => "返回内容的格式有误".to_owned(),
    }
}

fn refused(what: &str, code: impl Display, manual: Option<&Manual>, error: &CallError) -> String {
    let meaning = manual.map(|manual| format!("（{}）", manual.meaning.zh)).unwrap_or_default();
    let end = error.reply().map(|reply| end(reply, error.request_id())).unwrap_or_default();
    format!("{what} {code}{meaning}{end}")
}

fn end(reply: &ReplyError, request_id: Option<&RequestId>) -> String {
    let id = request_id.map_or_else(|| "无 RequestId".to_owned(), |id| format!("RequestId {id}"));
    format!("，HTTP {}，{id}", reply.status().as_u16())
}

impl From<TransportError> for Said {
    fn from(error: TransportError) -> Self {
        both(
            sources(&error).fold(error.to_string(), |text, source| format!("{text}: {source}")),
            transport(&error),
        )
    }
}

/// A request without a response, with its cause.
pub(super) fn transport(error: &TransportError) -> String {
    let what = match error.kind() {
        TransportErrorKind::Connect => "无法连接服务地址",
        TransportErrorKind::Timeout => "响应超时",
        TransportErrorKind::Broken => "收到完整响应之前连接中断",
        TransportErrorKind::TooLarge => "响应超过大小限制",
        TransportErrorKind::Unsupported => "此版本无法发送该请求",
        _ => "网络错误",
    };
    let sent = match error.sent() {
        Sent::No => "请求未发出",
        Sent::Maybe => "请求可能已被执行",
    };
    let cause = error.source().map(|source| format!("：{}", cause(source))).unwrap_or_default();
    format!("{what}（{sent}）{cause}")
}

/// The error of the HTTP client.
fn cause(error: &(dyn Error + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<ureq::Error>() {
        return unreachable(error).zh().to_owned();
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return system(error.kind(), &error.to_string());
    }
    let all = sources(error).fold(error.to_string(), |text, source| format!("{text}: {source}"));
    known::find(known::TRANSPORT, &all).unwrap_or_else(|| with_original("HTTP 客户端报告错误", all))
}
