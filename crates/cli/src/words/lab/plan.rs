//! Texts of `lab plan`, `lab sweep` and `lab segments`.

use cloudauth_lab::{HoldoutDays, RestsOn, SweepProblem};

use super::super::policy::problem;
use super::super::{Said, Text, both, text};
use super::counted;

/// The headings of the tables.
pub(super) const HEADINGS: [Text; 4] = [
    text("on", "日期"),
    text("reviews a day", "每日复核"),
    text("p (Holm)", "p 值（Holm）"),
    text("cost of 1,000", "每千次成本"),
];

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

pub(crate) const NO_LOAD: Text = text(
    "--rows-per-hour and --handling-time must be positive, and the load must be below ten million reviewers",
    "--rows-per-hour 与 --handling-time 须为正数，且所需复核人员不能超过一千万",
);
pub(crate) const NO_HOURS: Text = text(
    "no row has a time: give the verifications in an hour with --rows-per-hour",
    "没有任何行带有时间：请用 --rows-per-hour 给出每小时的认证次数",
);

pub(crate) fn labels(impostors: &str, errors: u64, target: &str, confidence: &str) -> Said {
    let (en, zh) = match errors {
        0 => ("none of them approved".to_owned(), "且无一被通过".to_owned()),
        errors => (format!("at most {errors} of them approved"), format!("其中至多 {errors} 次被通过")),
    };
    both(
        format!(
            "{}, {en}, {} an FMR of at most {target} with {confidence} confidence\n",
            counted::nouns(impostors, "labelled impostor", "labelled impostors"),
            if impostors == "1" { "proves" } else { "prove" }
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
            "{} the difference with a probability of {power}, if only the policy decides {policy} of them right and only the candidate {candidate}\n",
            counted::nouns(attempts, "labelled attempt shows", "labelled attempts show")
        ),
        format!(
            "若仅现行策略判对的占 {policy}，仅候选策略判对的占 {candidate}：需要 {attempts} 次有标注的尝试，才能以 {power} 的概率检出差异\n"
        ),
    )
}

pub(crate) fn too_many_attempts(policy: &str, candidate: &str) -> Said {
    both(
        format!(
            "more than a million changed decisions or more than 2^53 attempts are needed to show the difference between {policy} and {candidate}\n"
        ),
        format!("要检出 {policy} 与 {candidate} 之间的差异，需要超过一百万次结论变化或超过 2^53 次尝试\n"),
    )
}

pub(crate) fn reviewers(reviewers: &str, within: &str, wait: &str, mean: &str, busy: &str) -> Said {
    both(
        format!(
            "{} at the same time: {within} of the reviews wait at most {wait}, {mean} on average; reviewers are busy {busy} of the time\n",
            counted::nouns(reviewers, "reviewer", "reviewers")
        ),
        format!(
            "同时需要 {reviewers} 名复核人员：{within} 的复核等待不超过 {wait}，平均等待 {mean}；人员忙碌时间占 {busy}\n"
        ),
    )
}

pub(crate) fn sweep(policy: &str, values: &str, threshold: &str, rows: &str) -> Said {
    both(
        format!(
            "{policy} with {} of {threshold}, on {}\n\n",
            counted::nouns(values, "value", "values"),
            counted::rows(rows)
        ),
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
        format!(
            "\n{} decided again with it\n",
            counted::nouns(rows, "row at exactly a value was", "rows at exactly a value were")
        ),
        format!("\n有 {rows} 行的分数恰好等于某个值，已按该值重新判定\n"),
    )
}

pub(crate) const NO_PRIOR: Text = text(
    "--cost needs --prior, the share of impostors among all attempts: labels do not show it, because rejected people rarely get one",
    "--cost 须与 --prior（冒充者占全部尝试的比例）一并给出：标注反映不出该比例，因为被拒绝的人很少有标注",
);
pub(crate) const NO_COST: Text =
    text("--prior is used by --cost only: give a cost file", "--prior 仅用于 --cost：请给出成本文件");

