//! Texts of `lab`.

mod counted;
pub(crate) mod plan;

use std::fmt::Display;

use cloudauth::policy::Verdict;

use super::verdict::verdict;
use super::{Language, Said, Text, both, listed, text};

pub(crate) const ONE_TARGET: Text = text(
    "--write takes what is recommended for one target: give --target once",
    "--write 只写入一个目标的建议阈值：请只给出一个 --target",
);
pub(crate) const POLICY_FILE: Text = text(
    "--write changes the policy in its file: give the policy as a file",
    "--write 直接修改策略文件：请以文件形式给出策略",
);
pub(crate) const BROKEN: Text = text("an internal error ended the run", "内部错误使运行中止");
pub(crate) const INCOMPLETE: Text = text(
    "nothing is written: a part of the data does not choose a threshold",
    "未写入任何内容：不能仅凭部分数据选择阈值",
);
pub(crate) const NO_CANDIDATE: Text = text(
    "a comparison takes two policies: give --candidate, here and to `lab sql`",
    "对比需要两份策略：请在此处和 `lab sql` 中都给出 --candidate",
);
pub(crate) const NO_POLICY: Text = text("there is no policy", "没有策略");
pub(crate) const OF_COUNTS: Text = text(
    "from counts: without examples, places and intervals over people, which need the rows",
    "依据计数得出：不含样例、位置及按人计算的区间，这些需要逐行数据",
);
pub(crate) fn policy_changed(file: &str) -> Said {
    both(
        format!("{file}: the policy file changed during the run; nothing was written"),
        format!("{file}：策略文件在运行期间被修改，未写入任何内容"),
    )
}

/// The progress bar of a run, as indicatif's template.
pub(crate) const PROGRESS: Text = text(
    "{bar:40} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left",
    "{bar:40} {bytes}/{total_bytes} {bytes_per_sec}，剩余 {eta}",
);

pub(crate) const NO_ROWS: Text = text("no row was decided on", "没有可判定的行");

/// Data files without a single row: the first, and their number.
pub(crate) fn no_rows(first: &str, files: usize) -> Said {
    match files {
        0 | 1 => both(format!("{first} has no rows"), format!("{first} 没有数据行")),
        files => both(
            format!("{first} has no rows, and neither does any other of the {files} data files"),
            format!("{first} 等 {files} 个数据文件均没有数据行"),
        ),
    }
}

pub(crate) fn days(timezone: impl Display) -> Said {
    both(format!("\ndays are those of {timezone}\n"), format!("\n日期按 {timezone} 划分\n"))
}

pub(crate) fn not_csv(flag: &str, extension: &str) -> Said {
    both(
        format!("{flag} writes CSV: name the file .csv, not .{extension}"),
        format!("{flag} 输出 CSV：文件扩展名应为 .csv，而不是 .{extension}"),
    )
}

/// An output in a data folder, which the next run would read.
pub(crate) fn among_data(flag: &str, file: impl Display) -> Said {
    both(
        format!(
            "{flag} {file} is in a data folder, so the next run would read it as data: write it to another folder"
        ),
        format!("{flag} {file} 位于数据文件夹中，下次运行会将其作为数据读取：请写入其他文件夹"),
    )
}

pub(crate) fn not_rows(flag: &str, extension: &str) -> Said {
    both(
        format!("{flag} writes CSV or JSON Lines: name the file .csv or .jsonl, not .{extension}"),
        format!("{flag} 输出 CSV 或 JSON Lines：文件扩展名应为 .csv 或 .jsonl，而不是 .{extension}"),
    )
}

pub(crate) fn nothing_written(reason: &Said, can_be_forced: bool) -> Said {
    let (en, zh) = match can_be_forced {
        true => ("; to write it all the same, give --force", "；如仍要写入，请使用 --force"),
        false => ("", ""),
    };
    both(format!("nothing is written: {}{en}", reason.en), format!("未写入任何内容：{}{zh}", reason.zh()))
}

