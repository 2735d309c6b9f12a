//! The arguments. Secrets and personal data are not among them: those come from the environment or a file. They have no `Debug`,
//! because a URL can hold a password all the same.

#[cfg(feature = "audit")]
mod audit;
mod emulator;
#[cfg(feature = "lab")]
mod lab;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use cloudauth::policy::{Dialect, Input, builtin};
use cloudauth::{Endpoint, Proxy, Signing};

use crate::failure::Failure;
use crate::words::usage::{self, InvalidValue};
use crate::words::{Language, calls, help};
#[cfg(feature = "audit")]
pub(crate) use audit::Audit;
pub(crate) use emulator::{
    Clock, ClockChange, Emulator, ExtraCallback, FaultChange, Faults, Listen, Outcome, Running, Sessions,
    Trigger,
};
#[cfg(feature = "lab")]
pub(crate) use lab::{Calibrate, Data, Finish, Lab, LabSql, Plan, Report, Sweep, View};

/// Face-based identity verification with Alibaba Cloud's Cloudauth.
///
/// Try `cloudauth demo` first: a whole verification on this machine, without an account.
#[derive(Parser)]
#[command(name = "cloudauth", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// The format of the output.
    #[arg(long, global = true, value_enum, default_value = "human")]
    pub(crate) output: Format,
    /// The language of the output. Default: that of the first of LC_ALL and LANG that is set.
    #[arg(long, global = true, value_enum)]
    lang: Option<Language>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 passed or done, 1 a failed check or another error, 2 invalid arguments \
                          or input files, 3 not passed, 4 credentials, 5 pending, 6 network, 7 throttled, 8 review.\nCredentials: the vendor's default chain, which begins with \
                          ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET (and ALIBABA_CLOUD_SECURITY_TOKEN).";

impl Args {
    /// Reads the arguments. The error is that of invalid arguments, or the text of a help page.
    pub(crate) fn read(arguments: Vec<OsString>, language: Language) -> Result<Self, clap::Error> {
        let command = match language {
            Language::En => Self::command(),
            Language::Zh => help::chinese(Self::command()),
        };
        let command = command.long_version(usage::version(language));
        let matches = command.try_get_matches_from(arguments);
        let read = matches.and_then(|matches| Self::from_arg_matches(&matches));
        read.map_err(|error| usage::without_values(error, language))
    }

    pub(crate) fn language(&self) -> Language {
        self.lang.unwrap_or_else(Language::of_system)
    }
}

impl Language {
    /// The language of the system: that of the first of LC_ALL and LANG that is set. By POSIX, an empty variable is not set.
    fn of_system() -> Self {
        let set = ["LC_ALL", "LANG"].into_iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
        let is_chinese = set.is_some_and(|value| value.to_string_lossy().starts_with("zh"));
        if is_chinese { Self::Zh } else { Self::En }
    }

