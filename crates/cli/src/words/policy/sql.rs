//! Chinese texts for policies and names that SQL cannot express exactly.

use cloudauth::policy::{SqlError, SqlProblem, Unquotable};

use super::hint::suggestion;
use crate::words::{Said, translated};

impl From<SqlError> for Said {
    fn from(error: SqlError) -> Self {
        let zh = chinese(&error);
        translated(error, zh)
    }
}

/// The error. The match has no wildcard, so that no problem can be forgotten.
pub(in crate::words) fn chinese(error: &SqlError) -> String {
    match error.problem() {
        SqlProblem::Name(name, dialect, why) => {
            format!("名称 {name:?} 不能用于 {dialect}：{}", unquotable(*why))
        }
        SqlProblem::Text(text, dialect, why) => {
            format!("文本 {text:?} 不能用于 {dialect}：{}", unquotable(*why))
        }
        SqlProblem::TwoColumns(input) => format!("输入项 `{input}` 指定了两列"),
        SqlProblem::NoInput(name, help) => format!("策略没有输入项 `{name}`；{}", suggestion(help)),
        SqlProblem::NotAScore(input) => format!("`{input}` 不是分数；只有分数可以声明为文本列"),
        SqlProblem::ReservedColumn(name) => {
            format!("不能保留列 `{name}`：前缀 `policy_` 由查询自身使用")
        }
        SqlProblem::KeptTwice(name) => format!("列 `{name}` 重复保留"),
        SqlProblem::TextInSqlite(input) => {
            format!("在 sqlite 中 `{input}` 不能为文本：它读取某些数字时会有微小误差；请存为 REAL")
        }
        SqlProblem::Labels(input) => {
            format!("策略使用标签列表 `{input}`，无法用 SQL 精确表达；请用 `lab replay` 或 Rust 判定这些行")
        }
        SqlProblem::UnknownDialect(text, help) => format!("未知的 SQL 方言 `{text}`；{}", suggestion(help)),
        SqlProblem::LostInput => "条件中的输入项未在策略中声明".to_owned(),
    }
}

fn unquotable(why: Unquotable) -> &'static str {
    match why {
        Unquotable::EmptyOrControl => "为空或含有控制字符",
        Unquotable::Control => "含有控制字符",
        Unquotable::TooLong => "超过 63 字节",
        Unquotable::BackslashOrBacktick => "含有反斜杠或反引号",
        Unquotable::Substitution => "含有 `${`",
        Unquotable::NotPlain => "只能使用字母、数字和 `_`",
        Unquotable::Settings => "其中引号、反斜杠或 `${` 的含义取决于引擎的设置",
    }
}
