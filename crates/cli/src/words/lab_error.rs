//! The errors of the lab in Chinese. The library says them in English. No match has a wildcard, so that no problem can be forgotten.

use std::fmt::Display;

use cloudauth_lab::{
    CostError, CostProblem, CountsProblem, FileColumns, LabError, LabProblem, Language, MappingError,
    MappingProblem,
};

use super::errors::{chain, io};
use super::policy::{problem, sql};
use super::{Said, known, listed, translated, with_original};

const FORMATS: &str = "请使用 .jsonl、.ndjson、.csv、.tsv（可再加 .gz 或 .zst）或 .parquet";
const ZONES: &str = "请使用 `+08:00` 这样的偏移量，或固定时区的名称；不支持夏令时时区";

impl From<LabError> for Said {
    fn from(error: LabError) -> Self {
        translated(chain(&error), chinese(&error))
    }
}

pub(super) fn chinese(error: &LabError) -> String {
    use LabProblem as Problem;
    match error.problem() {
        Problem::CannotRead(file, error) => {
            format!("无法读取 {}：{}", file.display(), io(error))
        }
        Problem::CannotWrite(file, error) => {
            format!("无法写入 {}：{}", file.display(), io(error))
        }
        Problem::NothingToRead(folder, skipped) => {
            let first = skipped
                .first()
                .map(|first| format!("；已跳过 {} 个，例如 {}", skipped.len(), first.text(Language::Zh)));
            format!("{} 中没有可读取的文件：{FORMATS}{}", folder.display(), first.unwrap_or_default())
        }
        Problem::ReadTwice(path, first) => {
            format!("{} 与 {} 是同一个文件，会被读取两次", path.display(), first.display())
        }
        Problem::StandardInputTwice => "标准输入会被读取两次".to_owned(),
        Problem::StandardInputResumed => "标准输入无法重新读取：--resume 需要文件".to_owned(),
        Problem::StandardInputCounts => "计数需要读取两次，而标准输入只能读取一次：请使用文件".to_owned(),
        Problem::UnknownFormat(file) => format!("{} 的格式未知：{FORMATS}", file.display()),
        Problem::NeedsParquet(file) => {
            format!("{} 为 Parquet 格式，需要启用 `parquet` 特性的版本", file.display())
        }
        Problem::Changed(file) => format!("{} 在读取期间被修改", file.display()),
        Problem::ReplyNotJson => "原始返回结果须为每行一个 JSON；其他文件请使用 shape = \"flat\"".to_owned(),
        Problem::NoInputs(file, columns) => format!(
            "{file}：未找到策略的任何输入项；{}；请使用 --mapping 或 --allow-missing-inputs",
            shown(columns)
        ),
        Problem::NoInputsInLines(file, lines) => format!(
            "{file}：前 {lines} 行中未找到策略的任何输入项；请使用 --mapping 或 --allow-missing-inputs"
        ),
        Problem::NoColumn(file, column, columns) => {
            format!("{file} 没有映射文件所指的列 `{column}`；{}", shown(columns))
        }
        Problem::ColumnTwice(file, column) => format!("{file} 中有两个列 `{column}`，映射不明确"),
        Problem::ColumnType { file, column, found, wanted } => {
            let wanted = known::find(known::COLUMNS, wanted).unwrap_or_else(|| (*wanted).to_owned());
            format!("{}：列 `{column}` 的类型为 {found}，须为{wanted}：请先转换类型", file.display())
        }
        Problem::UnknownTimeZone(names) => {
            format!("未知的时区：请使用 `+08:00` 这样的偏移量，或 {} 之一；不支持夏令时时区", listed(names))
        }
        Problem::TooManyMonths(most) => months(*most),
        Problem::TooManyScoreValues(count, most) => {
            format!("策略将分数与 {count} 个值比较，上限为 {most} 个")
        }
        Problem::CheckpointNotAFile(file) => {
            format!("{} 不是普通文件：--resume 需要普通文件，因为运行时会读取并替换它", file.display())
        }
        Problem::NotACheckpoint(file, line, column) => {
            format!("{} 不是有效的进度文件：第 {line} 行第 {column} 列", file.display())
        }
        Problem::CheckpointTooLarge(file, most) => {
            format!("{} 不是有效的进度文件：超过 {} GiB", file.display(), most >> 30)
        }
        Problem::CheckpointDamaged(file) => format!(
            "{} 已损坏或被修改：末行与其余内容的 SHA-256 不符；如要重新开始，请将其删除",
            file.display()
        ),
        Problem::CheckpointOfOtherFormat(file, found, read) => format!(
            "{} 的进度文件格式为 {found}，本版本只能读取格式 {read}：请用写入它的版本继续，或将其删除",
            file.display()
        ),
        Problem::CheckpointOfOtherRun(file) => {
            format!("{} 属于其他命令、策略、映射或数据；请换一个文件，或将其删除", file.display())
        }
        Problem::CheckpointOfOtherScores(file) => format!(
            "{} 按其他分数统计：策略的规则或断言所比较的分数已改变；请换一个文件，或将其删除",
            file.display()
        ),
        Problem::DecisionsLost(name, error) => {
            format!("无法继续：判定文件 {name}：{}；如要重新开始，请删除进度文件", io(error))
        }
        Problem::DecisionsLength(name, found, saved) => format!(
            "无法继续：判定文件 {name} 为 {found} 字节，而进度文件记录为 {saved} 字节；如要重新开始，请删除进度文件"
        ),
        Problem::DecisionsNotAFile(target) => {
            format!("写入 {} 的判定无法继续：请指定文件", target.display())
        }
        Problem::NotMonths => "不是月份或月份范围：请写作 2026-01 或 2026-01..2026-03".to_owned(),
        Problem::NoTimes => "所有行都没有时间：请在映射文件的 `time` 中指定时间所在的列".to_owned(),
        Problem::NoEarlierMonth(first) => format!("没有早于 {first} 的行，因此没有可对比的月份"),
        Problem::MonthsOverlap => "基准期与当前期的月份重叠，不能与自身对比".to_owned(),
        Problem::NoRowsIn(first, last) => format!("{first}..{last} 期间没有任何行"),
        Problem::NotARate => {
            "目标误识率无效：请写 0 至 1 之间的比率，例如 1/10000、0.0001 或 0.01%".to_owned()
        }
        Problem::PolicyFails(changed, error) => {
            let with = changed.as_ref().map(|(name, value)| format!("（{name} = {value}）"));
            let first = error.problems().first().map(|found| {
                format!(
                    "：{}:{}: {} [{}]",
                    found.line,
                    found.column,
                    problem::chinese(&found.kind),
                    found.rule
                )
            });
            format!("策略校验未通过{}{}", with.unwrap_or_default(), first.unwrap_or_default())
        }
        Problem::NoThreshold(name, names) => format!("策略没有阈值 `{name}`；可用的有：{}", listed(names)),
        Problem::ThresholdOfOther(name, Some(of)) => {
            format!("`{name}` 是 {of} 的阈值，不是 verify_score 的阈值")
        }
        Problem::ThresholdOfOther(name, None) => format!("`{name}` 不是 verify_score 的阈值"),
        Problem::NotASweep(most) => {
            format!("取值范围无效：最小值、最大值和间隔须给出 1 至 {most} 个值，每个值最多 6 位小数")
        }
        Problem::NotAPrior => "冒充者占比须大于 0 且小于 1，例如 0.001 或 0.1%".to_owned(),
        Problem::NoCosts => "无法计算成本：数据中须同时有已标注的冒充者和本人".to_owned(),
        Problem::NoLabelColumn => "映射文件中没有标注列：请在 [label] 的 `column` 中给出列名".to_owned(),
        Problem::NotASegment(name) => {
            format!("映射文件中没有分群 `{name}`：请在 `segments` 中给出该列名")
        }
        Problem::CrossedWithItself(name) => format!("分群 `{name}` 不能与自身交叉：请给出两个分群"),
        Problem::NotDays => {
            "日期范围须形如 2026-01-01..2026-06-30、..2026-06-30 或 2026-07-01..，首尾两天均包含在内"
                .to_owned()
        }
        Problem::TooManyPeople => {
            "无法区分两部分中的人员：有用户标识的标注行超过 8,000,000，请缩小日期范围".to_owned()
        }
        Problem::NoLabelsInDays(option) => {
            format!(
                "{option} 的日期内没有带分数的已标注冒充者或本人（--test 不计 --train 日期内出现过的人）：请另选日期"
            )
        }
        Problem::Rendering(error) => with_original("无法生成报告", error),
        Problem::SqlNeedsMapping => "查询需要映射文件：无法查看数据仓库中的列".to_owned(),
        Problem::SqlOfReplies => {
            "原始返回结果无法用 SQL 精确表达；请在视图中为每个输入项建立一列，并使用 shape = \"flat\""
                .to_owned()
        }
        Problem::SqlOfPath(name) => {
            format!("`{name}` 是 JSON 中的路径，无法用 SQL 精确表达；请在视图中将其建为一列")
        }
        Problem::Sql(error) => sql::chinese(error),
        Problem::NotCounts(file) => format!("{}：计数须为 CSV 或 JSON Lines", file.display()),
        Problem::SameCounts(file, same) => format!(
            "{} 与 {} 的计数相同：每张表的计数只能给出一次；如果两张表的计数确实相等，请通过视图在一条查询中统计",
            file.display(),
            same.display()
        ),
        Problem::IncompleteCounts(file) => {
            format!("{} 没有计数，或计数不完整：缺少说明计数内容的行", file.display())
        }
        Problem::CountsLine(file, line, problem) => {
            format!("{} 第 {line} 行：{}", file.display(), counts(problem))
        }
        Problem::CountsLines => "计数不一致：`about` 或 `notes` 的行缺失或重复".to_owned(),
        Problem::CountsDiffer(part, here, there) => format!(
            "计数不一致：`{part}` 有 {here} 行，而另一部分有 {there} 行；有的行缺失或重复，或统计期间表有变化"
        ),
    }
}