    /// The language of the help, which is chosen before the arguments are read.
    pub(crate) fn of_help(arguments: impl Iterator<Item = OsString>) -> Self {
        let mut arguments = arguments.take_while(|argument| argument != "--");
        while let Some(argument) = arguments.next() {
            let value = match argument.to_str() {
                Some("--lang") => arguments.next().and_then(|value| value.into_string().ok()),
                Some(argument) => argument.strip_prefix("--lang=").map(str::to_owned),
                None => None,
            };
            if let Some(language) = value.and_then(|value| Self::from_str(&value, false).ok()) {
                return language;
            }
        }
        Self::of_system()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// One JSON document, for programs.
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a whole verification against an emulator of its own.
    Demo(Demo),
    /// Start a verification and print its link.
    Init(Init),
    /// Query the result of a verification.
    Describe(Describe),
    /// Explain the codes: what they mean, who must act, what to do.
    Codes(Codes),
    /// Sign a call without sending it.
    Sign(Sign),
    /// Check, explain, compare and format policy files, and write them as SQL.
    #[command(subcommand)]
    Policy(Policy),
    /// Replay, compare and calibrate policies over recorded results.
    ///
    /// Data files: .jsonl, .ndjson, .csv, .tsv (plain, .gz or .zst) and .parquet.
    #[cfg(feature = "lab")]
    #[command(subcommand)]
    Lab(Lab),
    /// Replay, compare and calibrate policies; in builds with the feature `lab`.
    #[cfg(not(feature = "lab"))]
    Lab(Rest),
    /// Check the chains of events of a store.
    #[cfg(feature = "audit")]
    #[command(subcommand)]
    Audit(Audit),
    /// Check the chains of events of a store; in builds with the feature `audit`.
    #[cfg(not(feature = "audit"))]
    Audit(Rest),
    /// Run the emulator until it is interrupted.
    Emulator(Emulator),
    /// Receive callbacks, print each one and forward it.
    Listen(Listen),
    /// End a verification of a running emulator, or make it send one more callback.
    Trigger(Trigger),
    /// List the verifications of a running emulator.
    Sessions(Sessions),
    /// Show or change the clock of a running emulator.
    Clock(Clock),
    /// List, add or remove the faults of a running emulator.
    Faults(Faults),
    /// Print the completions for a shell; in builds with the feature `shell`.
    #[cfg(not(feature = "shell"))]
    Completions(Rest),
    /// Print the completions for a shell.
    #[cfg(feature = "shell")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder; in builds with the feature `shell`.
    #[cfg(not(feature = "shell"))]
    Man(Rest),
    /// Write the manual pages into a folder.
    #[cfg(feature = "shell")]
    Man {
        /// The folder, which must exist.
        folder: PathBuf,
    },
}

/// Whatever follows the name of a command that this build does not have.
#[cfg(not(all(feature = "audit", feature = "lab", feature = "shell")))]
#[derive(clap::Args)]
pub(crate) struct Rest {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// A policy file is a path, or `builtin:vendor`, `builtin:threshold`, `builtin:onboarding`.
#[derive(Subcommand)]
pub(crate) enum Policy {
    /// Prove a policy over every possible input, and list what each rule decides; exit code 1 if the check fails.
    Check {
        /// The policy.
        file: String,
    },
    /// Decide on one verification; exit code 0 approve, 8 review, 3 retry or reject, 5 pending.
    Decide(Decide),
    /// Decide and explain: earlier rules with the condition that failed, and the smallest changes that change the verdict.
    Explain(Decide),
    /// List the inputs on which two policies differ; exit code 0 whether or not there are any.
    Diff {
        /// The policy before.
        before: String,
        /// The policy after.
        after: String,
        /// Compare although examples of a policy fail, to explore another threshold. The output lists them.
        #[arg(long)]
        allow_failing_examples: bool,
    },
    /// Format a policy file in place.
    Fmt {
        /// The file.
        file: PathBuf,
        /// Change nothing; exit code 1 if the file is not formatted.
        #[arg(long)]
        check: bool,
    },
    /// Print a policy as one SQL query that decides each row of a table as the policy does.
    Sql(Sql),
    /// Print the JSON Schema of policy files, for editors.
    Schema,
    /// Print a built-in policy: vendor, threshold or onboarding.
    Show {
        /// The policy's name.
        #[arg(value_parser = PossibleValuesParser::new(builtin::ALL.map(|(name, _)| name)))]
        name: String,
    },
}

#[derive(clap::Args)]
pub(crate) struct Decide {
    /// The policy.
    pub(crate) file: String,
    /// A JSON file with the inputs: a whole reply of DescribeFaceVerify, or {"sub_code": "200", "verify_score": 74.2,
    /// ..}; `-` for standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) evidence: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct Sql {
    /// The policy.
    pub(crate) file: String,
    /// The SQL dialect. No test has run maxcompute.
    #[arg(long, value_parser = dialect())]
    pub(crate) dialect: Dialect,
    /// The table, with its schema if there is one: schema.table. For a subquery, put `WITH name AS (..)` before the output.
    #[arg(long, value_name = "NAME", default_value = "verifications")]
    pub(crate) table: String,
    /// The column of an input, if it has another name: verify_score=score. May be repeated.
    #[arg(long = "column", value_name = "INPUT=COLUMN", value_parser = input_and_column)]
    pub(crate) columns: Vec<(Input, String)>,
    /// An input whose column holds text. May be repeated.
    #[arg(long = "text", value_name = "INPUT", value_parser = input())]
    pub(crate) texts: Vec<Input>,
    /// A column to output beside the decision, such as the key of the row. May be repeated.
    #[arg(long = "keep", value_name = "COLUMN")]
    pub(crate) kept: Vec<String>,
}

/// Reads a dialect by its name, which clap lists and corrects.
pub(crate) fn dialect() -> impl TypedValueParser<Value = Dialect> {
    PossibleValuesParser::new(Dialect::ALL.map(Dialect::as_str)).try_map(|name| name.parse::<Dialect>())
}

/// Reads an input by its name, which clap lists and corrects.
fn input() -> impl TypedValueParser<Value = Input> {
    PossibleValuesParser::new(Input::ALL.map(Input::name)).try_map(|name| name.parse::<Input>())
}

fn input_and_column(text: &str) -> Result<(Input, String), InvalidValue> {
    let (name, column) = text.split_once('=').ok_or_else(usage::not_a_column)?;
    let names = || Input::ALL.map(Input::name).join(", ");
    let input = name.parse::<Input>().map_err(|error| usage::unknown_input(error, &names()))?;
    Ok((input, column.to_owned()))
}

/// The signature of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SigningArg {
    /// HMAC-SHA1, everything in the form body.
    V1,
    /// ACS3-HMAC-SHA256, parameters where the vendor's SDKs put them: names and ID numbers in the URL.
    V3,
    /// ACS3-HMAC-SHA256, everything in the form body; not verified against the live service.
    V3Body,
}

impl From<SigningArg> for Signing {
    fn from(arg: SigningArg) -> Self {
        match arg {
            SigningArg::V1 => Self::V1,
            SigningArg::V3 => Self::V3,
            SigningArg::V3Body => Self::V3Body,
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct Demo {
    /// A magic ID number, which sets the outcome: 999999199001012046 ends in SubCode 204. `cloudauth codes` lists the
    /// codes.
    #[arg(long, default_value = "999999199001012003")]
    pub(crate) identity: String,
    #[arg(long, value_enum, default_value = "v1")]
    pub(crate) signing: SigningArg,
    /// Decide with this policy: a file, or `builtin:onboarding`.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<String>,
    /// Run a sample shop beside the emulator instead, and open it in the browser.
    #[arg(long, conflicts_with_all = ["identity", "signing"])]
    pub(crate) open: bool,
}

/// A call that is sent.
#[derive(clap::Args)]
pub(crate) struct Call {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Send https requests through a proxy, such as http://proxy.example:3128. A proxy with user and password is read from
    /// HTTPS_PROXY, if CLOUDAUTH_USE_ENV_PROXY is 1.
    // Parsed later, as the endpoint is.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
}

/// The endpoint of a call, and its signature.
#[derive(clap::Args)]
pub(crate) struct Target {
    /// Another endpoint, such as an emulator's http://127.0.0.1:PORT.
    // Parsed later: clap quotes what it refuses, and a URL may hold a password.
    #[arg(long, env = "CLOUDAUTH_ENDPOINT", hide_env_values = true)]
    endpoint: Option<String>,
    #[arg(long, value_enum, default_value = "v1")]
    pub(crate) signing: SigningArg,
}

impl Call {
    /// The proxy of the command line, or of the environment if CLOUDAUTH_USE_ENV_PROXY is 1.
    pub(crate) fn proxy(&self) -> Result<Option<Proxy>, Failure> {
        let Some(url) = &self.proxy else {
            return Proxy::from_environment().map_err(Failure::usage);
        };
        let proxy: Proxy = url.parse().map_err(Failure::usage)?;
        if proxy.expose_credentials().is_some() {
            return Err(Failure::usage(calls::PROXY_PASSWORD));
        }
        Ok(Some(proxy))
    }
}

impl Target {
    /// The endpoint, if one was given.
    pub(crate) fn endpoint(&self) -> Result<Option<Endpoint>, Failure> {
        self.endpoint.as_ref().map(|text| text.parse().map_err(Failure::usage)).transpose()
    }
}

#[derive(clap::Args)]
pub(crate) struct Init {
    /// The scene's id, from the console.
    #[arg(long)]
    pub(crate) scene_id: u64,
    /// The page to which the browser returns; `iframe` to embed the page in a frame.
    #[arg(long)]
    pub(crate) return_url: String,
    /// A JSON file with CertName, CertNo and MetaInfo, optionally Mobile, Ip, UserId; `-` for standard input.
    /// A file keeps names out of process lists and the history of the shell.
    #[arg(long, value_name = "FILE")]
    pub(crate) person: PathBuf,
    /// Your number for this verification. Default: a new one.
    #[arg(long)]
    pub(crate) order_no: Option<String>,
    /// The URL for the callback when the person has finished.
    #[arg(long)]
    pub(crate) callback_url: Option<String>,
    #[command(flatten)]
    pub(crate) call: Call,
}

#[derive(clap::Args)]
pub(crate) struct Describe {
    /// The scene's id, from the console.
    #[arg(long)]
    pub(crate) scene_id: u64,
    /// The CertifyId that `cloudauth init` printed.
    #[arg(long)]
    pub(crate) certify_id: String,
    /// Decide with this policy: a file, or `builtin:onboarding`.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<String>,
    #[command(flatten)]
    pub(crate) call: Call,
}

#[derive(clap::Args)]
pub(crate) struct Codes {
    /// One code, such as 417, 204 or SignatureDoesNotMatch. Default: all of them.
    pub(crate) code: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct Sign {
    /// The action, such as DescribeFaceVerify.
    #[arg(long)]
    pub(crate) action: String,
    /// A JSON file with the parameters, {"Name": "value"}; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) params: PathBuf,
    /// Print every stage, to compare it with the string in a SignatureDoesNotMatch.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Print the values of the parameters, which are masked by default.
    #[arg(long, requires = "explain")]
    pub(crate) reveal: bool,
    /// The time to sign, in seconds since 1970. Default: now.
    // The last second of the year 9999: later times cannot be written.
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=253_402_300_799))]
    pub(crate) timestamp: Option<u64>,
    /// The nonce to sign, 32 hexadecimal digits. Default: a new one.
    #[arg(long)]
    pub(crate) nonce: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}
