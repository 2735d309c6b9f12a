//! Prints for people or for programs. [`finish`] reports at the end whether standard output took everything.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::error::ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, ValueValidation};
use cloudauth::{Bilingual, Manual};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::args::Format;
use crate::failure::Failure;
use crate::printable;
use crate::words::{Language, Said, Text, calls, usage};

/// How to print.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) language: Language,
    /// Whether the document of the result was printed.
    has_printed: AtomicBool,
}

impl Output {
    pub(crate) const fn new(format: Format, language: Language) -> Self {
        Self { format, language, has_printed: AtomicBool::new(false) }
    }

    /// Prints lines for people, or a document for programs.
    pub(crate) fn print(&self, human: &str, document: &Value) {
        self.print_file(&printable::lines(human), document);
    }

    /// Prints the text of a file, such as SQL, unchanged; or a document for programs.
    pub(crate) fn print_file(&self, text: &str, document: &Value) {
        match self.format {
            Format::Human => line(text.trim_end()),
            Format::Json => {
                self.has_printed.store(true, Ordering::Relaxed);
                line(&document.to_string());
            }
        }
    }

    /// Prints lines for people, or one of the documents of a command that runs until it is interrupted. If it fails later, programs
    /// get the document of the failure as well.
    pub(crate) fn stream(&self, human: &str, document: &Value) {
        match self.format {
            Format::Human => line(printable::lines(human).trim_end()),
            Format::Json => line(&document.to_string()),
        }
    }

    /// Whether the output is a document.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.format == Format::Json
    }

    /// Reports a failure: on standard error, and to programs in a document as well, unless they have that of the result. A command
    /// that prints a result and fails all the same puts [`Failure::members`] into its document.
    pub(crate) fn fail(&self, failure: &Failure) {
        note(failure.message(self.language));
        if let Some(document) = self.failure_document(failure) {
            line(&document.to_string());
        }
    }

    fn failure_document(&self, failure: &Failure) -> Option<Value> {
        let is_due = self.is_for_programs() && !self.has_printed.load(Ordering::Relaxed);
        let members = failure.members().map(|(name, value)| (name.to_owned(), value));
        is_due.then(|| Value::Object(members.into_iter().collect()))
    }

    /// Prints the progress of a command, only for people.
    pub(crate) fn step(&self, text: impl Into<Said>) {
        if self.format == Format::Human {
            line(&printable::lines(&self.pick(text)));
        }
    }

    /// Writes a line to standard error.
    pub(crate) fn note(&self, text: impl Into<Said>) {
        note(&self.pick(text));
    }

    /// The text in the language chosen.
    pub(crate) fn pick(&self, text: impl Into<Said>) -> String {
        self.language.pick(text)
    }

    /// The text in the language chosen.
    pub(crate) fn say(&self, text: impl Into<Text>) -> &'static str {
        self.language.of(text)
    }

    /// A manual's entry for people.
    pub(crate) fn manual(&self, entry: &Manual) -> String {
        let colon = if self.language == Language::Zh { "：" } else { ": " };
        format!(
            "{:<10} {}\n           {}{colon}{}\n",
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

/// Makes a panic say where it is and nothing else: its message can quote data. Those of the Parquet reader are caught, and an error says
/// that the file is damaged.
pub(crate) fn hide_panics(language: Language) {
    std::panic::set_hook(Box::new(move |panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        if !["/parquet-", "/arrow-"].iter().any(|library| at.contains(library)) {
            note(calls::internal(&at).of(language));
        }
    }));
}

/// Prints a help page, the version, or why the arguments are invalid. Only the last is not for standard output.
pub(crate) fn refuse(message: &clap::Error, language: Language) {
    let is_page = !message.use_stderr() || message.kind() == DisplayHelpOnMissingArgumentOrSubcommand;
    if language == Language::Zh && !is_page {
        let _ = writeln!(io::stderr(), "{}", usage::refused(message));
        return;
    }
    if message.kind() == ValueValidation {
        let _ = write!(io::stderr(), "{}", usage::in_english(message));
        return;
    }
    let printed = message.print();
    if !message.use_stderr() {
        record(printed);
    }
}

/// Waits until standard output fails: for commands that only print until they are interrupted.
pub(crate) async fn failed() {
    HAS_FAILED.notified().await;
}

/// Waits until standard output is lost: for servers. A server keeps running when its reader closes the pipe, as a script
/// does after it has read the address.
pub(crate) async fn lost() {
    failed().await;
    if FAILED.get().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        std::future::pending().await
    }
}

/// Writes a line to standard error. A failure is ignored, because it cannot be reported.
fn note(text: &str) {
    let _ = writeln!(io::stderr(), "cloudauth: {}", printable::lines(text));
}

/// Flushes standard output and returns the exit code: that of the command, or 1 if output was lost. It is not an error if a
/// reader such as `head` closes the pipe.
pub(crate) fn finish(code: u8, language: Language) -> u8 {
    record(io::stdout().flush());
    match FAILED.get() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            note(&language.pick(calls::cannot_print(error)));
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
        "source": entry.source.name().en,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_a_document_after_those_of_a_stream_and_not_after_a_result() {
        let (output, failure) =
            (Output::new(Format::Json, Language::En), Failure::system("accepting failed"));
        let document = json!({ "error": "accepting failed", "exit_code": 1 });
        output.stream("", &json!({}));
        assert_eq!(output.failure_document(&failure), Some(document));
        output.print("", &json!({}));
        assert_eq!(output.failure_document(&failure), None);
        assert_eq!(Output::new(Format::Human, Language::En).failure_document(&failure), None);
    }
}
