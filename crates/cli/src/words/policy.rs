//! Texts of `policy`.

pub(crate) mod case;
mod hint;
pub(super) mod problem;
pub(super) mod sql;

use std::fmt::Display;

use cloudauth::ReplyError;
use cloudauth::policy::{Counterfactual, PolicyError, Problem, Region};

pub(crate) use super::verdict::verdict;
use super::{Language, Said, Text, both, listed, service, text, translated};

pub(crate) fn unknown_builtin(names: &str) -> Said {
    both(
        format!("unknown built-in policy; the command has {names}"),
        format!("没有这个内置策略；可用的有：{}", listed(names)),
    )
}

/// A problem as compilers write it: `policy.toml:3:1: message [V1]`, and the hint below.
pub(crate) fn problem(file: &str, problem: &Problem) -> Said {
    let line = |message: &str, hint: Option<String>| {
        let hint = hint.map(|hint| format!("\n    {hint}")).unwrap_or_default();
        format!("{file}:{}:{}: {message} [{}]{hint}", problem.line, problem.column, problem.rule)
    };
    let zh = line(&problem::chinese(&problem.kind), problem.hint.as_ref().map(hint::chinese));
    translated(line(&problem.message, problem.help.clone()), zh)
}

/// The failure of a check, with a line for each problem.
pub(crate) fn check_failed(file: &str, error: &PolicyError) -> Said {
    let problems: Vec<Said> = error.problems().iter().map(|found| problem(file, found)).collect();
    let lines = |language| problems.iter().map(|problem| problem.of(language)).collect::<Vec<_>>().join("\n");
    both(
        format!("policy check failed\n{}", lines(Language::En)),
        format!("策略校验未通过\n{}", lines(Language::Zh)),
    )
}

pub(crate) fn failing_example(line: &Said) -> Said {
    both(format!("failing example, allowed: {}\n", line.en), format!("示例未通过（已允许）：{}\n", line.zh()))
}

pub(crate) const PENDING: Text = text("pending: the verification has not ended", "认证尚未完成，无法判定");

pub(crate) fn cannot_decide(error: &ReplyError) -> Said {
    let zh = service::reply(error);
    both(format!("cannot decide on the reply: {error}"), format!("无法依据该返回结果判定：{zh}"))
}

pub(crate) fn unknown_input(file: impl Display, names: &str) -> Said {
    both(
        format!("{file}: unknown input: use {names}, or a whole reply of DescribeFaceVerify"),
        format!("{file}：未知的输入项：请使用 {}，或 DescribeFaceVerify 的完整返回结果", listed(names)),
    )
}

pub(crate) fn malformed(input: impl Display) -> Said {
    both(format!("`{input}` is malformed"), format!("`{input}` 格式有误"))
}

pub(crate) const SUB_CODE_IN_PASSED: Text = text(
    "`passed` holds a SubCode, as in a callback: it counts as `sub_code`, and `passed` is invalid",
    "`passed` 中是 SubCode（与回调通知相同）：按 `sub_code` 处理，`passed` 视为无效",
);

pub(crate) fn data_issue(issue: &Said) -> Said {
    both(format!("data issue: {}\n", issue.en), format!("数据问题：{}\n", issue.zh()))
}

pub(crate) fn decided(verdict: Text, rule: &str, reason: &str) -> Said {
    both(
        format!("{} by the rule `{rule}`: {reason}\n", verdict.en),
        format!("{}，依据规则 `{rule}`：{reason}\n", verdict.zh),
    )
}

pub(crate) fn hint_for_person(hint: &str) -> Said {
    both(format!("tell the person: {hint}\n"), format!("提示用户：{hint}\n"))
}

pub(crate) fn queue(queue: &str) -> Said {
    both(format!("queue: {queue}\n"), format!("复核队列：{queue}\n"))
}

pub(crate) fn against_vendor(input: impl Display, reason: &str) -> Said {
    both(
        format!("against the vendor's {input}: {reason}\n"),
        format!("与阿里云返回的 {input} 相反：{reason}\n"),
    )
}

pub(crate) fn policy(id: &str, version: &str, hash: &str) -> Said {
    both(format!("policy: {id} {version} ({hash})\n"), format!("策略：{id} {version}（{hash}）\n"))
}

pub(crate) fn not_understood(inputs: &str) -> Said {
    both(
        format!("\nmissing, malformed or unknown: {inputs}\n"),
        format!("\n缺失、格式有误或未知的输入项：{}\n", listed(inputs)),
    )
}

pub(crate) const EARLIER_RULES: Text =
    text("\nearlier rules and why they do not apply\n", "\n靠前的规则及其不适用的原因\n");
pub(crate) const NEAREST: Text =
    text("\nchanges of one input that change the verdict\n", "\n改变一个输入项即可改变结论\n");
pub(crate) const IF_NOT_UNDERSTOOD: Text =
    text("\nwith an input missing or invalid\n", "\n某个输入项缺失或无效时\n");

