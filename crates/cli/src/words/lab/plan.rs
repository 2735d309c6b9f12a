//! Texts of `lab plan`, `lab sweep` and `lab segments`.

use cloudauth_lab::SweepProblem;

use super::super::policy::problem;
use super::super::{Said, Text, both, text};

/// The headings of the tables.
pub(super) const HEADINGS: [Text; 2] = [text("reviews a day", "每日复核"), text("p (Holm)", "p 值（Holm）")];

pub(crate) const NOT_A_SHARE: Text =
    text("expected a share between 0 and 1, such as 0.95 or 95%", "须为 0 至 1 之间的比例，例如 0.95 或 95%");
pub(crate) const NO_DIFFERENCE: Text = text(
    "--only-policy and --only-candidate must differ, and their sum must be at most 1",
    "--only-policy 与 --only-candidate 不能相等，且两者之和不能超过 1",
);
pub(crate) const NO_TEAM: Text = text(
    "--reviews-per-hour and --handling-time must be positive, and the load must be below ten million reviewers",
    "--reviews-per-hour 与 --handling-time 须为正数，且所需复核人员不能超过一千万",
);

pub(crate) fn labels(impostors: &str, errors: u64, target: &str, confidence: &str) -> Said {
    let (en, zh) = match errors {
        0 => ("none of them approved".to_owned(), "且无一被通过".to_owned()),
        errors => (format!("at most {errors} of them approved"), format!("其中至多 {errors} 次被通过")),
    };
    both(
        format!(
            "{impostors} labelled impostors, {en}, prove an FMR of at most {target} with {confidence} confidence\n"
        ),
        format!(
            "以 {confidence} 的置信度证明误识率不超过 {target}：需要 {impostors} 次有标注的冒充尝试，{zh}\n"
        ),
    )
}

pub(crate) fn no_labels(target: &str) -> Said {
    both(
        format!("no number of labelled impostors proves an FMR of at most {target}\n"),
        format!("任何数量的标注都无法证明误识率不超过 {target}\n"),
    )
}

pub(crate) fn attempts(attempts: &str, policy: &str, candidate: &str, power: &str) -> Said {
    both(
        format!(
            "{attempts} labelled attempts show the difference with a probability of {power}, if only the policy decides {policy} of them right and only the candidate {candidate}\n"
        ),
        format!(
            "若仅现行策略判对的占 {policy}，仅候选策略判对的占 {candidate}：需要 {attempts} 次有标注的尝试，才能以 {power} 的概率检出差异\n"
        ),
    )
}

pub(crate) fn too_many_attempts(policy: &str, candidate: &str) -> Said {
    both(
        format!(
            "more than a million changed decisions are needed to show the difference between {policy} and {candidate}\n"
        ),
        format!("要检出 {policy} 与 {candidate} 之间的差异，需要超过一百万次结论变化\n"),
    )
}

pub(crate) fn reviewers(reviewers: &str, within: &str, wait: &str, mean: &str, busy: &str) -> Said {
    both(
        format!(
            "{reviewers} reviewers at the same time: {within} of the reviews wait at most {wait}, {mean} on average; reviewers are busy {busy} of the time\n"
        ),
        format!(
            "同时需要 {reviewers} 名复核人员：{within} 的复核等待不超过 {wait}，平均等待 {mean}；人员忙碌时间占 {busy}\n"
        ),
    )
}

pub(crate) fn sweep(policy: &str, values: &str, threshold: &str, rows: &str) -> Said {
    both(
        format!("{policy} with {values} values of {threshold}, on {rows} rows\n\n"),
        format!("{policy}：{threshold} 取 {values} 个值，共 {rows} 行\n\n"),
    )
}

pub(crate) const CURRENT: Text = text("current", "当前值");

/// A check of the policy that fails with a value.
pub(crate) fn breaks(found: &SweepProblem) -> Said {
    let zh = found.error.problems().first().map(|first| problem::chinese(&first.kind)).unwrap_or_default();
    both(format!("not counted: {} [{}]", found.message, found.rule), format!("未统计：{zh} [{}]", found.rule))
}

pub(crate) fn fails(examples: usize) -> Said {
    let noun = if examples == 1 { "example fails" } else { "examples fail" };
    both(format!("{examples} {noun}"), format!("{examples} 个示例不通过"))
}

pub(crate) fn decided_again(rows: &str) -> Said {
    both(
        format!("\n{rows} rows at exactly a value were decided again with it\n"),
        format!("\n有 {rows} 行的分数恰好等于某个值，已按该值重新判定\n"),
    )
}

pub(crate) const NO_SEGMENTS: Text = text(
    "no segments to compare: name their columns in `segments` of the mapping file; a column has at most 1,000 values",
    "没有可对比的分群：请在映射文件的 `segments` 中给出列名；每列最多 1,000 个取值",
);

pub(crate) fn segments(policy: &str) -> Said {
    both(format!("{policy} by segment\n\n"), format!("{policy}：按分群统计\n\n"))
}

pub(crate) const DIFFERS: Text = text("differs", "有差异");
pub(crate) const TOO_FEW: Text = text("too few to tell", "数量过少，无法判断");
pub(crate) const HOW_COMPARED: Text = text(
    "each value is compared with all others by Fisher's exact test, corrected for the number of values; attempts count as \
     independent, so several attempts of one person make differences look too certain\n",
    "每个取值均以 Fisher 精确检验与其余取值对比，并按取值个数校正；各次尝试视为相互独立，同一人多次尝试会夸大差异的显著性\n",
);

/// The highest rate against the lowest.
pub(crate) fn largest(highest: &str, lowest: &str, ratio: &str, difference: &str) -> Said {
    both(
        format!("largest gap: {highest} against {lowest}, ratio {ratio}, difference {difference}\n"),
        format!("最大差距：{highest} 对比 {lowest}，比值 {ratio}，差值 {difference}\n"),
    )
}
