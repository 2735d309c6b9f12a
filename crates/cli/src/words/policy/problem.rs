//! The problems of policy files in Chinese. The library says them in English.

use cloudauth::policy::{FilePart, InputKind, ProblemKind};

use super::case::chinese as words;
use crate::words::verdict::verdict;
use crate::words::with_original;

/// The problem. A test checks that no kind is forgotten.
pub(in crate::words) fn chinese(kind: &ProblemKind) -> String {
    use ProblemKind as Kind;
    match kind {
        Kind::FileTooLong { limit } => format!("文件超过 {limit} 字节"),
        Kind::InvalidToml { reason } => with_original("不是有效的 TOML", reason),
        Kind::UnsupportedFormat { found, supported } => {
            let found = found.map(|found| format!(" {found}")).unwrap_or_default();
            format!("不支持的格式版本{found}：本程序支持版本 {supported}")
        }
        Kind::Missing(what) => format!("缺少 {what}"),
        Kind::MissingTable(table) => format!("缺少表 {table}"),
        Kind::UnknownKey { key, part } => format!("{}中有未知的键{}", part_of(*part), quoted(key)),
        Kind::Lacks { part, key } => format!("{}缺少 `{key}`", part_of(*part)),
        Kind::NotATable(part) => format!("{}须为表", part_of(*part)),
        Kind::NotAList(list) => format!("{list} 须为列表"),
        Kind::TooManyEntries { list, limit } => format!("{list} 超过 {limit} 项"),
        Kind::NotAString(name) => format!("`{name}` 须为非空字符串"),
        Kind::ControlCharacters(name) => format!("`{name}` 含有控制字符"),
        Kind::NotADecision => "不是有效的结论".to_owned(),
        Kind::DuplicateId(id) => format!("ID `{id}` 重复"),
        Kind::EffectiveWithoutZone => "`effective` 须为带时区的日期时间".to_owned(),
        Kind::ThresholdNotATable(name) => format!("阈值 `{name}` 须为表"),
        Kind::ThresholdNotANumber(name) => format!("阈值 `{name}` 的值不是数字"),
        Kind::ThresholdWithoutValue(name) => format!("阈值 `{name}` 缺少 `value`"),
        Kind::UnusedThreshold(name) => format!("阈值 `{name}` 未被使用"),
        Kind::UnknownThreshold => "没有这个名称的阈值".to_owned(),
        Kind::WrongOrder { before, before_value, name, value } => {
            format!("`{before}`（{before_value}）须小于 `{name}`（{value}）")
        }
        Kind::MixedOrder => "`order` 中混用了名称和列表".to_owned(),
        Kind::NoRateOfInput { threshold, input } => {
            format!("`{threshold}` 用于 `{input}`，而阿里云未公布该分数的误识率")
        }
        Kind::NotARate => "`far` 不是有效的误识率".to_owned(),
        Kind::NoRateOfScore(score) => format!("阿里云阈值表中没有 {score} 的误识率"),
        Kind::WrongRate { score, claim } => format!("阿里云阈值表中 {score} 的误识率不是 {claim}"),
        Kind::UnknownInput(name) => format!("未知的输入项{}", quoted(name)),
        Kind::UndeclaredInput(Some(name)) => format!("[inputs] 中没有 `{name}`"),
        Kind::UndeclaredInput(None) => "[inputs] 中没有该输入项".to_owned(),
        Kind::WrongInputType(input) => format!("`{input}` 的类型有误"),
        Kind::NoValues(input) => format!("`{input}` 没有取值"),
        Kind::NoRange(input) => format!("`{input}` 需要由两个数字组成的范围"),
        Kind::DeclaredTwice(input) => format!("`{input}` 重复声明了同一取值"),
        Kind::DeclaredControlCharacters => "声明的取值含有控制字符".to_owned(),
        Kind::Reserved(word) => format!("`{word}` 是保留字"),
        Kind::NotACode => "声明的取值不是有效的返回码".to_owned(),
        Kind::NotALabel => "声明的取值不是有效的标签".to_owned(),
        Kind::MalformedLabel(text) => format!("`{text}` 表示格式有误的标签"),
        Kind::UnknownCode { layer, code } => format!("阿里云文档中没有 {layer} `{code}`"),
        Kind::SubCodeNotListed(code) => format!("取值中没有 SubCode {code}"),
        Kind::NoCondition => "`when` 中没有条件".to_owned(),
        Kind::NotInQuotes(input) => format!("`{input}` 的条件未加引号"),
        Kind::ListOfScore(input) => format!("`{input}` 是分数，不能使用列表"),
        Kind::EmptyList(input) => format!("`{input}` 的列表为空"),
        Kind::NotAValue(input) => format!("条件中的值不是 `{input}` 的取值"),
        Kind::ListedTwice(input) => format!("`{input}` 的条件重复列出了同一取值"),
        Kind::NotAComparison => "不是比较条件".to_owned(),
        Kind::ComparisonMissing => "条件中缺少比较条件".to_owned(),
        Kind::NotANumber => "比较的对象不是数字".to_owned(),
        Kind::OutOfRange(input) => format!("数值超出 `{input}` 的范围"),
        Kind::NeverHolds => "条件永远不成立".to_owned(),
        Kind::NotAllowed(word) => format!("条件中不能使用 `{word}`"),
        Kind::NoRule => "策略中没有 [[rule]]".to_owned(),
        Kind::RuleWithoutThen(id) => format!("规则 `{id}` 缺少 `then`"),
        Kind::UnknownRule => "没有这条规则".to_owned(),
        Kind::NeverDecides(id) => format!("规则 `{id}` 永远不会生效"),
        Kind::NotCovered { case } => format!("没有规则处理以下情况：{}", words(case)),
        Kind::DecidedByOtherwise { cells, case } => {
            format!("以下情况中有 {cells} 个单元由 `otherwise` 判定：{}", words(case))
        }
        Kind::TooManyCells { cells, limit } => {
            format!("输入项与阈值共产生 {cells} 个单元，上限为 {limit}")
        }
        Kind::TooManyRules { rules, limit } => format!("策略有 {rules} 条规则，上限为 {limit}"),
        Kind::OtherwiseApproves => "`otherwise` 不得为通过".to_owned(),
        Kind::PassedNotChecked => "策略未检查 `passed` 就予以通过".to_owned(),
        Kind::ReasonWithoutApproval => "`against_vendor` 出现在不予通过的规则中".to_owned(),
        Kind::NoReason => "`against_vendor` 中没有理由".to_owned(),
        Kind::NeedlessReason { rule, input } => {
            format!("规则 `{rule}` 无需为 `{input}` 给出理由：它并未与该信号相反而予以通过")
        }
        Kind::ApprovesNotUnderstood { rule, case, cells } => {
            format!("规则 `{rule}` 在以下情况予以通过（{cells} 个单元）：{}", words(case))
        }
        Kind::ApprovesAgainstVendor { rule, case, cells } => {
            format!("规则 `{rule}` 与阿里云的信号相反而予以通过（{cells} 个单元）：{}", words(case))
        }
        Kind::ApprovesWorseScore { rule, case, cells, better } => format!(
            "规则 `{rule}` 予以通过（{cells} 个单元）：{}；而对更好的分数 {}，规则 `{}` 的结论为{}",
            words(case),
            words(&better.case),
            better.rule,
            verdict(better.verdict).zh
        ),
        Kind::IncompleteAssertion(id) => format!("断言 `{id}` 不完整"),
        Kind::NotADeclaredScore => "`monotone` 不是 [inputs] 中的分数".to_owned(),
        Kind::IncompleteOrder => "`order` 须恰好列出每种结论一次".to_owned(),
        Kind::AssertionWithoutEffect(id) => format!("断言 `{id}` 不起作用：没有输入满足其条件"),
        Kind::AssertionFails { id, cells } => format!("断言 `{id}` 在 {cells} 个单元中不成立"),
        Kind::DuplicateExample(name) => format!("有两个示例名为 `{name}`"),
        Kind::IncompleteExample(name) => format!("示例 `{name}` 缺少 `input` 或 `expect`"),
        Kind::ExampleWithoutDecision(name) => format!("示例 `{name}` 未给出预期的 `decision`"),
        Kind::WrongExampleValue { input, kind } => {
            let wanted = match kind {
                InputKind::Score => "数字",
                InputKind::Flag | InputKind::Code => "字符串",
                InputKind::Labels => "字符串列表",
            };
            format!("`{input}` 须为{wanted}")
        }
        Kind::ExampleFails { name, expected, expected_rule, found, rule } => {
            let (expected, found) = (verdict(*expected).zh, verdict(*found).zh);
            let by = expected_rule.as_ref().map(|rule| format!("（规则 `{rule}`）")).unwrap_or_default();
            format!("示例 `{name}`：预期{expected}{by}，实际{found}（规则 `{rule}`）")
        }
        other => other.to_string(),
    }
}

/// A word after a colon. Nothing for a word that may be personal data.
fn quoted(word: &Option<String>) -> String {
    word.as_ref().map(|word| format!("：`{word}`")).unwrap_or_default()
}

fn part_of(part: FilePart) -> String {
    match part {
        FilePart::File => "文件".to_owned(),
        FilePart::Threshold => "阈值".to_owned(),
        FilePart::Input => "输入项".to_owned(),
        FilePart::Named(name) => format!("{name} "),
        other => other.to_string(),
    }
}
