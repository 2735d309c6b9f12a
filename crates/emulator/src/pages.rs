//! What browsers get: two templates with their texts in two languages, style sheets, scripts.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use minijinja::{Environment, Value, context};
use serde::Deserialize;

/// A template and its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    H5,
    Ui,
}

/// The two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Zh,
    En,
}

impl Language {
    /// By `?lang=`, else by what the browser prefers, else Chinese: the service's people are.
    pub(crate) fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let asked = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .find(|(name, _)| name == "lang")
            .map(|(_, value)| value.into_owned());
        let preferred = || headers.get(ACCEPT_LANGUAGE)?.to_str().ok().map(str::to_owned);
        match asked.or_else(preferred) {
            Some(language) if language.to_ascii_lowercase().starts_with("en") => Self::En,
            _ => Self::Zh,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
}

/// Texts by key, and by `zh` and `en`.
type Texts = BTreeMap<String, Bilingual>;

#[derive(Debug, Deserialize)]
struct Bilingual {
    zh: String,
    en: String,
}

impl Bilingual {
    fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

fn templates() -> &'static Environment<'static> {
    static TEMPLATES: OnceLock<Environment<'static>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let mut all = Environment::new();
        for (name, source) in
            [("h5.html", include_str!("../web/h5.html")), ("ui.html", include_str!("../web/ui.html"))]
        {
            // A template that is none is found by the tests below.
            let _ = all.add_template(name, source);
        }
        all
    })
}

fn texts(page: Page) -> &'static Texts {
    static H5: OnceLock<Texts> = OnceLock::new();
    static UI: OnceLock<Texts> = OnceLock::new();
    let (texts, source) = match page {
        Page::H5 => (&H5, include_str!("../web/h5.json")),
        Page::Ui => (&UI, include_str!("../web/ui.json")),
    };
    texts.get_or_init(|| serde_json::from_str(source).unwrap_or_default())
}

/// A page, as HTML.
pub(crate) fn render(page: Page, language: Language, data: Value) -> String {
    let (name, lang) = (if page == Page::H5 { "h5.html" } else { "ui.html" }, language.as_str());
    let t =
        Value::from_pairs(texts(page).iter().map(|(key, text)| (key.as_str(), text.in_language(language))));
    let rendered =
        templates().get_template(name).and_then(|template| template.render(context! { lang, t, ..data }));
    rendered.unwrap_or_else(|error| format!("the page cannot be rendered: {error}"))
}

/// An HTML answer whose scripts and styles are the emulator's alone. `forms_to` is where its forms may lead besides, and
/// `frames` who may show it in a frame.
pub(crate) fn html(status: StatusCode, html: String, forms_to: &str, frames: &str) -> Response<Body> {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; connect-src \
         'self'; base-uri 'none'; form-action 'self' {forms_to}; frame-ancestors {frames}"
    );
    let mut response = file(status, "text/html;charset=utf-8", html);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn file(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// `/_emu/assets/{file}`
pub(crate) async fn asset(Path(name): Path<String>) -> Response<Body> {
    let (css, script) = ("text/css;charset=utf-8", "text/javascript;charset=utf-8");
    let (kind, text) = match name.as_str() {
        "base.css" => (css, include_str!("../web/base.css")),
        "h5.css" => (css, include_str!("../web/h5.css")),
        "h5.js" => (script, include_str!("../web/h5.js")),
        "ui.css" => (css, include_str!("../web/ui.css")),
        "ui.js" => (script, include_str!("../web/ui.js")),
        "ui-draw.js" => (script, include_str!("../web/ui-draw.js")),
        "ui-kit.js" => (script, include_str!("../web/ui-kit.js")),
        "ui-why.js" => (script, include_str!("../web/ui-why.js")),
        "icon.svg" => ("image/svg+xml", include_str!("../web/icon.svg")),
        _ => return file(StatusCode::NOT_FOUND, "text/plain", "no such file"),
    };
    file(StatusCode::OK, kind, text)
}

/// The stand-in for the vendor's script: `window.getMetaInfo()`.
pub(crate) async fn meta_info_script() -> Response<Body> {
    file(StatusCode::OK, "text/javascript;charset=utf-8", include_str!("../web/jsvm_all.js"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages_and_every_page_renders() {
        for page in [Page::H5, Page::Ui] {
            assert!(!texts(page).is_empty());
            for (key, text) in texts(page) {
                assert!(!text.zh.is_empty() && !text.en.is_empty(), "{key}");
            }
            for language in [Language::Zh, Language::En] {
                let html = render(page, language, context! {});
                let title = texts(page).get("title").map(|text| text.in_language(language)).unwrap();
                assert!(
                    html.starts_with("<!doctype html>") && html.contains(&format!("<title>{title}")),
                    "{html}"
                );
            }
        }
        for (source, page) in
            [(include_str!("../web/h5.html"), Page::H5), (include_str!("../web/ui.html"), Page::Ui)]
        {
            for key in source.split("t.").skip(1) {
                let key: String =
                    key.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let follows = source.contains(&format!("{{{{ t.{key} }}}}"));
                assert!(!follows || texts(page).contains_key(&key), "{page:?} has no text {key}");
            }
        }
    }

    #[test]
    fn what_a_shop_says_is_text_and_no_markup() {
        let evil = "https://x/?q=<script>alert(1)</script>\"'";
        let html = render(Page::H5, Language::En, context! { state => "used", return_to => evil });
        assert!(!html.contains("<script>alert") && html.contains("&lt;script&gt;"), "{html}");
    }

    #[test]
    fn the_language_is_the_one_asked_for_or_preferred() {
        let mut headers = HeaderMap::new();
        assert_eq!(Language::of(None, &headers), Language::Zh);
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en-GB,en;q=0.9,zh;q=0.8"));
        assert_eq!(Language::of(None, &headers), Language::En);
        assert_eq!(Language::of(Some("a=b&lang=zh"), &headers), Language::Zh);
    }
}
