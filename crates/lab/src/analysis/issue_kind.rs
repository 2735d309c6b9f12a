//! The kinds of data issues, with their texts in English and Chinese: one catalogue for reports and commands.

use cloudauth_policy::Input;

use crate::language::Language;
use crate::tally::issues::IssueKind;

/// The kind of a data issue. Exhaustive on purpose: a program that explains it in another language must handle every kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataIssueKind {
    /// A problem of rows.
    Row(IssueKind),
    /// A segment's value is malformed.
    Segment {
        /// The segment.
        name: String,
    },
    /// No row has a path that the mapping names.
    Absent {
        /// The path.
        path: String,
    },
    /// A segment has too many values to count.
    ManyValues {
        /// The segment.
        segment: String,
        /// The most values.
        limit: usize,
    },
    /// There are too many kinds of attack to count.
    ManyAttacks {
        /// The most kinds.
        limit: usize,
    },
    /// A score is outside the grid.
    OutsideGrid {
        /// The score.
        score: Input,
        /// The top of the grid.
        top: u32,
        /// Whether only rows with a time are counted.
        of_dated: bool,
    },
}

impl DataIssueKind {
    /// Returns the phrase about a row, such as `has no `verify_score``. The match has no wildcard, so that no kind can be forgotten.
    pub(super) fn phrase(&self, language: Language) -> String {
        let (en, zh) = match self {
            Self::Row(kind) => row(*kind),
            Self::Segment { name } => (
                format!("has a value of segment `{name}` that {NOT_KEY}; taken as missing"),
                format!("分群 `{name}` 的值{NOT_KEY_ZH}；视为缺失"),
            ),
            Self::Absent { path } => (
                format!("has no `{path}`, which the mapping names: is it misspelt?"),
                format!("没有映射文件所指的 `{path}`，请检查拼写"),
            ),
            Self::ManyValues { segment, limit } => (
                format!("is not counted by segment `{segment}`, which has more than {limit} values"),
                format!("未按分群 `{segment}` 统计：其取值超过 {limit} 个"),
            ),
            Self::ManyAttacks { limit } => (
                format!("is not counted by kind of attack: there are more than {limit} kinds"),
                format!("未按攻击类型统计：类型超过 {limit} 种"),
            ),
            Self::OutsideGrid { score, top, of_dated } => {
                let (of, zh_of) = if *of_dated {
                    (" (of rows with a time)", "（仅含有时间的行）")
                } else {
                    ("", "")
                };
                (
                    format!(
                        "has a `{score}` outside 0 to {top}, where only the policy's thresholds are counted{of}"
                    ),
                    format!("`{score}` 不在 0 至 {top} 之间，只按策略的阈值统计{zh_of}"),
                )
            }
        };
        if language == Language::Zh { zh } else { en }
    }
}

/// The meaning of [`crate::input::row::NotKey`].
const NOT_KEY: &str = "is not a string or an integer, or is longer than 1 KiB";
const NOT_KEY_ZH: &str = "不是字符串或整数，或超过 1 KiB";

fn row(kind: IssueKind) -> (String, String) {
    let both = |en: &str, zh: &str| (en.to_owned(), zh.to_owned());
    match kind {
        IssueKind::NotJson => both("is not a JSON object", "不是 JSON 对象"),
        IssueKind::NotText => both("is not UTF-8 text", "不是 UTF-8 文本"),
        IssueKind::Twice => both("has a repeated member", "有重复的成员"),
        IssueKind::TooLarge => {
            both("is larger than 1 MiB, more than the client reads", "超过 1 MiB，客户端不会读取")
        }
        IssueKind::Quoting => both("has text after a closing quote", "右引号之后还有文本"),
        IssueKind::Fields => both("has more or fewer fields than the header", "字段数与表头不符"),
        IssueKind::NoCode => both("has no `Code`", "没有 `Code`"),
        IssueKind::NoResult => {
            both("has `Code` 200 and no `ResultObject`", "`Code` 为 200，但没有 `ResultObject`")
        }
        IssueKind::Refused => both("is a refused call", "是被拒绝的调用"),
        IssueKind::Pending => both("is of a verification that had not ended", "对应的认证尚未完成"),
        IssueKind::Document => both(
            "has a text that should hold a JSON object and does not; its values are missing",
            "某个应为 JSON 对象的文本格式有误；其中的值视为缺失",
        ),
        IssueKind::Callback => both(
            "has the SubCode in `passed`, as callbacks do; taken as the SubCode, and `passed` as invalid",
            "`passed` 中是 SubCode（与回调通知相同）；按 SubCode 处理，`passed` 视为无效",
        ),
        IssueKind::Label => both(
            "has a label that the mapping does not name; taken as none",
            "标注未在映射文件中列出；视为无标注",
        ),
        IssueKind::GenuineAttack => {
            both("is labelled genuine and an attack; taken as unlabelled", "同时标注为本人和攻击；视为无标注")
        }
        IssueKind::Attack => (
            format!("has a kind of attack that {NOT_KEY}; taken as unlabelled"),
            format!("攻击类型{NOT_KEY_ZH}；视为无标注"),
        ),
        IssueKind::Subject => (
            format!("has a subject that {NOT_KEY}; taken as missing"),
            format!("用户标识（subject）{NOT_KEY_ZH}；视为缺失"),
        ),
        IssueKind::Id => {
            (format!("has an id that {NOT_KEY}; taken as missing"), format!("ID {NOT_KEY_ZH}；视为缺失"))
        }
        IssueKind::Segment(_) => (
            format!("has a value of a segment that {NOT_KEY}; taken as missing"),
            format!("分群的值{NOT_KEY_ZH}；视为缺失"),
        ),
        IssueKind::Time => both("has an invalid time; counted under no day", "时间无效；不计入任何日期"),
        IssueKind::SecondScore => both(
            "has a malformed score of the second matcher; taken as missing",
            "第二个比对算法的分数格式有误；视为缺失",
        ),
        IssueKind::NotUnderstood(input) => (
            format!("has a malformed `{input}`; taken as invalid or unknown"),
            format!("`{input}` 格式有误；视为无效或未知"),
        ),
        IssueKind::Missing(input) => (format!("has no `{input}`"), format!("没有 `{input}`")),
        IssueKind::Absent => both("lacks a column that the mapping names", "缺少映射文件所指的列"),
        IssueKind::Changed => both(
            "is the last row read of a file that changed while it was read",
            "是读取期间被修改的文件中最后读取的一行",
        ),
    }
}