/// A threshold that the command wrote, the value before, and those that stay.
pub(crate) fn wrote(
    name: &str,
    value: f64,
    file: &str,
    old: Option<f64>,
    others: &[(String, String)],
) -> Said {
    let (was, zh_was) = old.map(|old| (format!(", was {old}"), format!("，原为 {old}"))).unwrap_or_default();
    let stays: String = others.iter().map(|(name, cut)| format!("; {name} stays {cut}")).collect();
    let zh_stays: String = others.iter().map(|(name, cut)| format!("；{name} 仍为 {cut}")).collect();
    both(
        format!(
            "wrote {name} = {value} to {file}{was}{stays}; see what that changes with `policy diff` and `lab compare`"
        ),
        format!(
            "已将 {name} = {value} 写入 {file}{zh_was}{zh_stays}；可用 `policy diff` 和 `lab compare` 查看影响"
        ),
    )
}

pub(crate) fn page_written(file: impl Display) -> Said {
    both(format!("written to {file}"), format!("已写入 {file}"))
}

pub(crate) fn changed_while_read(file: impl Display) -> Said {
    both(
        format!("{file} changed while it was read: the figures are not of all its rows"),
        format!("{file} 在读取期间被修改：统计结果未包含其全部行"),
    )
}

pub(crate) fn stopped(can_resume: bool) -> Said {
    let (en, zh) = match can_resume {
        true => ("; the same command continues from here", "；再次运行同一命令即可继续"),
        false => ("", ""),
    };
    both(
        format!("stopped: the figures are of the part that was read{en}"),
        format!("已停止：统计结果仅包含已读取的部分{zh}"),
    )
}

pub(crate) fn partial_decisions(file: impl Display) -> Said {
    both(format!("the rows so far are in {file}"), format!("到目前为止的各行已写入 {file}"))
}

/// The headings and labels of tables. A heading that is not here is the same in both languages.
const HEADINGS: [Text; 49] = [
    text("verdict", "结论"),
    text("rows", "行数"),
    text("share", "占比"),
    text("genuine", "本人"),
    text("impostor", "冒充者"),
    text("rule", "规则"),
    text("from", "原结论"),
    text("to", "新结论"),
    text("for example", "例如"),
    text("policy", "现行策略"),
    text("candidate", "候选策略"),
    text("policy alone", "仅现行"),
    text("candidate alone", "仅候选"),
    text("difference (95 %)", "差值（95%）"),
    text("AUC (95 %)", "AUC（95%）"),
    text("changed", "改变"),
    text("to approve", "变为通过"),
    text("from approve", "不再通过"),
    text("threshold", "阈值"),
    text("FMR (95 %)", "误识率 FMR（95%）"),
    text("vendor says", "阿里云误识率"),
    text("FNMR (95 %)", "拒识率 FNMR（95%）"),
    text("target FMR", "目标 FMR"),
    text("shown", "数据所示"),
    text("proved", "可证明"),
    text("over people", "按人可证明"),
    text("recommended", "建议"),
    text("worst APCER", "最高 APCER"),
    text("kind", "类型"),
    text("score", "分数"),
    text("by chance", "随机波动上限"),
    text("change of the mean", "均值变化"),
    text("reference", "基准期"),
    text("current", "当前期"),
    text("month", "月份"),
    text("10th percentile", "第 10 百分位"),
    text("median", "中位数"),
    text("90th percentile", "第 90 百分位"),
    text("p", "p 值"),
    verdict(Verdict::Approve),
    verdict(Verdict::Review),
    verdict(Verdict::Retry),
    verdict(Verdict::Reject),
    text("day", "日期"),
    text("impostors approved", "冒充者被通过"),
    text("genuine people not approved", "本人未被通过"),
    text("genuine people rejected", "本人被拒绝"),
    text("(missing)", "（缺失）"),
    text("(no code)", "（非返回码）"),
];