fn months(most: usize) -> String {
    format!("时间分布在超过 {most} 个月份中：该列是时间吗？")
}

fn shown(columns: &FileColumns) -> String {
    match columns {
        FileColumns::LooksLikeData => "第一行像是数据，而不是表头".to_owned(),
        FileColumns::Named(count, known) if known.is_empty() => format!("共有 {count} 列，列名均不匹配"),
        FileColumns::Named(count, known) => format!("共有 {count} 列，例如 {}", known.join("、")),
    }
}

fn counts(problem: &CountsProblem) -> String {
    match problem {
        CountsProblem::NotOfQuery(reason) => {
            let reason = known::find_or(known::COUNTS, reason, "内容有误");
            format!("不是 `lab sql` 的查询所返回的内容：{reason}")
        }
        CountsProblem::OtherPolicy { is_candidate, found, wanted } => {
            let hash = |text: &str| match text {
                "none" => "无".to_owned(),
                "something else" => "其他内容".to_owned(),
                hash => hash.to_owned(),
            };
            let what = if *is_candidate { "候选策略" } else { "策略" };
            format!("计数属于另一{what}：{}，而本次使用 {}", hash(found), hash(wanted))
        }
        CountsProblem::OtherFormat(format) => format!("格式版本不是 {format}：请重新生成查询"),
        CountsProblem::OtherScores => {
            "按其他分数统计：策略的规则或断言所比较的分数已改变；请重新生成查询".to_owned()
        }
        CountsProblem::OtherMapping => "与前面的行不属于同一映射文件".to_owned(),
        CountsProblem::TooManyMonths(most) => months(*most),
    }
}

