//! The report's texts, in English and Chinese.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// The language of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Language {
    /// The value of the HTML `lang` attribute.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Both {
    en: String,
    zh: String,
}

/// All texts in one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words(Language);

fn texts() -> &'static BTreeMap<String, Both> {
    static TEXTS: OnceLock<BTreeMap<String, Both>> = OnceLock::new();
    TEXTS.get_or_init(|| serde_json::from_str(include_str!("../../web/report.json")).unwrap_or_default())
}

impl Words {
    pub(super) const fn of(language: Language) -> Self {
        Self(language)
    }

    pub(super) fn get(self, name: &str) -> &'static str {
        texts().get(name).map_or("", |both| if self.0 == Language::Zh { &both.zh } else { &both.en })
    }

    /// Returns all texts, for the page.
    pub(super) fn all(self) -> BTreeMap<&'static str, &'static str> {
        texts().keys().map(|name| (name.as_str(), self.get(name))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_exists_in_both_languages() {
        assert!(texts().len() > 40, "{}", texts().len());
        for (name, both) in texts() {
            assert!(!both.en.is_empty() && !both.zh.is_empty(), "{name}");
            assert!(both.en.is_ascii(), "{name}");
        }
    }
}
