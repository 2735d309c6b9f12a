//! Invalid arguments in Chinese: clap says the same in English.

use std::error::Error as _;
use std::fmt;
use std::net::AddrParseError;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use cloudauth::mask_parse_error;

use super::help::in_chinese;
use super::{Language, Said, Text, both, known, listed, text, translated, with_original};

/// Why the value of an argument is invalid, in both languages.
#[derive(Debug)]
pub(crate) struct InvalidValue(pub(crate) Said);

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.en)
    }
}

impl std::error::Error for InvalidValue {}

impl From<Said> for InvalidValue {
    fn from(said: Said) -> Self {
        Self(said)
    }
}

/// What `--version` prints after the name. Releases set `CLOUDAUTH_BUILD` to the commit that they build.
pub(crate) fn version(language: Language) -> String {
    let features = [
        ("audit", cfg!(feature = "audit")),
        ("lab", cfg!(feature = "lab")),
        ("parquet", cfg!(feature = "parquet")),
        ("rustls", cfg!(feature = "rustls")),
        ("shell", cfg!(feature = "shell")),
        ("sqlite", cfg!(feature = "sqlite")),
    ];
    let features: Vec<_> = features.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect();
    let features = if features.is_empty() { "-".to_owned() } else { features.join(", ") };
    let build = option_env!("CLOUDAUTH_BUILD").unwrap_or("local");
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let system = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let (of_features, of_build) =
        (language.of(text("features: ", "特性：")), language.of(text("build: ", "构建：")));
    format!("{}\n{of_features}{features}\n{of_build}{build}, {profile}, {system}", env!("CARGO_PKG_VERSION"))
}

pub(crate) fn not_an_outcome(ends: &str, callbacks: &str) -> Said {
    both(
        format!("expected a SubCode (200, 204, ..) or one of {ends}, {callbacks}"),
        format!("须为 SubCode（200、204 等），或 {} 之一", listed(&format!("{ends}, {callbacks}"))),
    )
}

pub(crate) fn not_a_fault_value() -> Said {
    both(
        "the value of a fault is a number, as in `status=503`, or JSON".to_owned(),
        "故障的值须为数字（例如 `status=503`）或 JSON".to_owned(),
    )
}

/// The longest time by which the emulator's clock is advanced, in seconds: a hundred years.
const LONGEST: u64 = 100 * 31_557_600;

const NOT_A_DURATION: Text =
    text("write a time such as 90s, 30m or 1day 2h", "请写作 90s、30m 或 1day 2h 这样的时间");
const TOO_LONG: Text = text("the time must be at most a hundred years", "时间最长一百年");
const NOT_A_TIME: Text =
    text("write a time such as 2026-01-02T03:04:05Z", "请写作 2026-01-02T03:04:05Z 这样的时间");

/// Reads a time such as `90s`, without the text of the library's error, which may quote the value.
pub(crate) fn duration(text: &str) -> Result<humantime::Duration, InvalidValue> {
    match text.parse::<humantime::Duration>() {
        Ok(time) if time.as_secs() <= LONGEST => Ok(time),
        Ok(_) => Err(Said::from(TOO_LONG).into()),
        Err(_) => Err(Said::from(NOT_A_DURATION).into()),
    }
}

/// Reads a time such as `2026-01-02T03:04:05Z`, and returns its text.
pub(crate) fn time(text: &str) -> Result<String, InvalidValue> {
    humantime::parse_rfc3339(text).map(|_| text.to_owned()).map_err(|_| Said::from(NOT_A_TIME).into())
}

/// A fault that the emulator does not know. The reason is that of serde, without the value.
pub(crate) fn not_a_fault(reason: impl fmt::Display, lacks_value: bool) -> Said {
    let reason = reason.to_string();
    let reason = mask_parse_error(&reason);
    let (en, zh) = match lacks_value {
        true => {
            ("; a fault that needs a value is written as `status=503`", "；需要值的故障请写作 `status=503`")
        }
        false => ("", ""),
    };
    let what = match known::serde(&reason) {
        Some(zh) => format!("不是有效的故障：{zh}"),
        None if lacks_value => "该故障缺少值".to_owned(),
        None => with_original("该故障的值不适用", &reason),
    };
    translated(format!("{reason}{en}"), what + zh)
}

pub(crate) fn not_a_column() -> Said {
    both("write it as INPUT=COLUMN".to_owned(), "请写作 INPUT=COLUMN（输入项=列名）".to_owned())
}

/// An input that does not exist. The English is that of the library.
pub(crate) fn unknown_input(error: impl fmt::Display, names: &str) -> Said {
    translated(error, format!("未知的输入项：可用的有 {}", listed(names)))
}

