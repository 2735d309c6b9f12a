//! What the lab says about rows, files and targets. No match has a wildcard, so that no kind can be forgotten.

use cloudauth_lab::{
    DataIssue, Language, MatcherFinding, Skipped, TargetReason, Warning, WarningFigures, WarningKind,
};

use super::{Said, both, translated};

/// Why a file was not read. The lab has the texts in both languages.
pub(crate) fn skipped(skipped: &Skipped) -> Said {
    both(skipped.text(Language::En), skipped.text(Language::Zh))
}

/// A data issue, as a phrase about a row. The lab has the texts in both languages.
pub(crate) fn issue(issue: &DataIssue) -> Said {
    both(issue.text(Language::En), issue.text(Language::Zh))
}

/// What a comparison of two matchers found. The lab has the texts in both languages.
pub(crate) fn matcher_finding(finding: MatcherFinding) -> Said {
    let line = |language| format!("{}\n", finding.text(language));
    both(line(Language::En), line(Language::Zh))
}

/// A reason to doubt the labels or the scores.
pub(crate) fn warning(warning: &Warning) -> Said {
    let problem = match warning.kind {
        WarningKind::LabelsSwapped => "本人的分数低于冒充者：标注是否颠倒？",
        WarningKind::NoSeparation => "分数无法区分本人与冒充者",
        WarningKind::ScaleTo1 => "不超过 1：分数范围是否为 0 至 1，而不是 0 至 100？",
        WarningKind::ScaleTo10 => "不超过 10：分数范围是否为 0 至 10，而不是 0 至 100？",
        WarningKind::MostlyWithoutScore => "分数范围是否不同？",
    };
    let zh = match warning.figures {
        WarningFigures::Auc(auc) => format!("AUC 为 {auc:.3}：{problem}"),
        WarningFigures::Scale { percent, of_genuine } => {
            let of = if of_genuine { "本人的分数" } else { "全部分数" };
            format!("{percent}% 的{of}{problem}")
        }
        WarningFigures::WithoutScore { percent, range: (least, most) } => {
            format!("{percent}% 的本人尝试没有 {least} 至 {most} 之间的分数：{problem}")
        }
    };
    translated(warning, zh)
}

/// Why a threshold is recommended for a target, or why none is.
pub(crate) fn reason(reason: &TargetReason) -> Said {
    let zh = match reason {
        TargetReason::OutsideGrid { scores } => format!("无法得出：{scores} 个分数不在 0 至 100 之间"),
        TargetReason::TooFewImpostors { target, one_in, have, need: Some(need) } => format!(
            "数据不足以支持 {target}：需要 {need} 个无一误识的冒充者标注（约 {one_in:.0} 的 3 倍），现有 {have} 个"
        ),
        TargetReason::TooFewImpostors { target, need: None, .. } => {
            format!("任何数量的数据都不足以支持 {target}")
        }
        TargetReason::NoThreshold => "100 以内没有阈值能够达到".to_owned(),
        TargetReason::TooFewPeople { impostors, people } => {
            format!("按人不可证明：{impostors} 次冒充来自 {people} 人，部分人多次尝试，人数过少")
        }
        TargetReason::FrequentImpostors => "不可证明：部分有用户标识的冒充者多次尝试".to_owned(),
        TargetReason::LabelsStop { below, threshold } => {
            format!("标注在 {below} 分以下中断：该分数以下很少标注，而 {threshold} 将以其为依据")
        }
        TargetReason::Withheld(warning) => format!("暂不建议：{}", self::warning(warning).zh()),
        TargetReason::Kept { threshold, impostors, reach, allowed } => {
            format!(
                "{threshold} 可以达到：{impostors} 次冒充中有 {reach} 次达到该分数，最多允许 {allowed} 次"
            )
        }
        TargetReason::KeptOverPeople { threshold, impostors, people, reach } => {
            format!("{threshold} 按人可以达到：{people} 人的 {impostors} 次冒充中有 {reach} 次达到该分数")
        }
        TargetReason::KeptWithoutSubject { threshold, impostors, reach } => format!(
            "若没有用户标识的各次尝试相互独立，{threshold} 可以达到：{impostors} 次冒充中有 {reach} 次达到该分数"
        ),
    };
    translated(reason, zh)
}
