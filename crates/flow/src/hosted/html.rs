//! The pages for the browser, in English and Chinese.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const CODE: &str = include_str!("page.js");

const STYLE: &str = ":root{color-scheme:light dark}*{box-sizing:border-box}\
    body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:10vh auto;padding:0 1rem;overflow-wrap:anywhere}\
    h1{font-size:1.5rem;line-height:1.3}";

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Chinese,
}

/// A page without a form: its status, and its heading and text in English and Chinese.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) status: u16,
    heading: [&'static str; 2],
    text: [&'static str; 2],
}

const AGAIN: [&str; 2] = ["Go back to where you came from, and start again.", "请返回原页面，重新发起认证。"];

pub(super) const UNKNOWN: Message =
    Message { status: 404, heading: ["This address is not valid", "链接无效"], text: AGAIN };
pub(super) const USED: Message =
    Message { status: 410, heading: ["This address was used", "链接已使用"], text: AGAIN };
pub(super) const EXPIRED: Message =
    Message { status: 410, heading: ["This address has expired", "链接已过期"], text: AGAIN };
pub(super) const REFUSED: Message = Message {
    status: 409,
    heading: ["The verification cannot be started", "无法发起认证"],
    text: ["Go back to where you came from.", "请返回原页面。"],
};
pub(super) const BROWSER: Message = Message {
    status: 409,
    heading: ["This browser cannot be used", "当前浏览器不受支持"],
    text: [
        "Go back to where you came from, and start again in another browser.",
        "请返回原页面，更换浏览器后重新发起认证。",
    ],
};
pub(super) const BAD_REQUEST: Message = Message {
    status: 400,
    heading: ["The browser's data cannot be read", "无法读取浏览器信息"],
    text: AGAIN,
};
pub(super) const TOO_LARGE: Message = Message { status: 413, ..BAD_REQUEST };
pub(super) const OTHER_ORIGIN: Message = Message { status: 403, ..BAD_REQUEST };
pub(super) const NOT_ALLOWED: Message = Message { status: 405, ..UNKNOWN };
pub(super) const UNAVAILABLE: Message = Message {
    status: 503,
    heading: ["Please try again in a moment", "请稍后重试"],
    text: ["The service is busy.", "系统繁忙。"],
};

impl Language {
    /// The language that a browser prefers.
    pub(super) fn of(accept_language: Option<&str>) -> Self {
        let preferred = accept_language.unwrap_or_default().trim_start().get(..2).unwrap_or_default();
        if preferred.eq_ignore_ascii_case("zh") { Self::Chinese } else { Self::English }
    }

    fn pick(self, [english, chinese]: [&'static str; 2]) -> &'static str {
        if self == Self::Chinese { chinese } else { english }
    }

    /// The page that collects the MetaInfo.
    pub(super) fn start(self, script: &str) -> String {
        let [heading, wait, failed, help, code, again] = [
            ["Face verification", "人脸认证"],
            ["One moment: your browser is being prepared.", "请稍候，正在准备。"],
            ["A file that this page needs cannot be loaded.", "页面所需的文件加载失败。"],
            [
                "Check your connection and turn off content blockers, then try again. If you are in an app, open this page in your \
                 browser, such as Safari or Chrome.",
                "请检查网络并关闭内容拦截插件，然后重试。如果在 App 内打开，请改用 Safari、Chrome 等浏览器打开本页。",
            ],
            ["This page needs JavaScript. Turn it on, then try again.", "本页需要 JavaScript，请开启后重试。"],
            ["Try again", "重试"],
        ]
        .map(|text| self.pick(text));
        let script = script.replace('&', "&amp;").replace('"', "&quot;");
        self.page(
            heading,
            &format!(
                "<p id=wait role=status>{wait}</p><div id=failed role=alert hidden><p>{failed}</p><p>{help}</p>\
                 <p><a href=\"\">{again}</a></p></div><noscript><p>{code}</p></noscript>\
                 <form method=post data-script=\"{script}\"><input type=hidden name=meta_info></form><script>{CODE}</script>"
            ),
        )
    }

    /// A page without a form.
    pub(super) fn message(self, message: &Message) -> String {
        let retry = if message.status == 503 {
            format!("<p><a href=\"\">{}</a></p>", self.pick(["Try again", "重试"]))
        } else {
            String::new()
        };
        self.page(self.pick(message.heading), &format!("<p>{}</p>{retry}", self.pick(message.text)))
    }

    fn page(self, heading: &str, body: &str) -> String {
        let language = self.pick(["en", "zh"]);
        format!(
            "<!doctype html><html lang={language}><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width, initial-scale=1\"><title>{heading}</title>\
             <link rel=icon href=\"data:,\"><style>{STYLE}</style><main><h1>{heading}</h1>{body}</main></html>"
        )
    }
}

/// The Content-Security-Policy of all pages: this code, this style, and the script from its origin. A form may lead anywhere, because
/// the vendor's domains change.
pub(super) fn security_policy(script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let (code, style) = (hash(CODE), hash(STYLE));
    format!(
        "default-src 'none'; script-src {code} {script}; connect-src {script}; img-src data: {script}; style-src {style}; \
         form-action 'self' https: http:; base-uri 'none'; frame-ancestors 'none'"
    )
}
