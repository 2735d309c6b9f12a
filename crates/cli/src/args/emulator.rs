//! The arguments of the emulator and of the commands that manage a running one.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use cloudauth_emulator::Fault;
use serde_json::{Value, json};

use crate::words::usage::{self, InvalidValue};

#[derive(clap::Args)]
pub(crate) struct Emulator {
    /// The port. Default: a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// The address to listen on. Beyond loopback the admin API requires a token: CLOUDAUTH_EMULATOR_TOKEN, or a random one.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// The base of its links, if browsers reach it at another address.
    #[arg(long)]
    pub(crate) public_url: Option<String>,
    /// The seed of ids and random choices. A state file keeps its own until a reset.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// How far the clock runs ahead, in seconds. Beyond 900, every timestamp has expired.
    #[arg(long, default_value_t = 0)]
    pub(crate) ahead: u64,
    /// State file, created if missing. It keeps sessions across restarts.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// A JSON file of rules that set the outcome of ordinary verifications: [{"order": "vip*", "sub_code": "210"}].
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// Accept ID numbers of every area. Personal data of real people may end up in your logs.
    #[arg(long)]
    pub(crate) accept_any_id: bool,
}

/// A running emulator.
#[derive(clap::Args)]
pub(crate) struct Running {
    /// The address of the emulator, as `cloudauth emulator` prints it.
    #[arg(long, global = true, env = "CLOUDAUTH_ENDPOINT", hide_env_values = true)]
    pub(crate) endpoint: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct Listen {
    /// The port on loopback. Default: a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Forward each request to this URL, with its method and body, and answer with the status that comes back.
    #[arg(long, value_name = "URL")]
    pub(crate) forward_to: Option<String>,
    /// The emulator that checks whether each callback is genuine or forged.
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  cloudauth trigger 204                 end the latest verification with SubCode 204\n  cloudauth \
                  trigger 200 --callback-url http://127.0.0.1:8080/callback   start one first\n  cloudauth trigger forged \
                  \u{20}            send a forged callback that claims a pass"
)]
pub(crate) struct Trigger {
    /// A SubCode (200, 204, ..), `cancel` or `expire` to end a verification; or a callback: `duplicate`, `late`, `forged`,
    /// `wrong-token`, `other-shape`.
    #[arg(value_parser = Outcome::parse)]
    pub(crate) outcome: Outcome,
    /// The verification. Default: the latest.
    #[arg(long)]
    pub(crate) certify_id: Option<String>,
    /// Start a verification of a synthetic person first, with this CallbackUrl.
    #[arg(long, value_name = "URL", conflicts_with = "certify_id")]
    pub(crate) callback_url: Option<String>,
    /// The verifyScore of the result, 0 to 100. Needs a SubCode.
    #[arg(long, value_parser = usage::score)]
    pub(crate) score: Option<f64>,
    #[command(flatten)]
    pub(crate) running: Running,
}

/// What `trigger` does to a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Ends it with this SubCode.
    SubCode(String),
    /// Ends it without a result.
    End(Unfinished),
    /// Sends one more callback.
    Callback(ExtraCallback),
}

/// A verification that ends without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unfinished {
    Cancel,
    Expire,
}

/// A callback that is not the normal one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExtraCallback {
    Duplicate,
    Late,
    Forged,
    WrongToken,
    OtherShape,
}

impl Outcome {
    fn parse(text: &str) -> Result<Self, InvalidValue> {
        if (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::SubCode(text.to_owned()));
        }
        let end = Unfinished::from_str(text, false).map(Self::End);
        end.or_else(|_| ExtraCallback::from_str(text, false).map(Self::Callback))
            .map_err(|_| usage::not_an_outcome(&names::<Unfinished>(), &names::<ExtraCallback>()).into())
    }
}

#[derive(clap::Args)]
pub(crate) struct Sessions {
    /// Show one verification in full.
    pub(crate) certify_id: Option<String>,
    /// List only those in this state.
    #[arg(long, conflicts_with = "certify_id")]
    pub(crate) state: Option<SessionState>,
    #[command(flatten)]
    pub(crate) running: Running,
}

/// The state of a verification, as the admin API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum SessionState {
    Open,
    Finished,
    GivenUp,
    Expired,
    Deleted,
}

#[derive(clap::Args)]
pub(crate) struct Clock {
    #[command(subcommand)]
    pub(crate) change: Option<ClockChange>,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Subcommand)]