/// A heading, by its English.
pub(crate) fn heading(english: &str, language: Language) -> &str {
    HEADINGS
        .iter()
        .chain(&plan::HEADINGS)
        .find(|text| text.en == english)
        .map_or(english, |text| language.of(*text))
}

pub(crate) fn replay(policy: &str, rows: &str) -> Said {
    both(format!("{policy} decides on {}\n\n", counted::rows(rows)), format!("{policy} 判定了 {rows} 行\n\n"))
}

/// An option of `lab finish` that belongs to another view.
pub(crate) fn no_effect(option: &str, view: &str) -> Said {
    both(format!("{option} has no effect with --view {view}"), format!("{option} 不适用于 --view {view}"))
}

pub(crate) const NONE: Text = text("(none)", "（无）");
pub(crate) const UNNAMED: Text = text("(unnamed)", "（未命名）");
pub(crate) const OF_POLICY: Text = text("(policy)", "（策略）");

pub(crate) fn compare(policy: &str, candidate: &str, changed: &str, rows: &str, share: &str) -> Said {
    both(
        format!("{policy} and {candidate} differ on {changed} of {rows} rows ({share})\n\n"),
        format!("{policy} 与 {candidate}：{rows} 行中有 {changed} 行的结论不同（{share}）\n\n"),
    )
}

pub(crate) fn range(low: impl Display, high: impl Display) -> Said {
    both(format!("{low} to {high}"), format!("{low} 至 {high}"))
}

pub(crate) fn interval(value: &str, low: &str, high: &str) -> Said {
    both(format!("{value} ({low} to {high})"), format!("{value}（{low} 至 {high}）"))
}

/// An interval, and what it counts.
pub(crate) fn interval_over(value: &str, low: &str, high: &str, over_people: bool) -> Said {
    let (en, zh) = if over_people { ("people", "按人") } else { ("attempts", "按次数") };
    both(format!("{value} ({low} to {high} over {en})"), format!("{value}（{low} 至 {high}，{zh}计算）"))
}

pub(crate) fn about(one_in: f64) -> Said {
    both(format!("about 1/{one_in:.0}"), format!("约 1/{one_in:.0}"))
}

/// The attempts that have a score, and those that have none.
pub(crate) fn attempts([genuine, impostors, no_genuine, no_impostors]: [String; 4]) -> Said {
    both(
        format!(
            "{} and {} with a score; {no_genuine} and {no_impostors} without\n",
            counted::genuine(&genuine),
            counted::impostors(&impostors)
        ),
        format!(
            "有分数：本人 {genuine} 次，冒充 {impostors} 次；无分数：本人 {no_genuine} 次，冒充 {no_impostors} 次\n"
        ),
    )
}

pub(crate) fn warning(warning: &Said) -> Said {
    both(format!("warning: {}\n", warning.en), format!("警告：{}\n", warning.zh()))
}

pub(crate) fn exact_at_thresholds(step: impl Display) -> Said {
    both(
        format!("exact at these thresholds; AUC, EER and targets count scores in steps of {step}\n"),
        format!("以上阈值处的计数精确；AUC、EER 和目标按 {step} 的步长统计分数\n"),
    )
}

pub(crate) fn over_people(threshold: f64, people: &str, low: &str, high: &str) -> Said {
    let of_people = counted::nouns(people, "person", "people");
    both(
        format!("\nat {threshold}, over {of_people} instead of attempts: FMR {low} to {high}\n"),
        format!("\n阈值 {threshold} 处，按 {people} 人（而非次数）计算：FMR 为 {low} 至 {high}\n"),
    )
}

pub(crate) const INDEPENDENT: Text = text(
    "\nattempts are taken as independent: no labelled row has a `subject`, by which recommendations would rest on people\n",
    "\n假定各次尝试相互独立：没有任何标注行含有用户标识（`subject`），无法据此按人得出建议\n",
);
pub(crate) const TOO_MANY: Text = text(
    "\nattempts are taken as independent: there are too many labelled rows for figures over people\n",
    "\n假定各次尝试相互独立：标注行过多，无法按人统计\n",
);

