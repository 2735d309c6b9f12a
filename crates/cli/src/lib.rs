//! The `cloudauth` command, for its binary and for the Python package. It has no other API.
//!
//! Data goes to standard output, messages to standard error. Exit codes: 0 passed or done, 1 a failed check or another
//! error, 2 invalid arguments or input files, 3 finished and not passed, 4 credentials or permission, 5 pending, 6 network or service unavailable,
//! 7 throttled, 8 a policy requires a review.

mod admin;
mod args;
mod commands;
mod failure;
mod output;
mod person;
mod printable;
mod random;
mod text;
mod words;

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use args::{Args, Command};
use cloudauth::policy::{FlatEvidence, Policy, Problem};
#[cfg(feature = "lab")]
use cloudauth_lab::{Costs, Found, Mapping, RunOutcome, Source};
use commands::policy;
use failure::Failure;
use output::Output;
#[cfg(feature = "lab")]
use serde::Serialize;
use serde_json::Value;
use words::Language;

/// Runs the command with these arguments, of which the first is its own name. Returns the exit code.
#[tokio::main]
pub async fn run(arguments: Vec<OsString>) -> u8 {
    let language = Language::of_help(arguments.iter().cloned());
    output::hide_panics(language);
    let args = match Args::read(arguments, language) {
        Ok(args) => args,
        Err(message) => {
            let code = u8::try_from(message.exit_code()).unwrap_or(2);
            output::refuse(&message, language);
            return output::finish(code, language);
        }
    };
    let output = Output::new(args.output, args.language());
    let outcome = match args.command {
        Command::Demo(command) => commands::demo::run(command, &output).await,
        Command::Init(command) => commands::init::run(command, &output),
        Command::Describe(command) => commands::describe::run(command, &output),
        Command::Codes(command) => commands::codes::run(&command, &output),
        Command::Sign(command) => commands::sign::run(&command, &output),
        Command::Policy(command) => commands::policy::run(&command, &output),
        #[cfg(not(feature = "lab"))]
        Command::Lab(_) => Err(without("lab", "lab")),
        #[cfg(feature = "lab")]
        Command::Lab(command) => commands::lab::run(command, &output).await,
        #[cfg(not(feature = "audit"))]
        Command::Audit(_) => Err(without("audit", "audit")),
        #[cfg(feature = "audit")]
        Command::Audit(command) => commands::audit::run(&command, &output),
        Command::Emulator(command) => commands::emulator::run(command, &output).await,
        Command::Listen(command) => commands::listen::run(command, &output).await,
        Command::Trigger(command) => commands::trigger::run(&command, &output),
        Command::Sessions(command) => commands::sessions::run(&command, &output),
        Command::Clock(command) => commands::emulator::clock::run(&command, &output),
        Command::Faults(command) => commands::emulator::faults::run(&command, &output),
        #[cfg(not(feature = "shell"))]
        Command::Completions(_) => Err(without("completions", "shell")),
        #[cfg(not(feature = "shell"))]
        Command::Man(_) => Err(without("man", "shell")),
        #[cfg(feature = "shell")]
        Command::Completions { shell } => commands::shell::completions(shell, &output),
        #[cfg(feature = "shell")]
        Command::Man { folder } => commands::shell::man(&folder, &output),
    };
    let code = outcome.unwrap_or_else(|failure| {
        output.fail(&failure);
        failure.exit_code()
    });
    output::finish(code, output.language)
}

/// The failure of a command that needs another build.
#[cfg(not(all(feature = "audit", feature = "lab", feature = "shell")))]
fn without(command: &str, feature: &str) -> Failure {
    Failure::usage(words::calls::not_in_this_build(command, feature))
}

/// Returns an error and its sources as one message.
#[must_use]
pub fn with_sources(error: &(dyn Error + 'static)) -> String {
    words::errors::chain(error)
}

/// The error of a file that the functions below read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// What is wrong, in English. It does not quote the content of the file.
    pub message: String,
    /// The file, if it is one that the message may name.
    pub path: Option<PathBuf>,
    /// The line, if the error is in one.
    pub line: Option<usize>,
}

impl From<Failure> for FileError {
    fn from(failure: Failure) -> Self {
        let path = failure.path().map(Path::to_owned);
        Self { message: failure.message(Language::En).to_owned(), path, line: failure.line() }
    }
}

/// Reads the text of a policy: a file, or `builtin:NAME`.
///
/// # Errors
/// If the file cannot be read, is too large, or is not text, or if there is no such built-in policy.
pub fn policy_text(file: &Path) -> Result<String, FileError> {
    Ok(policy::text_of(file)?)
}

/// Reads a mapping file.
///
/// # Errors
/// If the file cannot be read, or the mapping is invalid.
#[cfg(feature = "lab")]
pub fn read_mapping(file: &Path) -> Result<Mapping, FileError> {
    Ok(commands::lab::read_mapping(file)?)
}

/// Reads the cost file of a sweep.
///
/// # Errors
/// If the file cannot be read, or the costs are invalid.
#[cfg(feature = "lab")]
pub fn read_costs(file: &Path) -> Result<Costs, FileError> {
    Ok(commands::lab::read_costs(file)?)
}

/// Returns an analysis of a run as the command prints it with `--output json`.
///
/// # Errors
/// If the analysis cannot be written as JSON.
#[cfg(feature = "lab")]
pub fn analysis_document(
    analysis: &impl Serialize,
    ran: &RunOutcome,
    sources: &[Source],
) -> serde_json::Result<Value> {
    commands::lab::document(analysis, ran, sources)
}

/// Finds the data files of paths.
///
/// # Errors
/// If a path does not exist, or has nothing to read.
#[cfg(feature = "lab")]
pub fn find_data(paths: &[PathBuf]) -> Result<Found, FileError> {
    Ok(commands::lab::search(paths)?)
}

/// Returns the document of `policy check` for a policy that passes.
#[must_use]
pub fn policy_report(policy: &Policy) -> Value {
    policy::check::document(policy)
}

/// Returns a problem as in the document of `policy check`.
#[must_use]
pub fn policy_problem(problem: &Problem) -> Value {
    policy::check::problem_json(problem)
}

/// Returns a failing example of a policy, as in the document of `lab compare`.
#[must_use]
pub fn failing_example(policy: &str, example: &Problem) -> Value {
    policy::failing_example_json(policy, example)
}

/// Returns the document of `policy explain` for a flat object.
#[must_use]
pub fn explanation(policy: &Policy, row: &FlatEvidence<'_>) -> Value {
    policy::explanation(policy, row)
}
