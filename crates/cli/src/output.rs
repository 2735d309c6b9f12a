//! Prints for people or for programs.

use std::io::Write;

use cloudauth::{Bilingual, Manual};
use serde_json::{Value, json};

use crate::args::{Format, Language};
use crate::failure::Failure;

/// How to print.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) language: Language,
}

impl Output {
    /// Prints lines for people, or a document for programs.
    pub(crate) fn print(&self, human: &str, document: &Value) {
        match self.format {
            Format::Human => line(human.trim_end()),
            Format::Json => line(&document.to_string()),
        }
    }

    /// Whether a document is wanted.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.format == Format::Json
    }

    /// Says what failed: to people on standard error, to programs in a document as well.
    pub(crate) fn fail(&self, failure: &Failure) {
        eprintln!("cloudauth: {failure}");
        if self.is_for_programs() {
            line(&json!({ "error": failure.to_string(), "exit_code": failure.exit_code() }).to_string());
        }
    }

    /// Says how far things are; for people alone.
    pub(crate) fn step(&self, text: &str) {
        if self.format == Format::Human {
            line(text);
        }
    }

    /// The text in the language chosen.
    pub(crate) const fn say(&self, text: Bilingual) -> &'static str {
        match self.language {
            Language::En => text.en,
            Language::Zh => text.zh,
        }
    }

    /// A manual's entry for people.
    pub(crate) fn manual(&self, entry: &Manual) -> String {
        format!(
            "{:<10} {}\n           {}: {}\n",
            entry.code,
            self.say(entry.meaning),
            self.say(entry.actor.name()),
            self.say(entry.next)
        )
    }
}

/// Writes a line. Who has stopped reading, as `head` does, is not told.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A manual's entry for programs.
pub(crate) fn manual_document(layer: &str, entry: &Manual) -> Value {
    let both = |text: Bilingual| json!({ "zh": text.zh, "en": text.en });
    json!({
        "layer": layer,
        "code": entry.code,
        "vendor_text": entry.vendor_text,
        "meaning": both(entry.meaning),
        "actor": both(entry.actor.name()),
        "next": both(entry.next),
        "source": entry.source.name(),
    })
}
