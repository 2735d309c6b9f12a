//! The catalogue of texts that the command prints for people, in English and Chinese.
//!
//! A text without values is a [`Text`]; a text with values is a function that returns a [`Said`].

#[cfg(feature = "audit")]
pub(crate) mod audit;
pub(crate) mod calls;
pub(crate) mod credentials;
pub(crate) mod emulator;
pub(crate) mod errors;
pub(crate) mod help;
mod known;
#[cfg(feature = "lab")]
pub(crate) mod lab;
#[cfg(feature = "lab")]
pub(crate) mod lab_error;
pub(crate) mod policy;
#[cfg(feature = "lab")]
pub(crate) mod rows;
pub(crate) mod service;
#[cfg(test)]
mod tests;
pub(crate) mod unreachable;
pub(crate) mod usage;
mod verdict;

use std::fmt;

use cloudauth::Bilingual;

/// A language of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    En,
    Zh,
}

impl Language {
    /// The text in this language.
    pub(crate) fn of(self, text: impl Into<Text>) -> &'static str {
        let text = text.into();
        match self {
            Self::En => text.en,
            Self::Zh => text.zh,
        }
    }

    /// The text in this language.
    pub(crate) fn pick(self, text: impl Into<Said>) -> String {
        text.into().of(self).to_owned()
    }
}

/// A text without values, in both languages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    pub(crate) en: &'static str,
    pub(crate) zh: &'static str,
}

/// A text with its values, in both languages; or an error of the system, which has English alone.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) en: String,
    pub(crate) zh: Option<String>,
}

/// A text with its values.
fn both(en: String, zh: String) -> Said {
    Said { en, zh: Some(zh) }
}

/// A Chinese sentence, and after it the text of a library or of the system that has no Chinese. `docs/zh/README.md` states this
/// rule.
fn with_original(zh: &str, original: impl fmt::Display) -> String {
    format!("{zh}（原文：{original}）")
}

/// An English list with Chinese separators.
fn listed(english: &str) -> String {
    english.replace(", ", "、")
}

/// Parts of a sentence, with a space where a Chinese character meets one that is not.
fn spaced<'t>(parts: impl IntoIterator<Item = &'t str>) -> String {
    let is_chinese = |char: char| ('\u{4e00}'..'\u{a000}').contains(&char);
    parts.into_iter().fold(String::new(), |text, part| match (text.chars().last(), part.chars().next()) {
        (Some(last), Some(first))
            if is_chinese(last) != is_chinese(first) && first != '、' && last != '、' =>
        {
            format!("{text} {part}")
        }
        _ => text + part,
    })
}

/// The English of a library, with the Chinese of the catalogue.
fn translated(english: impl fmt::Display, zh: String) -> Said {
    both(english.to_string(), zh)
}

/// A text without values.
const fn text(en: &'static str, zh: &'static str) -> Text {
    Text { en, zh }
}

impl From<Bilingual> for Text {
    fn from(text: Bilingual) -> Self {
        Self { en: text.en, zh: text.zh }
    }
}

impl From<Text> for Said {
    fn from(text: Text) -> Self {
        both(text.en.to_owned(), text.zh.to_owned())
    }
}

impl Said {
    /// An error of the system or of a parser, whose text exists in English only. A Chinese sentence leads it.
    pub(crate) fn untranslated(error: impl fmt::Display) -> Self {
        Self { en: error.to_string(), zh: None }
    }

    /// A name or a text that is the same in both languages.
    pub(crate) fn same(text: impl fmt::Display) -> Self {
        let text = text.to_string();
        both(text.clone(), text)
    }

    /// The text in a language.
    pub(crate) fn of(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Zh => self.zh(),
        }
    }

    /// The Chinese, or what there is instead.
    fn zh(&self) -> &str {
        self.zh.as_deref().unwrap_or(&self.en)
    }

    /// Puts a Chinese sentence before an error that has none.
    pub(crate) fn led_by(self, zh: &str) -> Self {
        let zh = self.zh.unwrap_or_else(|| with_original(zh, &self.en));
        Self { en: self.en, zh: Some(zh) }
    }
}

/// The columns that a text takes in a terminal: two for each Chinese character.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|char| if char >= '\u{2e80}' { 2 } else { 1 }).sum()
}

/// The text, followed by spaces up to this width.
pub(crate) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}