/// Figures that count people or attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Figures {
    Intervals,
    IntervalsAndTests,
}

impl Figures {
    const fn text(self) -> Text {
        match self {
            Self::Intervals => text("intervals", "区间"),
            Self::IntervalsAndTests => text("intervals and p-values", "区间和 p 值"),
        }
    }
}

pub(crate) fn counts_attempts(figures: Figures, has_too_many: bool) -> Said {
    let Text { en, zh } = figures.text();
    let (why_en, why_zh) = match has_too_many {
        true => ("more rows have a `subject` than are kept", "含有用户标识（`subject`）的行超过可保留的数量"),
        false => {
            ("several attempts of one person make them too certain", "同一人多次尝试时，结果会显得过于确定")
        }
    };
    both(
        format!("{en} count attempts, not people: {why_en}\n"),
        format!("{zh}按次数而非按人计算：{why_zh}\n"),
    )
}

/// The AUC of the second score minus that of the first, with its interval; the p-value, and the number of people or attempts that the
/// difference rests on, if anything varies.
pub(crate) fn auc_difference(difference: &str, tested: Option<(String, String)>, over_people: bool) -> Said {
    let (en, zh) = match tested {
        Some((p, of)) => {
            let (noun, zh_noun) = if over_people { ("people", "人") } else { ("attempts", "次尝试") };
            (
                format!("p {p}; it rests on about {of} {noun}"),
                format!("p 值 {p}；主要取决于约 {of} {zh_noun}"),
            )
        }
        None => {
            ("without an interval, because nothing varies".to_owned(), "没有变化，因此没有区间".to_owned())
        }
    };
    both(
        format!("difference, second_score minus verify_score: {difference}, {en}\n"),
        format!("差值（second_score 减 verify_score）：{difference}，{zh}\n"),
    )
}

/// The labelled attempts with the scores of both matchers.
pub(crate) fn scored_twice(genuine: &str, impostors: &str) -> Said {
    both(
        format!("{} and {} have both scores\n", counted::genuine(genuine), counted::impostors(impostors)),
        format!("含有两个分数的本人尝试 {genuine} 次，冒充尝试 {impostors} 次\n"),
    )
}

/// The labelled attempts without one of the scores: genuine, impostors, without the first, without the second.
pub(crate) fn not_scored_twice([genuine, impostors, first, second]: [String; 4]) -> Said {
    both(
        format!(
            "{} and {} are left out: {} no verify_score, {second} no second_score\n",
            counted::genuine(&genuine),
            counted::impostors(&impostors),
            counted::nouns(&first, "has", "have")
        ),
        format!(
            "未计入的本人尝试 {genuine} 次，冒充尝试 {impostors} 次：{first} 次没有 verify_score，{second} 次没有 second_score\n"
        ),
    )
}

/// The impostors and genuine people that intervals count, if any has a label. `has_gaps` says that most attempts of a label have no
/// subject, or most attempts without any label.
pub(crate) fn counts_people(figures: Figures, labelled: Option<[String; 2]>, has_gaps: bool) -> Said {
    let Text { en: what_en, zh: what_zh } = figures.text();
    let (gap_en, gap_zh) = match &labelled {
        Some(_) => {
            ("most attempts of a label have no `subject`", "某种标注的多数尝试没有用户标识（`subject`）")
        }
        None => ("most attempts have no `subject`", "多数尝试没有用户标识（`subject`）"),
    };
    let (of_en, of_zh) = labelled.map_or_else(Default::default, |[impostors, genuine]| {
        (
            format!(
                ": {} and {}",
                counted::impostors(&impostors),
                counted::nouns(&genuine, "genuine person", "genuine people")
            ),
            format!("：冒充者 {impostors} 人，本人 {genuine} 人"),
        )
    });
    let (en, zh) = match has_gaps {
        true => (
            format!("; {gap_en}, and each of these counts as one more person"),
            format!("；{gap_zh}，这些尝试各按另一人计算"),
        ),
        false => Default::default(),
    };
    both(
        format!("{what_en} count people, not attempts{of_en}{en}\n"),
        format!("{what_zh}按人而非按次数计算{of_zh}{zh}\n"),
    )
}

