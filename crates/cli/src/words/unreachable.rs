//! Why a server cannot be reached.

use std::error::Error;
use std::io;

use cloudauth::{Sent, TransportError, TransportErrorKind};

use super::errors::{self, chain, system};
use super::{Said, Text, both, known, text, translated, with_original};

const HOST_NOT_FOUND: Text = text("host not found", "找不到主机");
const TOO_SLOW: Text = text("no response in time", "响应超时");
const TLS_REQUIRED: Text =
    text("https needs a build with the feature `rustls`", "https 需要启用 `rustls` 特性的版本");
const CONNECTION_REFUSED: Text = text("connection refused", "连接被拒绝");
const CLOSED: Text = text("connection closed without a response", "连接已关闭，未收到响应");
const TOO_LARGE: Text = text("the response is too large", "响应过大");
const NOT_HTTP: Text = text("the response is not HTTP", "响应不是 HTTP");
pub(crate) const ADDRESS_NOT_A_URL: Text = text("the address is not a URL", "地址不是有效的 URL");
const CANNOT_SEND: Text = text("the request cannot be sent", "无法发送请求");

/// The reason. It never quotes the URL, which may contain a secret.
pub(crate) fn unreachable(error: &ureq::Error) -> Said {
    use io::ErrorKind as Kind;
    match error {
        ureq::Error::HostNotFound => HOST_NOT_FOUND.into(),
        ureq::Error::Timeout(_) => TOO_SLOW.into(),
        ureq::Error::TlsRequired => TLS_REQUIRED.into(),
        ureq::Error::Io(error) => match error.kind() {
            // The standard library says it in the text alone, and on Windows by `WSAHOST_NOT_FOUND` and the codes after it.
            _ if matches!(error.raw_os_error(), Some(11001..=11004))
                || error.to_string().starts_with("failed to lookup address information") =>
            {
                HOST_NOT_FOUND.into()
            }
            Kind::ConnectionRefused => CONNECTION_REFUSED.into(),
            Kind::TimedOut | Kind::WouldBlock => TOO_SLOW.into(),
            // A TLS handshake that fails, because of an untrusted certificate for example.
            Kind::InvalidData => {
                both(format!("TLS handshake failed: {error}"), with_original("TLS 握手失败", error))
            }
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::UnexpectedEof => CLOSED.into(),
            kind => {
                let zh = system(kind, &kind.to_string());
                both(format!("connection failed: {kind}"), format!("连接失败：{zh}"))
            }
        },
        ureq::Error::BodyExceedsLimit(_) => TOO_LARGE.into(),
        ureq::Error::Protocol(_) => NOT_HTTP.into(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => ADDRESS_NOT_A_URL.into(),
        _ => CANNOT_SEND.into(),
    }
}

impl From<TransportError> for Said {
    fn from(error: TransportError) -> Self {
        translated(chain(&error), transport(&error))
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
        return errors::io(error);
    }
    known::find_or(known::TRANSPORT, &chain(error), "HTTP 客户端报告错误")
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_own_message() {
        let unreachable = |error: &ureq::Error| unreachable(error).en;
        let io = |kind, text: &str| unreachable(&ureq::Error::Io(io::Error::new(kind, text.to_owned())));
        let reasons = [
            io(ErrorKind::ConnectionRefused, ""),
            io(ErrorKind::InvalidData, "invalid peer certificate: UnknownIssuer"),
            io(ErrorKind::UnexpectedEof, ""),
            unreachable(&ureq::Error::HostNotFound),
            unreachable(&ureq::Error::TlsRequired),
            unreachable(&ureq::Error::Timeout(ureq::Timeout::Global)),
        ];
        let of_windows = ureq::Error::Io(io::Error::from_raw_os_error(11001));
        assert_eq!(unreachable(&of_windows), unreachable(&ureq::Error::HostNotFound));
        assert_eq!(reasons.iter().collect::<std::collections::BTreeSet<_>>().len(), reasons.len());
        assert!(reasons[1].contains("certificate"), "{reasons:?}");
        assert!(!unreachable(&ureq::Error::BadUri("planted-secret".to_owned())).contains("planted"));
    }
}