/// A change of one input, after the verdict that it leads to.
pub(crate) fn change(verdict: &str, near: &Counterfactual, distance: Option<f64>) -> Said {
    let (change, zh_change) = (&near.change, case::values(&near.values));
    let (en, zh) = distance
        .map(|distance| (format!(" ({distance} away)"), format!("（相差 {distance}）")))
        .unwrap_or_default();
    both(format!("{verdict} if {change}{en}"), format!("{verdict} 若 {zh_change}{zh}"))
}

pub(crate) const FMT_NEEDS_A_FILE: Text = text(
    "policy fmt changes a file in place: give its path, not `-`",
    "`policy fmt` 就地修改文件：请给出文件路径，而不是 `-`",
);

pub(crate) fn fmt_invalid(file: impl Display) -> Said {
    both(format!("{file} was not changed: invalid TOML"), format!("{file} 未作修改：不是有效的 TOML"))
}

pub(crate) fn fmt_empty(file: impl Display) -> Said {
    both(
        format!("{file} is empty: there is no policy to format"),
        format!("{file} 是空文件：没有可整理格式的策略"),
    )
}

pub(crate) const WAS_FORMATTED: Text = text("was already formatted", "格式已符合规范");
pub(crate) const IS_NOT_FORMATTED: Text =
    text("is not formatted: run `cloudauth policy fmt`", "格式不符合规范：请运行 `cloudauth policy fmt`");
pub(crate) const FORMATTED: Text = text("formatted", "已整理格式");

pub(crate) fn holds(id: &str, version: &str, cells: impl Display) -> Said {
    both(
        format!("{id} {version}: all {cells} cells hold\n"),
        format!("{id} {version}：全部 {cells} 个单元均校验通过\n"),
    )
}

pub(crate) const WARNINGS: Text = text("\nwarnings\n", "\n警告\n");
pub(crate) const THRESHOLDS: Text = text("\nthresholds\n", "\n阈值\n");
pub(crate) const RULES: Text = text("\nrules\n", "\n规则\n");
pub(crate) const OVERRIDES: Text =
    text("\napproved against the vendor's signal\n", "\n与阿里云的信号相反而予以通过\n");

pub(crate) fn vendor_rate(one_in: f64) -> Said {
    both(format!("vendor's rate 1/{one_in:.0}"), format!("阿里云误识率 1/{one_in:.0}"))
}

/// A number of cells, in a column of numbers.
pub(crate) fn cells(count: usize) -> Said {
    let noun = if count == 1 { "cell" } else { "cells" };
    both(format!("{count:>6} {noun}"), format!("{count:>6} 个单元"))
}

pub(crate) fn hashes(content: &str, behaviour: &str) -> Said {
    both(
        format!("\ncontent    {content}\nbehaviour  {behaviour}\n"),
        format!("\n内容摘要   {content}\n行为摘要   {behaviour}\n"),
    )
}

pub(crate) fn from_to(before: &str, after: &str) -> Said {
    both(format!("{before} to {after}\n"), format!("从 {before} 到 {after}\n"))
}

pub(crate) const EQUIVALENT: Text = text("the policies are equivalent\n", "两份策略等价\n");

pub(crate) fn same_verdicts(other_words: impl Display, cells: impl Display) -> Said {
    both(
        format!(
            "the verdicts are the same; {other_words} of {cells} cells differ in reason, hint or queue\n"
        ),
        format!("结论相同；{cells} 个单元中有 {other_words} 个的原因、提示或复核队列不同\n"),
    )
}

pub(crate) fn changed(changed: usize, cells: impl Display, regions: usize) -> Said {
    let noun = if regions == 1 { "region" } else { "regions" };
    let change = if changed == 1 { "changes" } else { "change" };
    both(
        format!("{changed} of {cells} cells {change}, in {regions} {noun}\n\n"),
        format!("{cells} 个单元中有 {changed} 个的结论改变，分布在 {regions} 个区域\n\n"),
    )
}

pub(crate) fn region(region: &Region) -> Said {
    let cells = cells(region.cells);
    let (before, after) = (verdict(region.before).zh, verdict(region.after).zh);
    both(
        format!("{region} ({})\n", cells.en.trim()),
        format!("{before}变为{after}：{}（{}）\n", case::chinese(&region.case), cells.zh().trim()),
    )
}

pub(crate) fn override_added(rule: &str, input: impl Display, reason: &str) -> Said {
    both(
        format!("new: `{rule}` approves against the vendor's {input}: {reason}\n"),
        format!("新增：`{rule}` 与阿里云返回的 {input} 相反而予以通过：{reason}\n"),
    )
}

pub(crate) fn override_removed(rule: &str, input: impl Display, reason: &str) -> Said {
    both(
        format!("no longer: `{rule}` approves against the vendor's {input}: {reason}\n"),
        format!("不再：`{rule}` 与阿里云返回的 {input} 相反而予以通过：{reason}\n"),
    )
}