/// The cheapest value, and the range of values that the data cannot tell from it.
pub(crate) fn cheapest(name: &str, value: f64, cost: &str, flat: (f64, f64)) -> Said {
    let (from, to) = flat;
    let (en, zh) = match from == to {
        true => ("the values next to it cost more".to_owned(), "相邻各值的成本均更高".to_owned()),
        false => (
            format!("the data cannot tell the cost of the values from {from} to {to} from it"),
            format!("数据无法区分 {from} 至 {to} 各值与它的成本高低"),
        ),
    };
    both(
        format!("\ncheapest: {name} = {value}, {cost} for 1,000 attempts; {en}\n"),
        format!("\n成本最低：{name} = {value}，每千次尝试 {cost}；{zh}\n"),
    )
}

/// What the cost rests on.
pub(crate) fn cost_rests_on(prior: &str, impostors: &str, genuine: &str, by_attempts: bool) -> Said {
    let (of_genuine, zh) = match by_attempts {
        true => (counted::genuine(genuine) + ", taken as independent", "次尝试（视为相互独立）"),
        false => (counted::nouns(genuine, "genuine person", "genuine people"), "人"),
    };
    both(
        format!(
            "costs take {prior} of the attempts as impostors (--prior); intervals over {} and {of_genuine}\n",
            counted::impostors(impostors)
        ),
        format!(
            "成本按冒充者占全部尝试的 {prior}（--prior）计算；区间依据冒充者 {impostors} {zh}、本人 {genuine} {zh}得出\n"
        ),
    )
}

pub(crate) const DAYS_OVERLAP: Text = text(
    "--train and --test have days in common: a threshold is tested on other days than those that chose it",
    "--train 与 --test 的日期有重叠：检验阈值的日期不能与选定阈值的日期相同",
);
pub(crate) const DAYS_REVERSED: Text = text(
    "the days of --test come before those of --train: a threshold is tested on later days",
    "--test 的日期早于 --train：阈值须在之后的日期上检验",
);
pub(crate) const READ_TWICE: Text = text(
    "the data is read twice, which standard input does not allow: give files",
    "需要读取两遍数据，标准输入无法满足：请给出文件",
);
pub(crate) const UNKNOWN_SUBJECTS: Text = text(
    "no labelled row has a subject: attempts of one person can be in both parts\n",
    "有标注的行均没有用户标识（`subject`）：同一人的尝试可能同时出现在两部分中\n",
);
pub(crate) const PROVED: Text = text("proved", "可证明");
pub(crate) const ONLY_SHOWN: Text = text("shown, not proved", "仅为数据所示，不可证明");
pub(crate) const ON_TRAIN: Text = text("train", "训练");
pub(crate) const ON_TEST: Text = text("test", "测试");
pub(crate) const OPTIMISM: Text = text("test minus train", "测试期减训练期");

/// The days, genuine attempts and impostors of each part.
pub(crate) fn holdout(train: &(String, String, String), test: &(String, String, String)) -> Said {
    let ((days, genuine, impostors), (later, more_genuine, more_impostors)) = (train, test);
    both(
        format!(
            "thresholds chosen on {days}: {} and {} with a score\ntested on {later}: {} and {} with a score\n",
            counted::genuine(genuine),
            counted::impostors(impostors),
            counted::genuine(more_genuine),
            counted::impostors(more_impostors)
        ),
        format!(
            "训练期 {days}，用于选定阈值：带分数的本人尝试 {genuine} 次、冒充尝试 {impostors} 次\n测试期 {later}：带分数的本人尝试 {more_genuine} 次、冒充尝试 {more_impostors} 次\n"
        ),
    )
}

pub(crate) fn dropped(rows: &str) -> Said {
    both(
        format!(
            "{} left out: their people have labels on the training days\n",
            counted::nouns(rows, "row of the test days is", "rows of the test days are")
        ),
        format!("测试期中有 {rows} 行被排除：其用户在训练期内已有标注\n"),
    )
}

/// A reason to doubt the labels or the scores of one part.
pub(crate) fn holdout_warning(on: HoldoutDays, warning: &Said) -> Said {
    let (en, zh) = match on {
        HoldoutDays::Train => ("training days", "训练期"),
        HoldoutDays::Test => ("test days", "测试期"),
    };
    both(format!("warning, {en}: {}\n", warning.en), format!("警告（{zh}）：{}\n", warning.zh()))
}

