//! The `cloudauth` command.
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

use std::process::ExitCode;

use args::{Args, Command};
use output::Output;
use words::Language;

/// Reuses the buffers of Parquet's columns.
#[cfg(feature = "parquet")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let language = Language::of_help(std::env::args_os());
    let args = match Args::read(language) {
        Ok(args) => args,
        Err(message) => {
            let code = u8::try_from(message.exit_code()).unwrap_or(2);
            output::refuse(&message, language);
            return ExitCode::from(output::finish(code, language));
        }
    };
    let output = Output { format: args.output, language: args.language() };
    let outcome = match args.command {
        Command::Demo(command) => commands::demo::run(command, &output).await,
        Command::Init(command) => commands::init::run(command, &output),
        Command::Describe(command) => commands::describe::run(command, &output),
        Command::Codes(command) => commands::codes::run(&command, &output),
        Command::Sign(command) => commands::sign::run(&command, &output),
        Command::Policy(command) => commands::policy::run(&command, &output),
        #[cfg(not(feature = "lab"))]
        Command::Lab { .. } => Err(failure::Failure::usage(words::calls::NO_LAB)),
        #[cfg(feature = "lab")]
        Command::Lab(command) => commands::lab::run(command, &output).await,
        #[cfg(not(feature = "audit"))]
        Command::Audit { .. } => Err(failure::Failure::usage(words::calls::NO_AUDIT)),
        #[cfg(feature = "audit")]
        Command::Audit(command) => commands::audit::run(&command, &output),
        Command::Emulator(command) => commands::emulator::run(command, &output).await,
        Command::Listen(command) => commands::listen::run(command, &output).await,
        Command::Trigger(command) => commands::trigger::run(&command, &output),
        Command::Sessions(command) => commands::sessions::run(&command, &output),
        Command::Clock(command) => commands::emulator::clock::run(&command, &output),
        Command::Faults(command) => commands::emulator::faults::run(&command, &output),
        #[cfg(feature = "shell")]
        Command::Completions { shell } => commands::shell::completions(shell, &output),
        #[cfg(feature = "shell")]
        Command::Man { folder } => commands::shell::man(&folder, &output),
    };
    let code = outcome.unwrap_or_else(|failure| {
        output.fail(&failure);
        failure.exit_code()
    });
    ExitCode::from(output::finish(code, output.language))
}
