//! The files and folders without a part in a run, and why.

use std::fmt;
use std::path::PathBuf;

use crate::language::Language;

/// A file or folder that is not read, or that has no rows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Its path.
    pub path: PathBuf,
    /// The reason.
    pub reason: SkipReason,
}

/// Why a file or folder has no part in a run. Exhaustive on purpose: a program that explains it in another language must handle every
/// reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Its name begins with `.` or `_`: hidden, temporary or uncommitted. Partition folders such as `_x=1` are read.
    Hidden,
    /// Its name has no extension of a format that can be read.
    UnknownFormat,
    /// The same file or folder was found before, under this path.
    SameAs(PathBuf),
    /// A symbolic link whose target does not exist, or that leads back to itself.
    BrokenLink,
    /// A pipe, socket or device.
    NotAFile,
    /// It was read, and has no rows.
    Empty,
}

impl Skipped {
    /// Returns the path and the reason in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let path = self.path.display();
        match language {
            Language::En => format!("{path}: {}", self.reason.text(language)),
            Language::Zh => format!("{path}：{}", self.reason.text(language)),
        }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::En))
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::En))
    }
}

impl SkipReason {
    fn text(&self, language: Language) -> String {
        let (en, zh) = match self {
            Self::Hidden => ("the name begins with `.` or `_`", "名称以 `.` 或 `_` 开头"),
            Self::UnknownFormat => ("unknown format", "未知的格式"),
            Self::SameAs(first) => {
                let first = first.display();
                return match language {
                    Language::En => format!("the same as {first}"),
                    Language::Zh => format!("与 {first} 相同"),
                };
            }
            Self::BrokenLink => ("broken link", "链接已失效"),
            Self::NotAFile => ("not a regular file", "不是普通文件"),
            Self::Empty => ("no rows", "没有数据行"),
        };
        if language == Language::Zh { zh } else { en }.to_owned()
    }
}
