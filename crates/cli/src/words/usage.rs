//! Invalid arguments in Chinese: clap says the same in English.

use std::error::Error as _;
use std::fmt;
use std::net::AddrParseError;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use cloudauth_emulator::FaultError;

use super::help::in_chinese;
use super::{Language, Said, Text, both, listed, text, translated, with_original};

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

/// The longest time by which the emulator's clock is advanced, in seconds: a hundred years.
const LONGEST: u64 = 100 * 31_557_600;

const NOT_A_DURATION: Text =
    text("write a time such as 90s, 30m or 1day 2h", "请写作 90s、30m 或 1day 2h 这样的时间");
const TOO_LONG: Text = text("the time must be at most a hundred years", "时间最长一百年");
const NOT_A_SCORE: Text = text("must be a number from 0 to 100", "须为 0 至 100 之间的数字");
const NOT_A_SHARE: Text = text("must be a number from 0 to 1", "须为 0 至 1 之间的数字");
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

/// A fault that the emulator does not know, or whose value is wrong.
pub(crate) fn not_a_fault(error: FaultError, lacks_value: bool) -> Said {
    let (en, zh) = match lacks_value {
        true => {
            ("; a fault that needs a value is written as `status=503`", "；需要值的故障请写作 `status=503`")
        }
        false => ("", ""),
    };
    both(error.problem().en.to_owned() + en, error.problem().zh.to_owned() + zh)
}

/// Reads a score from 0 to 100.
pub(crate) fn score(text: &str) -> Result<f64, InvalidValue> {
    let score = text.parse().ok().filter(|score| (0.0..=100.0).contains(score));
    score.ok_or_else(|| Said::from(NOT_A_SCORE).into())
}

/// Reads a share of all calls.
pub(crate) fn share(text: &str) -> Result<f64, InvalidValue> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| Said::from(NOT_A_SHARE).into())
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

/// The English text of an invalid argument. The reason is in plain words, where clap gives that of Rust.
pub(crate) fn in_english(error: &Error) -> String {
    let text = error.render().to_string();
    match error.source().and_then(|source| Some((not_a_number(source)?, source.to_string()))) {
        Some((reason, source)) => text.replacen(&source, &reason.en, 1),
        None => text,
    }
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
        None => not_a_number(source)
            .map_or_else(|| with_original("格式有误", source), |said| said.zh().to_owned()),
    }
}

const WHOLE: Text = text("must be a whole number, 0 or more", "须为非负整数");
const NUMBER: Text = text("must be a number", "须为数字");
const TOO_LARGE: Text = text("the number is too large", "数值过大");
const TOO_SMALL: Text = text("the number is too small", "数值过小");
const ADDRESS: Text = text("must be an IP address, such as 127.0.0.1", "须为 IP 地址，例如 127.0.0.1");

/// Why a text is not the number or address that clap wants. The range of a number is in clap's text alone.
fn not_a_number(reason: &(dyn std::error::Error + 'static)) -> Option<Said> {
    if let Some(error) = reason.downcast_ref::<ParseIntError>() {
        let said = match error.kind() {
            IntErrorKind::PosOverflow => TOO_LARGE,
            IntErrorKind::NegOverflow => TOO_SMALL,
            _ => WHOLE,
        };
        return Some(said.into());
    }
    if reason.is::<ParseFloatError>() {
        return Some(NUMBER.into());
    }
    if reason.is::<AddrParseError>() {
        return Some(ADDRESS.into());
    }
    let text = reason.to_string();
    let (_, range) = text.split_once(" is not in ")?;
    let (least, most) = range.split_once("..=").or_else(|| range.split_once(".."))?;
    let least = if least.is_empty() { "0" } else { least };
    Some(match most {
        "" => both(format!("must be at least {least}"), format!("最小为 {least}")),
        most => both(format!("must be from {least} to {most}"), format!("须在 {least} 至 {most} 之间")),
    })
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
