//! The pages of the shop, in English and Chinese.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum::response::Html;
use cloudauth::flow::State;

/// A text in English and Chinese.
type Words = [&'static str; 2];

/// A request that fails: its status and its text.
pub(crate) type Failure = (StatusCode, &'static str);

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

    fn of(self, [en, zh]: Words) -> &'static str {
        if self == Self::Zh { zh } else { en }
    }

    /// For an error that the person cannot mend. No error shows a name or a number: log it as it is.
    pub(crate) fn unavailable<E: std::fmt::Display>(self) -> impl FnOnce(E) -> Failure {
        move |error| {
            eprintln!("{error}");
            (
                StatusCode::BAD_GATEWAY,
                self.of(["We cannot verify you right now.", "暂时无法进行认证，请稍后再试。"]),
            )
        }
    }

    /// For an input that is not valid.
    pub(crate) fn refused<E>(self) -> impl FnOnce(E) -> Failure {
        move |_| {
            (StatusCode::BAD_REQUEST, self.of(["Please check what you entered.", "请检查您填写的内容。"]))
        }
    }

    /// For an order that the shop does not have.
    pub(crate) fn unknown(self) -> Failure {
        (StatusCode::NOT_FOUND, self.of(["There is no such order.", "没有这个订单。"]))
    }

    /// For a start that the flow refuses, with its reason in the log.
    pub(crate) fn conflict<E: std::fmt::Display>(self) -> impl FnOnce(E) -> Failure {
        move |reason| {
            eprintln!("{reason}");
            let words = ["This order cannot be verified again now.", "该订单目前不能再次认证。"];
            (StatusCode::CONFLICT, self.of(words))
        }
    }

    /// The page of an order. Its form sends name and number in the body of a POST, never in a URL.
    pub(crate) fn order(self, order: &str, state: Option<State>, key: &str, script: &str) -> Html<String> {
        let (words, again) = match state {
            None => (["Who are you?", "请填写您的身份信息"], true),
            Some(State::RequiresInput) => (["Please try again", "请重试"], true),
            Some(State::Processing) => (["pending: not finished", "尚未完成"], true),
            Some(State::InReview) => (["review: we will write to you", "人工复核：我们会与您联系"], false),
            Some(State::Approved) => (["approve: your order is on its way", "通过：您的订单即将发货"], false),
            Some(State::Declined) => (["reject: we cannot ship this order", "拒绝：该订单无法发货"], false),
            Some(State::Expired | State::Canceled) => (["This order has ended", "该订单已结束"], false),
        };
        let (lang, heading) = (self.name(), self.of(words));
        let [name, number, button, other] = [
            ["Name", "姓名"],
            ["ID number", "身份证号"],
            ["I agree to face verification", "同意并开始人脸认证"],
            ["Another order", "新建订单"],
        ]
        .map(|text| self.of(text));
        let form = format!(
            "<form method=post action='/order/{order}/verify?lang={lang}'>\
             <label>{name} <input name=name value=张三 required></label>\
             <label>{number} <input name=number value=999999199001012003 required pattern='[0-9]{{17}}[0-9X]'></label>\
             <input type=hidden name=key value={key}><input type=hidden name=meta_info><button>{button}</button></form>\
             <script src='{script}'></script><script>document.forms[0].onsubmit = (event) => \
             {{ event.target.meta_info.value = JSON.stringify(getMetaInfo()); }};</script>"
        );
        let (form, title) = (if again { &form } else { "" }, self.of(["The shop", "示例商店"]));
        Html(format!(
            "<!doctype html><html lang={lang}><meta charset=utf-8><meta name=viewport content='width=device-width'>\
             <title>{title}</title><link rel=icon href='data:,'><style>label,input,button{{display:block}}</style>\
             <main><h1 id=decision>{heading}</h1>{form}<p><a href='/?lang={lang}'>{other}</a></main>"
        ))
    }
}
