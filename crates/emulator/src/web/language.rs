//! The two languages of the pages.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Zh,
    En,
}

impl Language {
    /// Returns the language of `?lang=`, or the one that the browser prefers. The default is Chinese, the language of most end users.
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn lang_parameter_precedes_the_browser_preference() {
        let mut headers = HeaderMap::new();
        assert_eq!(Language::of(None, &headers), Language::Zh);
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en-GB,en;q=0.9,zh;q=0.8"));
        assert_eq!(Language::of(None, &headers), Language::En);
        assert_eq!(Language::of(Some("a=b&lang=zh"), &headers), Language::Zh);
    }
}
