//! The pages of the shop, in English and Chinese.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum::response::Html;
use cloudauth::policy::{Decision, Verdict};

/// A request that fails: its status, and its text in English and Chinese.
pub(crate) type Failure = (StatusCode, [&'static str; 2]);

pub(crate) const REFUSED: Failure =
    (StatusCode::BAD_REQUEST, ["Please check what you entered.", "请检查您填写的内容。"]);
pub(crate) const UNAVAILABLE: Failure =
    (StatusCode::BAD_GATEWAY, ["We cannot verify you right now.", "暂时无法进行认证，请稍后再试。"]);
pub(crate) const UNKNOWN: Failure = (StatusCode::NOT_FOUND, ["There is no such order.", "没有这个订单。"]);

/// The language of a page: that of `?lang=`, or the one that the browser prefers. The default is English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lang {
    /// English.
    En,
    /// Chinese.
    Zh,
}

impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let asked =
            parts.uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("lang="));
        let preferred = || parts.headers.get(ACCEPT_LANGUAGE)?.to_str().ok();
        let is_chinese = asked.or_else(preferred).is_some_and(|language| language.starts_with("zh"));
        Ok(if is_chinese { Self::Zh } else { Self::En })
    }
}

impl Lang {
    /// The value of `?lang=` and of the attribute `lang`.
    pub(crate) fn name(self) -> &'static str {
        self.of(["en", "zh"])
    }

    /// The text in this language.
    fn of(self, [en, zh]: [&'static str; 2]) -> &'static str {
        if self == Self::Zh { zh } else { en }
    }

    /// The answer to a request that fails.
    pub(crate) fn failure(self, (status, text): Failure) -> (StatusCode, &'static str) {
        (status, self.of(text))
    }

    /// The start page. Its form sends name and number in the body of a POST, never in a URL. `script` is the address of the
    /// vendor's script, which collects the MetaInfo of the browser.
    pub(crate) fn start(self, script: &str) -> Html<String> {
        let [heading, name, number, button] = [
            ["Who are you?", "请填写您的身份信息"],
            ["Name", "姓名"],
            ["ID number", "身份证号"],
            ["Verify me", "开始认证"],
        ]
        .map(|text| self.of(text));
        self.page(&format!(
            "<h1>{heading}</h1><form method=post action='/verify?lang={}'>\
             <label>{name} <input name=name value=张三 required></label>\
             <label>{number} <input name=number value=999999199001012003 required pattern='[0-9]{{17}}[0-9X]'></label>\
             <input type=hidden name=meta_info><button>{button}</button></form>\
             <script src='{script}'></script><script>document.forms[0].onsubmit = (event) => \
             {{ event.target.meta_info.value = JSON.stringify(getMetaInfo()); }};</script>",
            self.name()
        ))
    }

    /// The page to which the person returns.
    pub(crate) fn returned(self, words: &str, code: Option<String>) -> Html<String> {
        let code = code.unwrap_or_else(|| self.of(["none", "（无）"]).to_owned());
        let came_back = self.of(["The browser came back with code ", "浏览器返回的 code："]);
        let stop = self.of([".", "。"]);
        let (name, again) = (self.name(), self.of(["Again", "重新开始"]));
        self.page(&format!(
            "<h1 id=decision>{words}</h1><p>{came_back}{code}{stop}<p><a href='/?lang={name}'>{again}</a>"
        ))
    }

    /// The decision in words; without one, the verification has not ended.
    pub(crate) fn decided(self, decision: Option<&Decision>) -> String {
        let Some(decision) = decision else {
            return self.of(["pending: not finished", "尚未完成"]).to_owned();
        };
        let verdict = self.of(match decision.verdict() {
            Verdict::Approve => ["approve: ", "通过："],
            Verdict::Review => ["review: ", "人工复核："],
            Verdict::Retry => ["retry: ", "重试："],
            Verdict::Reject => ["reject: ", "拒绝："],
        });
        format!("{verdict}{}", decision.reason())
    }

    fn page(self, body: &str) -> Html<String> {
        let (lang, title) = (self.name(), self.of(["The shop", "示例商店"]));
        Html(format!(
            "<!doctype html><html lang={lang}><meta charset=utf-8><meta name=viewport content='width=device-width'>\
             <title>{title}</title><link rel=icon href='data:,'><style>:root{{color-scheme:light dark;background:Canvas}}\
             *{{box-sizing:border-box}}body{{font:1.1rem/1.6 system-ui;max-width:32rem;margin:10vh auto;padding:0 1rem}}\
             h1{{line-height:1.2}}label,input,button{{display:block;width:100%;font:inherit;margin:.4rem 0}}input,button{{padding:.3rem}}</style>\
             <main>{body}</main>"
        ))
    }
}
