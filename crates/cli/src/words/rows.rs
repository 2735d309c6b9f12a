//! What the lab says about rows, files and targets, in Chinese. The library says it in English. No match has a wildcard, so that
//! no kind can be forgotten.

use cloudauth_lab::{
    DataIssue, DataIssueKind, IssueKind, SkipReason, Skipped, TargetReason, Warning, WarningFigures,
    WarningKind,
};

use super::{Said, translated};

/// Why a file was not read.
pub(crate) fn skipped(skipped: &Skipped) -> Said {
    let reason = match &skipped.reason {
        SkipReason::Hidden => "名称以 `.` 或 `_` 开头".to_owned(),
        SkipReason::UnknownFormat => "未知的格式".to_owned(),
        SkipReason::SameAs(first) => format!("与 {} 相同", first.display()),
        SkipReason::BrokenLink => "链接已失效".to_owned(),
        SkipReason::NotAFile => "不是普通文件".to_owned(),
    };
    translated(skipped, format!("{}：{reason}", skipped.path.display()))
}

/// A data issue, as a phrase about a row.
pub(crate) fn issue(issue: &DataIssue) -> Said {
    let zh = match &issue.kind {
        DataIssueKind::Row(kind) => row(*kind),
        DataIssueKind::Segment { name } => format!("分群 `{name}` 的值{NOT_KEY}；视为缺失"),
        DataIssueKind::Absent { path } => format!("没有映射文件所指的 `{path}`，请检查拼写"),
        DataIssueKind::ManyValues { segment, limit } => {
            format!("未按分群 `{segment}` 统计：其取值超过 {limit} 个")
        }
        DataIssueKind::ManyAttacks { limit } => format!("未按攻击类型统计：类型超过 {limit} 种"),
        DataIssueKind::OutsideGrid { score, top, of_dated } => {
            let dated = if *of_dated { "（仅含有时间的行）" } else { "" };
            format!("`{score}` 不在 0 至 {top} 之间，只按策略的阈值统计{dated}")
        }
    };
    translated(&issue.message, zh)
}

const NOT_KEY: &str = "不是字符串或整数，或超过 1 KiB";

fn row(kind: IssueKind) -> String {
    let fixed = match kind {
        IssueKind::NotJson => "不是 JSON 对象",
        IssueKind::NotText => "不是 UTF-8 文本",
        IssueKind::Twice => "有重复的成员",
        IssueKind::TooLarge => "超过 1 MiB，客户端不会读取",
        IssueKind::Quoting => "右引号之后还有文本",
        IssueKind::Fields => "字段数与表头不符",
        IssueKind::NoCode => "没有 `Code`",
        IssueKind::NoResult => "`Code` 为 200，但没有 `ResultObject`",
        IssueKind::Refused => "是被拒绝的调用",
        IssueKind::Pending => "对应的认证尚未完成",
        IssueKind::Document => "某个应为 JSON 对象的文本格式有误；其中的值视为缺失",
        IssueKind::Callback => "`passed` 中是 SubCode（与回调通知相同）；按 SubCode 处理，`passed` 视为无效",
        IssueKind::Label => "标注未在映射文件中列出；视为无标注",
        IssueKind::GenuineAttack => "同时标注为本人和攻击；视为无标注",
        IssueKind::Attack => return format!("攻击类型{NOT_KEY}；视为无标注"),
        IssueKind::Subject => return format!("主体{NOT_KEY}；视为缺失"),
        IssueKind::Id => return format!("ID {NOT_KEY}；视为缺失"),
        IssueKind::Segment(_) => return format!("分群的值{NOT_KEY}；视为缺失"),
        IssueKind::Time => "时间无效；不计入任何日期",
        IssueKind::NotUnderstood(input) => return format!("`{input}` 格式有误；视为无效或未知"),
        IssueKind::Missing(input) => return format!("没有 `{input}`"),
        IssueKind::Absent => "缺少映射文件所指的列",
        IssueKind::Changed => "是读取期间被修改的文件中最后读取的一行",
    };
    fixed.to_owned()
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
            format!("{percent}% 的本人认证没有 {least} 至 {most} 之间的分数：{problem}")
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
        TargetReason::FrequentImpostors => "不可证明：部分有 subject 的冒充者多次尝试".to_owned(),
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
            "若没有 subject 的各次尝试相互独立，{threshold} 可以达到：{impostors} 次冒充中有 {reach} 次达到该分数"
        ),
    };
    translated(reason, zh)
}
