//! Reads and checks faults. Errors say in plain words what a value must be.

use std::fmt;

use cloudauth_protocol::Bilingual;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::fault::{Fault, FaultKind, LONGEST_TIME, Latency};
use crate::http::both;

/// The error of a fault that cannot be read or cannot happen, in English and Chinese. It quotes no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultError(Bilingual);

impl FaultError {
    /// Returns the problem in both languages.
    #[must_use]
    pub const fn problem(&self) -> Bilingual {
        self.0
    }
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid fault: {}", self.0.en)
    }
}

impl std::error::Error for FaultError {}

/// The actions that the emulator carries out.
const ACTIONS: [&str; 3] = ["InitFaceVerify", "DescribeFaceVerify", "DeleteFaceVerifyResult"];
/// The most bytes of white space.
const MOST_PADDING: usize = 64 << 20;
/// The largest shift of the `Date` header, in seconds: a hundred years.
const LARGEST_SHIFT: u64 = 100 * 31_557_600;

const NOT_JSON: Bilingual = both("a fault must be valid JSON", "故障须为有效的 JSON");
const FIELDS: Bilingual = both(
    "a fault must be an object with `fault`, and optionally `action`, `order`, `certify_id`, `probability` and `times`, each once",
    "故障须为对象，包含 `fault`，可选 `action`、`order`、`certify_id`、`probability` 和 `times`，各出现一次",
);
const KIND: Bilingual = both(
    "`fault` must be the name of a fault, or an object with one name and its value",
    "`fault` 须为故障名，或由一个故障名及其值组成的对象",
);
const UNKNOWN: Bilingual = both(
    "unknown fault; the faults are `latency`, `close_unread`, `close_before_acting`, `close_after_acting`, `reset`, \
     `truncated_at`, `dribble`, `status`, `html_bad_gateway`, `empty`, `malformed_json`, `wrong_content_type`, \
     `invalid_utf8`, `duplicate_keys`, `padded`, `wrong_date` and `throttle`",
    "未知的故障；可用的有 `latency`、`close_unread`、`close_before_acting`、`close_after_acting`、`reset`、\
     `truncated_at`、`dribble`、`status`、`html_bad_gateway`、`empty`、`malformed_json`、`wrong_content_type`、\
     `invalid_utf8`、`duplicate_keys`、`padded`、`wrong_date` 和 `throttle`",
);
const WITHOUT_VALUE: Bilingual = both("this fault takes no value", "该故障不带值");
const ACTION: Bilingual = both(
    "`action` must be InitFaceVerify, DescribeFaceVerify or DeleteFaceVerifyResult",
    "`action` 须为 InitFaceVerify、DescribeFaceVerify 或 DeleteFaceVerifyResult",
);
const ORDER: Bilingual = both("`order` must be text", "`order` 须为文本");
const CERTIFY_ID: Bilingual = both("`certify_id` must be text", "`certify_id` 须为文本");
const PROBABILITY: Bilingual =
    both("`probability` must be a number from 0 to 1", "`probability` 须为 0 至 1 之间的数字");
const TIMES: Bilingual =
    both("`times` must be a whole number from 1 to 4294967295", "`times` 须为 1 至 4294967295 之间的整数");
const LATENCY: Bilingual = both(
    "`latency` must be {\"fixed\": TIME}, {\"uniform\": [TIME, TIME]} or {\"log_normal\": {\"median\": TIME, \"sigma\": \
     NUMBER}}, each TIME in whole milliseconds from 0 to 3600000",
    "`latency` 须为 {\"fixed\": 时间}、{\"uniform\": [时间, 时间]} 或 {\"log_normal\": {\"median\": 时间, \"sigma\": \
     数字}}，时间为 0 至 3600000 的整数毫秒",
);
const SIGMA: Bilingual = both("`sigma` must be from 0 to 10", "`sigma` 须在 0 至 10 之间");
const UNIFORM: Bilingual = both(
    "the first time of `uniform` must not be longer than the second",
    "`uniform` 的第一个时间不能长于第二个",
);
const TRUNCATED_AT: Bilingual = both(
    "`truncated_at` must be a whole number of bytes, 0 or more",
    "`truncated_at` 须为不小于 0 的整数字节数",
);
const DRIBBLE: Bilingual =
    both("`dribble` must be whole milliseconds from 0 to 3600000", "`dribble` 须为 0 至 3600000 的整数毫秒");