pub(crate) enum ClockChange {
    /// Move it forward, and run everything that falls due: 90s, 30m, 24h, 1day 2h.
    Advance {
        /// The time to add.
        #[arg(value_parser = usage::duration)]
        by: humantime::Duration,
    },
    /// Set it.
    Set {
        /// The new time: 2026-01-02T03:04:05Z.
        #[arg(value_parser = usage::time)]
        to: String,
    },
    /// Stop it.
    Freeze,
    /// Let it run at normal speed.
    Run,
}

#[derive(clap::Args)]
pub(crate) struct Faults {
    #[command(subcommand)]
    pub(crate) change: Option<FaultChange>,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Subcommand)]
pub(crate) enum FaultChange {
    /// Add a fault.
    Add {
        /// The fault: reset, empty, close_after_acting, status=503, truncated_at=200, latency=1500 (milliseconds),
        /// 'latency={"uniform":[50,900]}', throttle=500, ..; docs/emulator.md lists them.
        #[arg(value_parser = FaultSpec::parse)]
        fault: FaultSpec,
        /// Affect only calls of this action.
        #[arg(long)]
        action: Option<String>,
        /// Affect only calls with this CertifyId.
        #[arg(long)]
        certify_id: Option<String>,
        /// The share of calls, 0 to 1.
        #[arg(long, value_parser = usage::share)]
        probability: Option<f64>,
        /// How many times. Default: no limit.
        #[arg(long)]
        times: Option<u32>,
    },
    /// Remove all faults.
    Clear,
}

/// A fault as the admin API takes it: `"reset"`, `{"status": 503}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FaultSpec(pub(crate) Value);

impl FaultSpec {
    /// Reads `reset`, `status=503`, `latency=1500` or `latency={"uniform":[50,900]}`.
    fn parse(text: &str) -> Result<Self, InvalidValue> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        // A value that is not JSON is a text, which the fault refuses with what it must be.
        let value: Option<Value> =
            value.map(|text| serde_json::from_str(text).unwrap_or_else(|_| json!(text)));
        let lacks_value = value.is_none();
        let spec = match value {
            None => json!(name),
            Some(time @ Value::Number(_)) if name == "latency" => json!({ name: { "fixed": time } }),
            Some(value) => json!({ name: value }),
        };
        let checked = Fault::parse(&json!({ "fault": spec }).to_string());
        checked.map(drop).map_err(|error| usage::not_a_fault(error, lacks_value))?;
        Ok(Self(spec))
    }
}

/// The values of an enumeration, separated by commas.
fn names<T: ValueEnum>() -> String {
    let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Value {
        FaultSpec::parse(text).unwrap().0
    }

    #[test]
    fn faults_have_a_short_form() {
        assert_eq!(fault("reset"), json!("reset"));
        assert_eq!(fault("status=503"), json!({ "status": 503 }));
        assert_eq!(fault("latency=1500"), json!({ "latency": { "fixed": 1500 } }));
        let uniform = r#"latency={"uniform":[50,900]}"#;
        assert_eq!(fault(uniform), json!({ "latency": { "uniform": [50, 900] } }));
        for wrong in ["status=five", "status", "reset=1", "status=\"five\"", "stauts=503", "=503", ""] {
            assert!(FaultSpec::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_fault_lists_the_faults_of_the_emulator() {
        let error = FaultSpec::parse("stauts=503").unwrap_err().to_string();
        for name in ["latency", "close_unread", "status", "throttle"] {
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
        for (text, en, zh) in [
            (
                "status",
                "must be an HTTP status from 200 to 599; a fault that needs a value",
                "须为 200 至 599",
            ),
            ("status=five", "`status` must be an HTTP status from 200 to 599", "须为 200 至 599"),
            ("status=99", "`status` must be an HTTP status from 200 to 599", "须为 200 至 599"),
            ("truncated_at=-1", "`truncated_at` must be a whole number of bytes, 0 or more", "整数字节数"),
            ("latency=-1", "each TIME in whole milliseconds from 0 to 3600000", "整数毫秒"),
            ("reset=1", "this fault takes no value", "该故障不带值"),
        ] {
            let InvalidValue(said) = FaultSpec::parse(text).unwrap_err();
            assert!(said.en.contains(en) && said.zh.as_ref().unwrap().contains(zh), "{text}: {said:?}");
        }
    }
}