/// What the proof of a target on the training days counts, where the intervals count something else.
pub(crate) const fn chosen_over(rests_on: RestsOn) -> Text {
    match rests_on {
        RestsOn::People => text(
            "what is proved on the training days counts people, not attempts\n",
            "训练期的“可证明”按人而非按次数得出\n",
        ),
        RestsOn::AttemptsWithoutSubject => text(
            "what is proved on the training days takes attempts of impostors as independent, because most have no `subject`\n",
            "训练期的“可证明”假定各次冒充相互独立，因为其中多数没有用户标识（`subject`）\n",
        ),
        _ => text(
            "what is proved on the training days counts attempts, not people\n",
            "训练期的“可证明”按次数而非按人得出\n",
        ),
    }
}

/// Why the training days do not prove a target.
pub(crate) fn not_proved(target: &str, reason: &Said) -> Said {
    both(format!("{target} is not proved: {}\n", reason.en), format!("{target} 不可证明：{}\n", reason.zh()))
}

pub(crate) const NO_SEGMENTS: Text = text(
    "no segments to compare: name their columns in `segments` of the mapping file; a column has at most 1,000 values",
    "没有可对比的分群：请在映射文件的 `segments` 中给出列名；每列最多 1,000 个取值",
);

pub(crate) fn segments(policy: &str) -> Said {
    both(format!("{policy} by segment\n\n"), format!("{policy}：按分群统计\n\n"))
}

pub(crate) const TOO_MANY_CROSSED: Text = text(
    "--by takes one segment, or two that are crossed: --by channel,region",
    "--by 接受一个分群，或两个相互交叉的分群：--by channel,region",
);

pub(crate) const CROSSED_TWO: Text = text(
    "--cross takes two segments: --cross channel,region",
    "--cross 须为两个分群：--cross channel,region",
);

pub(crate) fn fmr_at(threshold: &str) -> Said {
    both(format!("FMR at {threshold}"), format!("{threshold} 处的误识率（FMR）"))
}

pub(crate) fn fnmr_at(threshold: &str) -> Said {
    both(format!("FNMR at {threshold}"), format!("{threshold} 处的拒识率（FNMR）"))
}

pub(crate) const DIFFERS: Text = text("differs", "有差异");
pub(crate) const TOO_FEW: Text = text("too few to tell", "数量过少，无法判断");
pub(crate) const HOW_COMPARED: Text = text(
    "each value is compared with all others by Fisher's exact test, corrected for the number of values; two values are one test\n",
    "每个取值均以 Fisher 精确检验与其余取值对比，并按取值个数校正；两个取值只是一次检验\n",
);
pub(crate) const HOW_COMPARED_OVER_PEOPLE: Text = text(
    "each value is compared with all others by the intervals of both, corrected for the number of values; two values are one test\n",
    "每个取值均依据双方的区间与其余取值对比，并按取值个数校正；两个取值只是一次检验\n",
);

pub(crate) const NO_RATES_OF_SCORES: Text = text(
    "FMR and FNMR at the policy's thresholds by segment, and two segments crossed, need the rows: use `lab segments`\n",
    "各分群在策略阈值处的误识率和拒识率，以及两个分群的交叉，需要原始数据：请使用 `lab segments`\n",
);

/// A segment has too many values to count people.
pub(crate) fn too_many_values(segment: &str) -> Said {
    both(
        format!(
            "{segment}: intervals and p-values count attempts, not people, with more than 100 values\n\n"
        ),
        format!("{segment}：取值超过 100 个，区间和 p 值按次数而非按人计算\n\n"),
    )
}

/// The highest rate against the lowest.
pub(crate) fn largest(highest: &str, lowest: &str, ratio: &str, difference: &str) -> Said {
    both(
        format!("largest gap: {highest} against {lowest}, ratio {ratio}, difference {difference}\n"),
        format!("最大差距：{highest} 对比 {lowest}，比值 {ratio}，差值 {difference}\n"),
    )
}
