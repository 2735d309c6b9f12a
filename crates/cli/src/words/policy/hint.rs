//! How to fix the problems of policy files, in Chinese. The library says it in English.

use cloudauth::policy::{Hint, InputKind, Suggestion};

use super::case;
use crate::words::verdict::verdict;

/// The hint. A test checks that no hint is forgotten.
pub(in crate::words) fn chinese(hint: &Hint) -> String {
    let fixed = match hint {
        Hint::Suggestion(found) => return suggestion(found),
        Hint::Write(text) => return format!("请写作 {text}"),
        Hint::BeginWith(text) => return format!("请以 `{text}` 开头"),
        Hint::DecimalComma(number) => return format!("如果这是以逗号作小数点的数字，请写作 {number}"),
        Hint::DecimalPoint(number) => return format!("小数点请用英文句点：{number}"),
        Hint::AsTable => "请写作 `{ name = value }`，或使用表头",
        Hint::TwoBrackets => "每一项请用双方括号，例如 [[rule]]",
        Hint::InQuotes => "请加上引号",
        Hint::WithoutQuotes(text) => return format!("请写作 {text}，不加引号"),
        Hint::Remove | Hint::RemoveThem => "请删除",
        Hint::RemoveOne => "请删除其中一个",
        Hint::OtherId => "请换一个 ID；`otherwise` 为保留字",
        Hint::OtherwiseNeeds => "须包含 `decision` 和 `reason`，用于没有规则处理的输入",
        Hint::UseThreshold => "请以 $名称 的形式使用它，或将其删除",
        Hint::ChangeOrder => "请修改阈值，或修改 [thresholds] 中的 `order`",
        Hint::OneOrder => "请写一个名称列表，或由列表组成的列表",
        Hint::RemoveRate => "请删除 `far`",
        Hint::AsFraction => "请写作分数，例如 1/10000",
        Hint::NoRateBeyond => "阿里云阈值表的范围是 70 至 80；请删除 `far`",
        Hint::VendorRate { score, rate, is_exact, claim, at } => {
            let about = if *is_exact { "" } else { "约" };
            return format!("{score} 对应的误识率{about}为 {rate}；误识率 {claim} 对应 {at}");
        }
        Hint::DeclareInputs => "请声明规则使用的每个输入项",
        Hint::TypeIs(kind) => return format!("其类型为 \"{kind}\""),
        Hint::ReservedWord => "请删除：该词无需声明即可在条件中使用，而 `null` 表示缺失",
        Hint::CodeGrammar => "返回码为 1 至 15 位数字，首位不为零；其他值均视为 `unknown`",
        Hint::LabelGrammar => "标签不得含有逗号，首尾不得有空格，且不得以 `[` 开头",
        Hint::MalformedLabel => "请删除：格式有误的标签视为 `unknown`",
        Hint::CheckSpelling => "请检查拼写；对它予以通过须给出理由",
        Hint::DeclareSubCode => "请声明：sub_code = { type = \"code\", values = [\"200\", ..] }",
        Hint::OnVendorPage => "阿里云文档列有该返回码；请将其加入取值，并由规则处理",
        Hint::UseOtherwise => "其余输入请用 [policy.otherwise] 处理",
        Hint::ConditionInQuotes => "请加上引号，例如 \"T\" 或 \">= 75\"",
        Hint::ComparisonInQuotes => "请写作带引号的比较条件，例如 \">= 75\"",
        Hint::RemoveCondition => "如允许任意取值，请删除该条件",
        Hint::Comparisons => {
            "可以使用：与数字或 $阈值 的比较（>=、>、<=、<），可用 `and` 连接；或 `valid`，或 `invalid`"
        }
        Hint::Range { least, most } => return format!("范围为 {least} 至 {most}"),
        Hint::LowerAboveUpper => "下限高于上限",
        Hint::JoinWithAnd => "比较条件用 `and` 连接；需要“或”时请写成两条规则",
        Hint::BothSidesOfAnd => "`and` 两侧都须为比较条件，例如 `>= 75`",
        Hint::NumberOrThreshold => "请写数字，或 $match_auto 这样的阈值",
        Hint::AddRule => "请至少添加一条",
        Hint::NameIt => "请添加处理它的规则",
        Hint::NameOrRemove => "请添加处理它的规则，或将其从列表中删除：这样它就是未知标签",
        Hint::ForExample(case) => return format!("例如：{}", case::chinese(case)),
        Hint::NoInput => "没有输入能同时满足它的全部条件",
        Hint::HiddenBy(rules) => {
            let rules: Vec<String> =
                rules.iter().map(|(rule, cells)| format!("`{rule}`（{cells} 个单元）")).collect();
            return format!("靠前的规则已覆盖其全部单元：{}；请将其前移或删除", rules.join("、"));
        }
        Hint::RemoveInputs => "请删除没有规则使用的输入项或阈值",
        Hint::NeverApproved => "没有规则处理的输入一律不予通过",
        Hint::DeclarePassed => "请声明 passed = { type = \"flag\" }，并在每条予以通过的规则中要求 \"T\"",
        Hint::ReasonOfEachInput => "请为每个输入项写明理由：against_vendor = { face_occlusion = \"理由\" }",
        Hint::OnlyApprovals => "请删除：只有予以通过的规则才需要理由",
        Hint::RemoveReason => "请删除该理由",
        Hint::ExcludeOrReason { input, example } => {
            return format!(
                "请排除这种情况，或在规则中写明理由：against_vendor = {{ {input} = \"..\" }}；例如：{}",
                case::chinese(example)
            );
        }
        Hint::NeverOrMonotone => "请写 `never` 和 `when`，或者 `monotone` 和 `order`",
        Hint::WorstToBest => "从最差到最好：[\"reject\", \"retry\", \"review\", \"approve\"]",
        Hint::Counterexample(found) => {
            let verdict = verdict(found.verdict).zh;
            return format!("例如：规则 `{}` 的结论为{verdict}：{}", found.rule, case::chinese(&found.case));
        }
        Hint::Falling { low, high } => {
            return format!(
                "例如：规则 `{}` 的结论为{}：{}；而规则 `{}` 的结论为{}：{}",
                low.rule,
                verdict(low.verdict).zh,
                case::chinese(&low.case),
                high.rule,
                verdict(high.verdict).zh,
                case::chinese(&high.case)
            );
        }
        Hint::OwnName => "请为每个示例取不同的名称",
        Hint::BothInBraces => "两者都须给出，并各自放在花括号中",
        Hint::ExampleValue(InputKind::Score) => "请写数字；`nan` 表示无效的分数",
        Hint::ExampleValue(InputKind::Flag) => "请写 \"T\" 或 \"F\"；其他字符串表示无效的值",
        Hint::ExampleValue(InputKind::Code) => "请写带引号的返回码",
        Hint::ExampleValue(InputKind::Labels) => "请为每个标签加上引号",
        other => return other.to_string(),
    };
    fixed.to_owned()
}

pub(in crate::words) fn suggestion(found: &Suggestion) -> String {
    let near = found.near.as_ref().map(|near| format!("是否指 `{near}`？")).unwrap_or_default();
    let more = if found.has_more { " 等" } else { "" };
    match &*found.allowed {
        [] => format!("{near}没有可用的值"),
        allowed => format!("{near}可用的有：{}{more}", allowed.join("、")),
    }
}