/// Hides what was typed: a name or an ID number may stand where something else belongs. A word that has the form of an
/// option is kept. The closest suggestion comes first.
pub(crate) fn without_values(mut error: Error, language: Language) -> Error {
    let hidden = language.of(NOT_SHOWN).to_owned();
    let is_option = |text: &str| {
        let name = text.trim_start_matches('-');
        text.starts_with('-') && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let hides = |kind, value: &ContextValue| match (kind, value) {
        (ContextKind::InvalidValue, ContextValue::String(text)) => !text.is_empty(),
        (ContextKind::InvalidSubcommand, _) => error.kind() == ErrorKind::InvalidSubcommand,
        (ContextKind::InvalidArg, ContextValue::String(text)) => {
            error.kind() == ErrorKind::UnknownArgument && !is_option(text)
        }
        _ => false,
    };
    let kinds: Vec<ContextKind> =
        error.context().filter(|(kind, value)| hides(*kind, value)).map(|(kind, _)| kind).collect();
    for kind in &kinds {
        error.insert(*kind, ContextValue::String(hidden.clone()));
    }
    if !kinds.is_empty() {
        // A tip to pass the word as a value, which repeats it.
        error.remove(ContextKind::Suggested);
    }
    if let Some(ContextValue::Strings(near)) = error.remove(ContextKind::SuggestedSubcommand) {
        let near = ContextValue::Strings(near.into_iter().rev().collect());
        error.insert(ContextKind::SuggestedSubcommand, near);
    }
    error
}

/// The English error of a number out of range without the number, which clap writes into the reason.
pub(crate) fn without_number(error: &str) -> Option<String> {
    let (before, range) = error.split_once(" is not in ")?;
    let before = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    Some(format!("{before}it is not in {range}"))
}

const NOT_SHOWN: Text = text("(not shown)", "（不显示）");

/// The error of invalid arguments, with the usage of the command.
pub(crate) fn refused(error: &Error) -> String {
    let mut text =
        format!("错误：{}\n", sentence(error).unwrap_or_else(|| with_original("参数有误", error.kind())));
    for (kind, found) in [
        (ContextKind::SuggestedArg, "相近的选项"),
        (ContextKind::SuggestedSubcommand, "相近的命令"),
        (ContextKind::SuggestedValue, "相近的值"),
    ] {
        let near = all(error, kind).unwrap_or_default();
        if !near.is_empty() {
            text += &format!("\n  提示：{found}：{near}\n");
        }
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        text += &format!("\n用法：{}\n", in_chinese(&usage.to_string()));
    }
    text + "\n使用 --help 查看帮助。"
}

fn sentence(error: &Error) -> Option<String> {
    let arg = || all(error, ContextKind::InvalidArg);
    let value = || all(error, ContextKind::InvalidValue);
    Some(match error.kind() {
        ErrorKind::InvalidValue => match value().filter(|value| !value.is_empty()) {
            None => format!("{} 缺少值{}", arg()?, choices(error, ContextKind::ValidValue)),
            Some(value) => {
                format!("{} 的值 '{value}' 无效{}", arg()?, choices(error, ContextKind::ValidValue))
            }
        },
        ErrorKind::ValueValidation => format!("{} 的值 '{}' 无效：{}", arg()?, value()?, reason(error)),
        ErrorKind::UnknownArgument => format!("不支持的参数 '{}'", arg()?),
        ErrorKind::InvalidSubcommand => format!("没有命令 '{}'", all(error, ContextKind::InvalidSubcommand)?),
        ErrorKind::NoEquals => format!("{} 的值须以等号给出", arg()?),
        ErrorKind::TooManyValues => format!("{} 多出一个值 '{}'", arg()?, value()?),
        ErrorKind::TooFewValues => {
            format!("{} 的值不足：至少需要 {} 个", arg()?, all(error, ContextKind::MinValues)?)
        }
        ErrorKind::WrongNumberOfValues => {
            format!("{} 需要 {} 个值", arg()?, all(error, ContextKind::ExpectedNumValues)?)
        }
        ErrorKind::ArgumentConflict => {
            let (arg, prior) = (arg()?, all(error, ContextKind::PriorArg));
            match prior.filter(|prior| *prior != arg) {
                Some(prior) => format!("{arg} 不能与 {prior} 同时使用"),
                None => format!("{arg} 只能给出一次"),
            }
        }
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数：{}", arg()?),
        ErrorKind::MissingSubcommand => format!(
            "{} 需要子命令{}",
            all(error, ContextKind::InvalidSubcommand)?,
            choices(error, ContextKind::ValidSubcommand)
        ),
        ErrorKind::InvalidUtf8 => "参数不是有效的 UTF-8 文本".to_owned(),
        _ => return None,
    })
}

/// The reason that the reader of a value gave.
fn reason(error: &Error) -> String {
    let Some(source) = error.source() else { return "格式有误".to_owned() };
    match source.downcast_ref::<InvalidValue>() {
        Some(InvalidValue(said)) => said.zh().to_owned(),
        #[cfg(feature = "lab")]
        None if source.is::<cloudauth_lab::LabError>() => {
            source.downcast_ref().map(super::lab_error::chinese).unwrap_or_default()
        }
        None => number(source),
    }
}

/// Why a text is not the number, address or time that clap wants. clap has the range of a number in its text alone.
fn number(error: &(dyn std::error::Error + 'static)) -> String {
    let text = error.to_string();
    if let Some((_, range)) = text.split_once(" is not in ")
        && let Some((least, most)) = range.split_once("..=").or_else(|| range.split_once(".."))
    {
        let least = if least.is_empty() { "0" } else { least };
        return match most {
            "" => format!("最小为 {least}"),
            most => format!("须在 {least} 至 {most} 之间"),
        };
    }
    if let Some(error) = error.downcast_ref::<ParseIntError>() {
        return match error.kind() {
            IntErrorKind::PosOverflow => "数值过大",
            IntErrorKind::NegOverflow => "数值过小",
            _ => "须为非负整数",
        }
        .to_owned();
    }
    if error.is::<ParseFloatError>() {
        return "须为数字".to_owned();
    }
    if error.is::<AddrParseError>() {
        return "须为 IP 地址".to_owned();
    }
    with_original("格式有误", text)
}

fn choices(error: &Error, kind: ContextKind) -> String {
    let all = all(error, kind).filter(|all| !all.is_empty());
    all.map(|all| format!("；可选：{all}")).unwrap_or_default()
}

fn all(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(one) => Some(one.clone()),
        ContextValue::Strings(all) => Some(all.join("、")),
        ContextValue::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
