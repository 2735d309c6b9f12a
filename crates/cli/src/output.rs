//! Prints for people or for programs. Whether standard output took everything is known at the end, from [`finish`].

use std::io::{self, Write};
use std::sync::OnceLock;

use cloudauth::{Bilingual, Manual};
use serde_json::{Value, json};
use tokio::sync::Notify;

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
        note(&format!("cloudauth: {failure}"));
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

/// The first failure of standard output.
static FAILED: OnceLock<io::Error> = OnceLock::new();
static HAS_FAILED: Notify = Notify::const_new();

/// Writes a line to standard output.
fn line(text: &str) {
    record(writeln!(io::stdout(), "{text}"));
}

/// Remembers that standard output has failed.
pub(crate) fn record(written: io::Result<()>) {
    if let Err(error) = written {
        let _ = FAILED.set(error);
        HAS_FAILED.notify_one();
    }
}

/// Waits until standard output fails: for commands that do nothing but print until they are interrupted.
pub(crate) async fn failed() {
    HAS_FAILED.notified().await;
}

/// Waits until standard output is lost: for servers. A reader that has closed the pipe, as a script does that has read the
/// address, has what it wanted, and the server runs on.
pub(crate) async fn lost() {
    failed().await;
    if FAILED.get().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        std::future::pending().await
    }
}

/// Writes a line to standard error. A failure has nowhere to be reported.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Flushes standard output, and gives the exit code: that of the command, or 1 if the output was lost. A reader that has
/// closed the pipe, as `head` does, has what it wanted.
pub(crate) fn finish(code: u8) -> u8 {
    record(io::stdout().flush());
    match FAILED.get() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            note(&format!("cloudauth: cannot write to standard output: {error}"));
            if code == 0 { 1 } else { code }
        }
        _ => code,
    }
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
