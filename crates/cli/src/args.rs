//! What the command line takes. No secret and no personal data: those come from the environment or a file.

#[cfg(feature = "lab")]
mod lab;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use cloudauth::policy::Dialect;
use cloudauth::{Endpoint, Signing};

use crate::failure::Failure;
#[cfg(feature = "lab")]
pub(crate) use lab::{Calibrate, Data, Finish, Lab, LabSql, View};

/// Face-based identity verification with Alibaba Cloud's Cloudauth.
///
/// Try `cloudauth demo` first: a whole verification on this machine, without an account.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// What is printed.
    #[arg(long, global = true, value_enum, default_value = "human")]
    pub(crate) output: Format,
    /// The language of the codes' meanings; by LANG unless given.
    #[arg(long, global = true, value_enum)]
    lang: Option<Language>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 passed or done, 1 other error, 2 usage, 3 not passed, 4 credentials, \
                          5 pending, 6 network, 7 throttled, 8 review.\nCredentials: the vendor's default chain, of which the first is \
                          ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET (and ALIBABA_CLOUD_SECURITY_TOKEN).";

impl Args {
    pub(crate) fn language(&self) -> Language {
        let system = || std::env::var("LC_ALL").or_else(|_| std::env::var("LANG")).unwrap_or_default();
        self.lang.unwrap_or_else(|| if system().starts_with("zh") { Language::Zh } else { Language::En })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// One JSON document, for programs.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    En,
    Zh,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a whole verification against an emulator of its own.
    Demo(Demo),
    /// Starts a verification and prints the link.
    Init(Init),
    /// Asks how a verification ended.
    Describe(Describe),
    /// The manual of all codes: what they mean, who must act, what to do.
    Codes(Codes),
    /// Signs a call without sending it.
    Sign(Sign),
    /// Checks, explains, compares and formats policy files, and writes them as SQL.
    #[command(subcommand)]
    Policy(Policy),
    /// Policies over recorded results: replay, compare, calibrate.
    #[cfg(feature = "lab")]
    #[command(subcommand)]
    Lab(Lab),
    /// Policies over recorded results: in builds with the feature `lab`.
    #[cfg(not(feature = "lab"))]
    Lab {
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Runs the emulator until it is interrupted.
    Emulator(Emulator),
    /// Receives callbacks, tells of each, and hands them on.
    Listen(Listen),
    /// Ends a verification of a running emulator, or has it call back wrongly.
    Trigger(Trigger),
    /// Lists the verifications of a running emulator.
    Sessions(Sessions),
    /// Looks at the clock of a running emulator, or changes it.
    Clock(Clock),
    /// Lists what goes wrong in a running emulator, or changes it.
    Faults(Faults),
}

/// A policy file is a path, or `builtin:vendor`, `builtin:threshold`, `builtin:onboarding`.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Proves a policy over every possible input, and tells what each rule decides; exit code 1 if it does not hold.
    Check {
        /// The policy.
        file: String,
    },
    /// Decides on one verification; exit code 0 approve, 8 review, 3 retry or reject, 5 pending.
    Decide(Decide),
    /// Decides, and tells why: each rule before with what failed, and the nearest change that would decide otherwise.
    Explain(Decide),
    /// Tells which inputs two policies decide differently, over all of them; exit code 0 whether or not there are any.
    Diff {
        /// The policy before.
        before: String,
        /// The policy after.
        after: String,
    },
    /// Puts the spaces of a policy file right, in place.
    Fmt {
        /// The file.
        file: PathBuf,
        /// Changes nothing; exit code 1 if there is something to change.
        #[arg(long)]
        check: bool,
    },
    /// Prints a policy as one SQL query that decides each row of a table as the policy does.
    Sql(Sql),
    /// Prints the JSON Schema of policy files, for editors.
    Schema,
    /// Prints a policy that comes with the command: vendor, threshold or onboarding.
    Show {
        /// Its name.
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Decide {
    /// The policy.
    pub(crate) file: String,
    /// A JSON file with what is known: a whole answer of DescribeFaceVerify, or {"sub_code": "200", "verify_score": 74.2,
    /// ..}; `-` for standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) evidence: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sql {
    /// The policy.
    pub(crate) file: String,
    /// Whose SQL: duckdb, postgres, spark, clickhouse, datafusion, maxcompute (which no test has run) or sqlite.
    #[arg(long)]
    pub(crate) dialect: Dialect,
    /// The table; a point divides a schema from it. For a subquery put `WITH name AS (..)` before what is printed.
    #[arg(long, value_name = "NAME", default_value = "verifications")]
    pub(crate) table: String,
    /// The column in which an input lies, if it has another name: verify_score=score. May be repeated.
    #[arg(long = "column", value_name = "INPUT=COLUMN", value_parser = input_and_column)]
    pub(crate) columns: Vec<(String, String)>,
    /// A score that lies in a column of texts. May be repeated.
    #[arg(long = "text", value_name = "INPUT")]
    pub(crate) texts: Vec<String>,
    /// A column that comes out beside the decision, such as the row's key. May be repeated.
    #[arg(long = "keep", value_name = "COLUMN")]
    pub(crate) kept: Vec<String>,
}

fn input_and_column(text: &str) -> Result<(String, String), String> {
    let (input, column) = text.split_once('=').ok_or("write it as INPUT=COLUMN")?;
    Ok((input.to_owned(), column.to_owned()))
}

/// Which signature a call carries.
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

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// A magic ID number, which says how it goes: 999999199001012046 ends in SubCode 204; see
    /// `cloudauth codes` for the codes.
    #[arg(long, default_value = "999999199001012003")]
    pub(crate) identity: String,
    #[arg(long, value_enum, default_value = "v1")]
    pub(crate) signing: SigningArg,
    /// Ends in the decision of this policy: a file, or `builtin:onboarding`.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<String>,
    /// Runs a sample shop beside the emulator instead, and opens it in the browser.
    #[arg(long, conflicts_with_all = ["identity", "signing"])]
    pub(crate) open: bool,
}

/// Where a call goes and how it is signed.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// Another endpoint, such as an emulator's http://127.0.0.1:PORT.
    // Parsed later: clap quotes what it refuses, and a URL may hold a password.
    #[arg(long, env = "CLOUDAUTH_ENDPOINT", hide_env_values = true)]
    endpoint: Option<String>,
    #[arg(long, value_enum, default_value = "v1")]
    pub(crate) signing: SigningArg,
}

impl Target {
    /// The endpoint, if one was given.
    pub(crate) fn endpoint(&self) -> Result<Option<Endpoint>, Failure> {
        self.endpoint.as_ref().map(|text| text.parse().map_err(Failure::usage)).transpose()
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The scene's id, from the console.
    #[arg(long)]
    pub(crate) scene_id: u64,
    /// Where the browser goes afterwards.
    #[arg(long)]
    pub(crate) return_url: String,
    /// A JSON file with CertName, CertNo and MetaInfo, and perhaps Mobile, Ip, UserId; `-` for standard input.
    /// It is a file so that no name stands in a process list or a shell's history.
    #[arg(long, value_name = "FILE")]
    pub(crate) person: PathBuf,
    /// Your number of this verification; a new one unless given.
    #[arg(long)]
    pub(crate) order_no: Option<String>,
    /// Where the service reports that the person is done.
    #[arg(long)]
    pub(crate) callback_url: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Describe {
    /// The scene's id, from the console.
    #[arg(long)]
    pub(crate) scene_id: u64,
    /// What `cloudauth init` printed.
    #[arg(long)]
    pub(crate) certify_id: String,
    /// Ends in the decision of this policy: a file, or `builtin:onboarding`.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Codes {
    /// One code, such as 417, 204 or SignatureDoesNotMatch; all of them unless given.
    pub(crate) code: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sign {
    /// The action, such as DescribeFaceVerify.
    #[arg(long)]
    pub(crate) action: String,
    /// A JSON file with the parameters, {"Name": "value"}; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) params: PathBuf,
    /// Prints every stage, to be compared with the string in a SignatureDoesNotMatch.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Prints the parameters' values too, which are masked otherwise.
    #[arg(long, requires = "explain")]
    pub(crate) reveal: bool,
    /// The time to sign, in seconds since 1970; now unless given.
    #[arg(long)]
    pub(crate) timestamp: Option<u64>,
    /// The nonce to sign, 32 hexadecimal digits; a new one unless given.
    #[arg(long)]
    pub(crate) nonce: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Emulator {
    /// The port; a free one unless given.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// The address to listen on. From elsewhere than loopback, looking after it takes a token, which is
    /// CLOUDAUTH_EMULATOR_TOKEN or a random one.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// What links begin with, where browsers reach it under another address.
    #[arg(long)]
    pub(crate) public_url: Option<String>,
    /// What its ids follow from.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// How far its clock is ahead, in seconds: by more than 900, every timestamp is stale.
    #[arg(long, default_value_t = 0)]
    pub(crate) ahead: u64,
    /// A file in which its state outlives it; it is made if it is not there.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// A JSON file that says how verifications end that do not say so themselves: [{"order": "vip*", "sub_code": "210"}].
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// Takes ID numbers of every area. Real people may end up in your logs.
    #[arg(long)]
    pub(crate) accept_any_id: bool,
}

/// Which emulator.
#[derive(Debug, clap::Args)]
pub(crate) struct Running {
    /// Its address, as `cloudauth emulator` prints it.
    #[arg(long, env = "CLOUDAUTH_ENDPOINT", hide_env_values = true)]
    pub(crate) endpoint: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Listen {
    /// The port on loopback; a free one unless given.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Where each callback is handed on to; its answer is ours.
    #[arg(long, value_name = "URL")]
    pub(crate) forward_to: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cloudauth trigger 204                 ends the latest verification with SubCode 204\n  cloudauth \
                        trigger 200 --callback-url http://127.0.0.1:8080/callback   begins one first\n  cloudauth trigger forged \
                        \u{20}            somebody else claims a pass for the latest"
)]
pub(crate) struct Trigger {
    /// A SubCode (200, 204, ..), `cancel`, `expire`; or a callback: `duplicate`, `late`, `forged`, `wrong-token`,
    /// `other-shape`.
    pub(crate) outcome: String,
    /// Which verification; the latest unless given.
    #[arg(long)]
    pub(crate) certify_id: Option<String>,
    /// Begins a verification of somebody made up, which calls back there.
    #[arg(long, value_name = "URL", conflicts_with = "certify_id")]
    pub(crate) callback_url: Option<String>,
    /// The verifyScore that goes with it, 0 to 100.
    #[arg(long)]
    pub(crate) score: Option<f64>,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sessions {
    /// One of them.
    pub(crate) certify_id: Option<String>,
    /// Those of a state: open, finished, given_up, expired, deleted.
    #[arg(long)]
    pub(crate) state: Option<String>,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Clock {
    #[command(subcommand)]
    pub(crate) change: Option<ClockChange>,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClockChange {
    /// Sets it ahead, and runs what falls due on the way: 90s, 30m, 24h, 1day 2h.
    Advance {
        /// By how much.
        by: humantime::Duration,
    },
    /// Sets it.
    Set {
        /// To when: 2026-01-02T03:04:05Z.
        to: String,
    },
    /// Stops it.
    Freeze,
    /// Lets it run as the system's does.
    Run,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Faults {
    #[command(subcommand)]
    pub(crate) change: Option<FaultChange>,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FaultChange {
    /// Has something go wrong from now on.
    Add {
        /// What: reset, empty, close_after_acting, status=503, truncated_at=200, latency=1500 (milliseconds),
        /// 'latency={"uniform":[50,900]}', throttle=500, ..; docs/emulator.md lists them.
        fault: String,
        /// For calls of this action alone.
        #[arg(long)]
        action: Option<String>,
        /// For calls with this CertifyId alone.
        #[arg(long)]
        certify_id: Option<String>,
        /// For this part of the calls, 0 to 1.
        #[arg(long)]
        probability: Option<f64>,
        /// So often, and then no more.
        #[arg(long)]
        times: Option<u32>,
    },
    /// Has nothing go wrong any more.
    Clear,
}