/// The impostor attempts without a subject. `alone` says that recommendations rest on attempts for that reason.
pub(crate) fn without_subject(count: &str, of: &str, alone: bool) -> Said {
    let (en, zh) = match alone {
        true => ("recommendations take them as independent", "建议按相互独立的尝试得出"),
        false => ("each counts as one more person", "每次按另一人计算"),
    };
    both(
        format!("\n{count} of {of} impostor attempts have no subject: {en}\n"),
        format!("\n{of} 次冒充中有 {count} 次没有用户标识（`subject`）：{zh}\n"),
    )
}

pub(crate) fn labels_stop(threshold: f64) -> Said {
    both(
        format!("\nlabels stop below {threshold}: no threshold there is recommended\n"),
        format!("\n标注在 {threshold} 分以下中断：不建议该范围内的任何阈值\n"),
    )
}

pub(crate) fn months(current: &str, reference: &str) -> Said {
    both(format!("{current} against {reference}\n\n"), format!("{current} 对比 {reference}\n\n"))
}

pub(crate) fn steps(score: &str, step: impl Display) -> Said {
    both(format!("{score} in steps of {step}"), format!("{score} 的步长为 {step}"))
}

pub(crate) fn exact_shares(steps: &str) -> Said {
    both(
        format!("the shares between the policy's thresholds are exact; all else counts {steps}\n"),
        format!("策略各阈值之间的占比精确；其余统计中，{}\n", listed(steps)),
    )
}

pub(crate) fn data_issue(rows: &str, what: &Said, left_out: bool) -> Said {
    let (en, zh) = if left_out { (", and was left out", "，已排除") } else { ("", "") };
    both(
        format!("{}: each {}{en}\n", counted::rows(rows), what.en),
        format!("{rows} 行：{}{zh}\n", what.zh()),
    )
}

pub(crate) const ROWS_INDEPENDENT: Text = text(
    "p and what chance alone reaches take rows as independent: several rows of one person make drift appear more often\n",
    "p 值和随机波动上限假定各行相互独立：同一人有多行时，可能误判为分数漂移\n",
);

pub(crate) fn not_read(count: &str) -> Said {
    both(
        format!("not read, {count} in the given folders:\n"),
        format!("所给文件夹中有 {count} 个文件未读取：\n"),
    )
}

fn scores_outside(scores: &str, top: f64) -> String {
    let are = if scores == "1" { "score is" } else { "scores are" };
    format!("not available: {scores} {are} outside 0 to {top}")
}

pub(crate) fn auc_not_available(scores: &str) -> Said {
    both(
        format!("AUC and EER: {}", scores_outside(scores, 100.0)),
        format!("AUC 和 EER 无法计算：{scores} 个分数不在 0 至 100 之间"),
    )
}

pub(crate) fn drift_not_available(score: &str, scores: &str, top: f64) -> Said {
    both(
        format!("{score}: PSI, KS, JS and the shift are {}\n", scores_outside(scores, top)),
        format!("{score}：PSI、KS、JS 和均值变化无法计算：{scores} 个分数不在 0 至 {top} 之间\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        let one = || "1".to_owned();
        let said = attempts([one(), one(), "0".to_owned(), "2,000".to_owned()]);
        assert_eq!(said.en, "1 genuine attempt and 1 impostor with a score; 0 and 2,000 without\n");
        assert!(
            counts_people(Figures::Intervals, Some([one(), one()]), false).en.contains("1 genuine person")
        );
        let labels = plan::labels("1", 0, "60%", "95.00 %").en;
        assert!(labels.starts_with("1 labelled impostor, none of them approved, proves an FMR"), "{labels}");
        let rows = plan::decided_again("1").en;
        assert_eq!(rows, "\n1 row at exactly a value was decided again with it\n");
    }
}
