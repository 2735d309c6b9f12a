//! Failed calls in Chinese. The library says them in English.

use std::fmt::Display;

use cloudauth::{Bilingual, Error, ErrorKind, Manual, ReplyError, RequestId};

use super::{Said, both, credentials, errors, unreachable, with_original};

/// A failed call, and what to do next. `english` is the error with its sources.
pub(crate) fn failed(error: &Error, english: &str, next: Option<Bilingual>) -> Said {
    let (en, zh) = next
        .map(|next| (format!("\nnext: {}", next.en), format!("\n下一步：{}", next.zh)))
        .unwrap_or_default();
    let attempts = match error.attempts() {
        0 | 1 => String::new(),
        attempts => format!("，共尝试 {attempts} 次"),
    };
    let call = format!("{}（{}{attempts}）", error.action(), error.host());
    let earlier =
        if error.maybe_executed_earlier() { "；先前的某次尝试可能已被执行" } else { "" };
    both(format!("{english}{en}"), format!("调用失败：{call}：{}{earlier}{zh}", reason(error, english)))
}

/// The reason. What no type tells follows in English.
fn reason(error: &Error, english: &str) -> String {
    if let Some(transport) = error.transport() {
        return unreachable::transport(transport);
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

fn refused(what: &str, code: impl Display, manual: Option<&Manual>, error: &Error) -> String {
    let meaning = manual.map(|manual| format!("（{}）", manual.meaning.zh)).unwrap_or_default();
    let end = error.reply().map(|reply| end(reply, error.request_id())).unwrap_or_default();
    format!("{what} {code}{meaning}{end}")
}

fn end(reply: &ReplyError, request_id: Option<&RequestId>) -> String {
    let id = request_id.map_or_else(|| "无 RequestId".to_owned(), |id| format!("RequestId {id}"));
    format!("，HTTP {}，{id}", reply.status().as_u16())
}
