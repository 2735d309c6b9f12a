//! The page templates and their texts in two languages.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use cloudauth_protocol::SubCode;
use minijinja::{Environment, Value, context};
use serde::Deserialize;

use super::language::Language;

/// A page: a template and its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    H5,
    Ui,
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
            [("h5.html", include_str!("../../web/h5.html")), ("ui.html", include_str!("../../web/ui.html"))]
        {
            // The tests below find an invalid template.
            let _ = all.add_template(name, source);
        }
        all
    })
}

fn texts(page: Page) -> &'static Texts {
    static H5: OnceLock<Texts> = OnceLock::new();
    static UI: OnceLock<Texts> = OnceLock::new();
    let (texts, source) = match page {
        Page::H5 => (&H5, include_str!("../../web/h5.json")),
        Page::Ui => (&UI, include_str!("../../web/ui.json")),
    };
    texts.get_or_init(|| serde_json::from_str(source).unwrap_or_default())
}

/// Renders a page as HTML.
pub(crate) fn render(page: Page, language: Language, data: Value) -> String {
    let (name, lang) = (if page == Page::H5 { "h5.html" } else { "ui.html" }, language.as_str());
    let t =
        Value::from_pairs(texts(page).iter().map(|(key, text)| (key.as_str(), text.in_language(language))));
    let rendered =
        templates().get_template(name).and_then(|template| template.render(context! { lang, t, ..data }));
    rendered.unwrap_or_else(|error| format!("cannot render the page: {error}"))
}

/// Returns the SubCodes and their meanings, for a selection list.
pub(crate) fn sub_codes(language: Language) -> Vec<Value> {
    let row = |row: &cloudauth_protocol::Manual| {
        let meaning = if language == Language::Zh { row.meaning.zh } else { row.meaning.en };
        context! { code => row.code, meaning }
    };
    SubCode::MANUAL.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_complete_in_both_languages_and_pages_render() {
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
            [(include_str!("../../web/h5.html"), Page::H5), (include_str!("../../web/ui.html"), Page::Ui)]
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
    fn escapes_values_from_the_caller() {
        let evil = "https://x/?q=<script>alert(1)</script>\"'";
        let html = render(Page::H5, Language::En, context! { state => "used", return_to => evil });
        assert!(!html.contains("<script>alert") && html.contains("&lt;script&gt;"), "{html}");
    }
}