const STATUS: Bilingual =
    both("`status` must be an HTTP status from 200 to 599", "`status` 须为 200 至 599 的 HTTP 状态码");
const PADDED: Bilingual = both(
    "`padded` must be a whole number of bytes from 0 to 67108864 (64 MiB)",
    "`padded` 须为 0 至 67108864（64 MiB）的整数字节数",
);
const WRONG_DATE: Bilingual = both(
    "`wrong_date` must be whole seconds from -3155760000 to 3155760000 (100 years)",
    "`wrong_date` 须为 -3155760000 至 3155760000（100 年）的整数秒",
);
const THROTTLE: Bilingual = both(
    "`throttle` must be whole milliseconds from 0 to 3600000",
    "`throttle` 须为 0 至 3600000 的整数毫秒",
);

/// The faults with a value, and what it must be.
const VALUES: [(&str, Bilingual); 7] = [
    ("latency", LATENCY),
    ("truncated_at", TRUNCATED_AT),
    ("dribble", DRIBBLE),
    ("status", STATUS),
    ("padded", PADDED),
    ("wrong_date", WRONG_DATE),
    ("throttle", THROTTLE),
];

impl Fault {
    /// Reads a fault from JSON, as the admin API takes it, and checks it.
    ///
    /// ```
    /// use cloudauth_emulator::{Fault, FaultKind};
    ///
    /// let fault = Fault::parse(r#"{"fault": {"status": 503}, "times": 2}"#)?;
    /// assert_eq!(fault, Fault::new(FaultKind::Status(503)).times(2));
    /// let error = Fault::parse(r#"{"fault": {"truncated_at": -1}}"#).unwrap_err();
    /// assert_eq!(error.problem().en, "`truncated_at` must be a whole number of bytes, 0 or more");
    /// # Ok::<(), cloudauth_emulator::FaultError>(())
    /// ```
    ///
    /// # Errors
    /// If the document is not a fault, or the fault cannot happen. The error says what the first wrong value must be.
    pub fn parse(json: &str) -> Result<Self, FaultError> {
        let fields: Fields = serde_json::from_str(json)
            .map_err(|error| FaultError(if error.is_data() { FIELDS } else { NOT_JSON }))?;
        let fault = Self {
            kind: kind_of(fields.fault.get())?,
            action: field(fields.action, ACTION)?,
            order: field(fields.order, ORDER)?,
            certify_id: field(fields.certify_id, CERTIFY_ID)?,
            probability: field(fields.probability, PROBABILITY)?.unwrap_or(1.0),
            left: field(fields.times, TIMES)?,
        };
        fault.check().map(|()| fault)
    }

    /// Checks that the fault can happen: its action is one of the emulator's, and its numbers are in range. The admin API,
    /// [`Builder::start`](crate::Builder::start) and [`Emulator::inject`](crate::Emulator::inject) do so too.
    ///
    /// # Errors
    /// If not. The error names the field and its range.
    pub fn check(&self) -> Result<(), FaultError> {
        if self.action.as_ref().is_some_and(|action| !ACTIONS.contains(&action.as_str())) {
            return Err(FaultError(ACTION));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(FaultError(PROBABILITY));
        }
        if self.left == Some(0) {
            return Err(FaultError(TIMES));
        }
        self.kind.check().map_err(FaultError)
    }
}

/// A fault as JSON. Its values are read one by one, so that an error can say what each must be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'j> {
    #[serde(borrow)]
    fault: &'j RawValue,
    action: Option<Value>,
    order: Option<Value>,
    certify_id: Option<Value>,
    probability: Option<Value>,
    times: Option<Value>,
}

/// Reads an optional field.
fn field<T: DeserializeOwned>(value: Option<Value>, must_be: Bilingual) -> Result<Option<T>, FaultError> {
    Option::deserialize(value.unwrap_or_default()).map_err(|_| FaultError(must_be))
}

