//! The cases of policies in Chinese: conditions on inputs.

use cloudauth::policy::{Case, Checked, InputValues};

use crate::words::{Said, spaced, translated};

/// A case. An empty one is every input.
pub(in crate::words) fn chinese(case: &Case) -> String {
    match case.inputs() {
        [] => "所有输入".to_owned(),
        inputs => inputs.iter().map(values).collect::<Vec<_>>().join("，"),
    }
}

/// Values of one input.
pub(crate) fn values(of: &InputValues) -> String {
    match of {
        InputValues::OneOf { input, values } => {
            if let [one] = &values[..]
                && matches!(&**one, "missing" | "invalid")
            {
                return format!("{input} {}", word(one));
            }
            let values: Vec<&str> = values.iter().map(|value| word(value)).collect();
            let (last, others) = values.split_last().map_or(("", &[][..]), |(last, others)| (*last, others));
            let others = others.join("、");
            let or = if others.is_empty() { "" } else { "或" };
            format!("{input} {}", spaced(["为", &others, or, last]))
        }
        InputValues::Label { input, label, present } => {
            let has = if *present { "含有" } else { "不含" };
            match label {
                Some(label) => format!("{input} {}", spaced([has, label])),
                None => format!("{input} {has}未知标签"),
            }
        }
        InputValues::Score { input, invalid, ranges } => {
            let invalid = invalid.then(|| format!("{input} 无效"));
            let ranges = ranges.iter().map(|range| match range {
                (None, None) => format!("{input} 有效"),
                (Some(from), None) => format!("{input} >= {from}"),
                (None, Some(below)) => format!("{input} < {below}"),
                (Some(from), Some(below)) => format!("{from} <= {input} < {below}"),
            });
            invalid.into_iter().chain(ranges).collect::<Vec<_>>().join(" 或 ")
        }
        other => other.to_string(),
    }
}

fn word(value: &str) -> &str {
    match value {
        "unknown" => "未知值",
        "missing" => "缺失",
        "invalid" => "无效",
        value => value,
    }
}

/// The condition of a rule that failed.
pub(crate) fn failed(rule: &Checked<'_>) -> Said {
    let found =
        rule.found.as_ref().map_or_else(|| "缺失或无效".to_owned(), |found| spaced(["为", word(found)]));
    let range = if rule.is_out_of_range { "（超出范围）" } else { "" };
    translated(&rule.failed, format!("{} {found}{range}，需要 {}", rule.input, rule.needs))
}
