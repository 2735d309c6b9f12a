//! The report's texts, in English and Chinese.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::language::Language;

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

    /// The value of the HTML `lang` attribute.
    pub(super) const fn tag(self) -> &'static str {
        match self.0 {
            Language::En => "en",
            Language::Zh => "zh-CN",
        }
    }

    pub(super) fn language(self) -> Language {
        self.0
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