/// Reads a kind of fault: a name, or an object with a name and its value.
fn kind_of(json: &str) -> Result<FaultKind, FaultError> {
    serde_json::from_str(json).map_err(|_| {
        let (name, has_value) = match serde_json::from_str(json) {
            Ok(Value::String(name)) => (name, false),
            Ok(Value::Object(one)) if one.len() == 1 => (one.into_iter().next().unwrap_or_default().0, true),
            _ => return FaultError(KIND),
        };
        let must_be = VALUES.iter().find(|(found, _)| *found == name).map(|(_, must_be)| *must_be);
        let is_known = || FaultKind::deserialize(Value::String(name)).is_ok();
        FaultError(must_be.unwrap_or(if has_value && is_known() { WITHOUT_VALUE } else { UNKNOWN }))
    })
}

impl FaultKind {
    fn check(self) -> Result<(), Bilingual> {
        let (time, must_be) = match self {
            Self::Status(status) if !(200..600).contains(&status) => return Err(STATUS),
            Self::Padded(bytes) if bytes > MOST_PADDING => return Err(PADDED),
            Self::WrongDate(seconds) if seconds.unsigned_abs() > LARGEST_SHIFT => return Err(WRONG_DATE),
            Self::Latency(Latency::LogNormal { sigma, .. }) if !(0.0..=10.0).contains(&sigma) => {
                return Err(SIGMA);
            }
            Self::Latency(Latency::Uniform(least, most)) if least > most => return Err(UNIFORM),
            Self::Latency(Latency::Fixed(time) | Latency::Uniform(_, time)) => (time, LATENCY),
            Self::Latency(Latency::LogNormal { median, .. }) => (median, LATENCY),
            Self::Dribble(time) => (time, DRIBBLE),
            Self::Throttle(time) => (time, THROTTLE),
            Self::Status(_) | Self::Padded(_) | Self::WrongDate(_) | Self::TruncatedAt(_) => return Ok(()),
            Self::CloseUnread | Self::CloseBeforeActing | Self::CloseAfterActing | Self::Reset => {
                return Ok(());
            }
            Self::HtmlBadGateway | Self::Empty | Self::MalformedJson | Self::WrongContentType => {
                return Ok(());
            }
            Self::InvalidUtf8 | Self::DuplicateKeys => return Ok(()),
        };
        if time > LONGEST_TIME { Err(must_be) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_value_out_of_range_is_named_with_its_range() {
        let millis = Duration::from_millis;
        let hours = Duration::from_secs(3601);
        let fault = || Fault::new(FaultKind::Reset);
        let latency = |latency| Fault::new(FaultKind::Latency(latency));
        let normal = |sigma| Latency::LogNormal { median: millis(1), sigma };
        for (fault, expected) in [
            (fault().action("DescribeFaceVerfy"), "`action` must be InitFaceVerify, "),
            (fault().probability(2.0), "`probability` must be a number from 0 to 1"),
            (fault().probability(-0.1), "`probability` must be a number from 0 to 1"),
            (fault().probability(f64::NAN), "`probability` must be a number from 0 to 1"),
            (fault().times(0), "`times` must be a whole number from 1"),
            (Fault::new(FaultKind::Status(99)), "`status` must be an HTTP status from 200 to 599"),
            (Fault::new(FaultKind::Status(600)), "`status` must be an HTTP status from 200 to 599"),
            (
                Fault::new(FaultKind::Padded(usize::MAX)),
                "`padded` must be a whole number of bytes from 0 to 67108864 (64 MiB)",
            ),
            (
                Fault::new(FaultKind::WrongDate(i64::MIN)),
                "`wrong_date` must be whole seconds from -3155760000 to 3155760000 (100 years)",
            ),
            (Fault::new(FaultKind::Dribble(hours)), "`dribble` must be whole milliseconds from 0 to 3600000"),
            (
                Fault::new(FaultKind::Throttle(hours)),
                "`throttle` must be whole milliseconds from 0 to 3600000",
            ),
            (latency(Latency::Fixed(hours)), "each TIME in whole milliseconds from 0 to 3600000"),
            (latency(Latency::Uniform(millis(2), millis(1))), "the first time of `uniform`"),
            (latency(normal(-0.5)), "`sigma` must be from 0 to 10"),
            (latency(normal(f64::INFINITY)), "`sigma` must be from 0 to 10"),
        ] {
            let error = fault.check().unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        for fault in [
            fault().action("InitFaceVerify").probability(0.0).times(1),
            Fault::new(FaultKind::Status(599)).probability(1.0),
            Fault::new(FaultKind::WrongDate(-3600)),
            latency(normal(0.5)),
        ] {
            assert_eq!(fault.check(), Ok(()));
        }
    }

    /// The names of serde, which reads and writes them.
    fn names() -> Vec<String> {
        let error = serde_json::from_str::<FaultKind>("\"\"").unwrap_err().to_string();
        let (_, list) = error.split_once("expected one of ").unwrap();
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_list_of_faults_names_each_of_them() {
        let in_backticks = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let listed: [Vec<String>; 2] = [UNKNOWN.en, UNKNOWN.zh].map(in_backticks);
        assert_eq!(listed, [names(), names()]);
        // A fault without an entry takes no value.
        for name in names() {
            let has_value = serde_json::from_value::<FaultKind>(Value::String(name.clone())).is_err();
            assert_eq!(has_value, VALUES.iter().any(|(known, _)| *known == name), "{name}");
        }
    }

    #[test]
    fn a_wrong_value_is_told_with_what_it_must_be() {
        for (json, problem) in [
            ("{", NOT_JSON),
            ("[]", FIELDS),
            ("{}", FIELDS),
            (r#"{"fault":"reset","fault":"empty"}"#, FIELDS),
            (r#"{"fault":{"status":500,"status":503}}"#, STATUS),
            (r#"{"fault":"reset","tims":1}"#, FIELDS),
            (r#"{"fault":5}"#, KIND),
            (r#"{"fault":{"status":500,"reset":null}}"#, KIND),
            (r#"{"fault":"stauts"}"#, UNKNOWN),
            (r#"{"fault":{"stauts":503}}"#, UNKNOWN),
            (r#"{"fault":{"reset":1}}"#, WITHOUT_VALUE),
            (r#"{"fault":{"truncated_at":-1}}"#, TRUNCATED_AT),
            (r#"{"fault":{"truncated_at":1.5}}"#, TRUNCATED_AT),
            (r#"{"fault":"truncated_at"}"#, TRUNCATED_AT),
            (r#"{"fault":{"dribble":"20"}}"#, DRIBBLE),
            (r#"{"fault":{"status":70000}}"#, STATUS),
            (r#"{"fault":{"status":99}}"#, STATUS),
            (r#"{"fault":{"padded":67108865}}"#, PADDED),
            (r#"{"fault":{"wrong_date":1e300}}"#, WRONG_DATE),
            (r#"{"fault":{"throttle":null}}"#, THROTTLE),
            (r#"{"fault":{"latency":5}}"#, LATENCY),
            (r#"{"fault":{"latency":{"uniform":[1,2,3]}}}"#, LATENCY),
            (r#"{"fault":{"latency":{"uniform":[2,1]}}}"#, UNIFORM),
            (r#"{"fault":{"latency":{"log_normal":{"median":1,"sigma":-1}}}}"#, SIGMA),
            (r#"{"fault":"reset","action":5}"#, ACTION),
            (r#"{"fault":"reset","order":5}"#, ORDER),
            (r#"{"fault":"reset","certify_id":[]}"#, CERTIFY_ID),
            (r#"{"fault":"reset","probability":"x"}"#, PROBABILITY),
            (r#"{"fault":"reset","times":0}"#, TIMES),
            (r#"{"fault":"reset","times":4294967296}"#, TIMES),
        ] {
            assert_eq!(Fault::parse(json), Err(FaultError(problem)), "{json}");
        }
        let all = r#"{"fault":{"latency":{"fixed":5}},"action":"InitFaceVerify","order":"1","certify_id":"a","probability":0.5,"times":null}"#;
        let expected = Fault::new(FaultKind::Latency(Latency::Fixed(Duration::from_millis(5))));
        let expected = expected.action("InitFaceVerify").order("1").certify_id("a").probability(0.5);
        assert_eq!(Fault::parse(all), Ok(expected));
    }
}