/// A mapping file that is invalid.
pub(crate) fn mapping(file: impl Display, error: &MappingError) -> Said {
    use MappingProblem as Problem;
    let zh = match error.problem() {
        Problem::TooLong(limit) => format!("文件超过 {limit} 字节"),
        Problem::Invalid(line, column, reason) => {
            let reason = known::find(known::MAPPING, &reason.en).unwrap_or_else(|| reason.zh.clone());
            format!("第 {line} 行第 {column} 列：{reason}")
        }
        Problem::UnknownFormat(found, supported) => {
            format!("不支持的格式版本 {found}：本程序支持版本 {supported}")
        }
        Problem::InputsOfReply => {
            "原始返回结果中各输入项的位置是固定的：请删除 [inputs]，或使用 shape = \"flat\"".to_owned()
        }
        Problem::ReplyOfFlat => "`reply` 是返回结果所在的路径，只用于 shape = \"reply\"".to_owned(),
        Problem::TooManySegments(count, most) => format!("有 {count} 个分群，上限为 {most} 个"),
        Problem::NotAFlag(input) => format!("`{input}` 不是 T/F 类型，不能指定真假所用的词"),
        Problem::WordOfBoth(input) => format!("同一个词不能同时表示 `{input}` 的真和假"),
        Problem::NotAConstant(input) => {
            format!("`{input}` 不能在所有行中相同；`code` 和 `sub_code` 可以")
        }
        Problem::NotACode(input) => format!("`{input}` 的值不是返回码：须为 1 至 15 位数字"),
        Problem::TimeZone(_) => format!("`timezone`：未知的时区：{ZONES}"),
        Problem::LabelOfBoth => "同一个词不能同时表示本人和冒充者".to_owned(),
        Problem::NoName(key) => format!("`{key}` 未指定列名"),
        Problem::SecondScoreOf(key) => {
            format!("`second_score` 与 `{key}` 是同一列：请给出另一个比对算法的分数列")
        }
    };
    translated(format!("{file}: {error}"), format!("{file}：{zh}"))
}

/// A cost file that is invalid.
pub(crate) fn costs(file: impl Display, error: &CostError) -> Said {
    let zh = match error.problem() {
        CostProblem::Invalid { line, column, key, reason } => {
            let key = key.map(|key| format!("`{key}` ")).unwrap_or_default();
            format!("第 {line} 行第 {column} 列：{key}{}", reason.zh)
        }
        CostProblem::UnknownFormat(found, supported) => {
            format!("不支持的格式版本 {found}：本程序支持版本 {supported}")
        }
        CostProblem::NotAnAmount { line, key } => format!("第 {line} 行：`{key}` 须为 0 至 1e12 的数字"),
    };
    translated(format!("{file}: {error}"), format!("{file}：{zh}"))
}
