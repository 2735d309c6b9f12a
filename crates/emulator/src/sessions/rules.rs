//! The rule file: outcomes of sessions by order, scene or user.

use std::fmt;

use cloudauth_protocol::plain_parse_error;
use serde::{Deserialize, Serialize};

use super::outcome::SessionOutcome;
use crate::http::{Message, both};

/// One rule. The rule file is a JSON array of rules; the first matching rule applies.
///
/// ```json
/// [{ "order": "vip*", "sub_code": "210" },
///  { "scene_id": "1000000007", "verify_score": 71.2 }]
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The `OuterOrderNo`, or a prefix of it followed by `*`.
    order: Option<String>,
    scene_id: Option<String>,
    user_id: Option<String>,
    sub_code: Option<String>,
    verify_score: Option<f64>,
}

/// The properties of a session that rules match.
pub(crate) struct RuleInput<'a> {
    pub(crate) order: &'a str,
    pub(crate) scene_id: &'a str,
    pub(crate) user_id: Option<&'a str>,
}

/// The error of an invalid rule file. It names the rule or the location, and quotes no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError(Message);

impl RulesError {
    fn new(reason: &Message) -> Self {
        let Message { en, zh } = reason;
        Self(Message::new(format!("invalid rule file: {en}"), format!("规则文件无效：{zh}")))
    }

    fn of_rule(number: usize, reason: impl Into<Message>) -> Self {
        let Message { en, zh } = reason.into();
        Self::new(&Message::new(format!("rule {number}: {en}"), format!("第 {number} 条规则：{zh}")))
    }

    fn of_parser(error: &serde_json::Error) -> Self {
        if error.is_data() {
            let reason = plain_parse_error(&error.to_string());
            return Self::new(&Message::new(reason.en, reason.zh));
        }
        let (line, column) = (error.line(), error.column());
        Self::new(&Message::new(
            format!("line {line}, column {column}: not valid JSON"),
            format!("第 {line} 行第 {column} 列：不是有效的 JSON"),
        ))
    }

    /// Returns the error in Chinese. `Display` is English.
    #[must_use]
    pub fn chinese(&self) -> &str {
        &self.0.zh
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.en)
    }
}

impl std::error::Error for RulesError {}

/// Parses a rule file.
pub(crate) fn parse_rules(text: &str) -> Result<Vec<Rule>, RulesError> {
    let rules: Vec<Rule> = serde_json::from_str(text).map_err(|error| RulesError::of_parser(&error))?;
    for (at, rule) in rules.iter().enumerate() {
        match SessionOutcome::requested(rule.sub_code.as_deref(), rule.verify_score) {
            Ok(Some(_)) => {}
            Ok(None) => {
                let reason = both("needs `sub_code` or `verify_score`", "须有 `sub_code` 或 `verify_score`");
                return Err(RulesError::of_rule(at + 1, reason));
            }
            Err(reason) => return Err(RulesError::of_rule(at + 1, reason)),
        }
    }
    Ok(rules)
}

/// Checks rules, as [`Builder::start`](crate::Builder::start) does.
///
/// # Errors
/// If they are invalid.
pub fn check_rules(json: &str) -> Result<(), RulesError> {
    parse_rules(json).map(drop)
}

/// Returns the outcome of the first matching rule.
pub(crate) fn outcome_by_rules(rules: &[Rule], input: &RuleInput<'_>) -> Option<SessionOutcome> {
    let rule = rules.iter().find(|rule| rule.matches(input))?;
    SessionOutcome::requested(rule.sub_code.as_deref(), rule.verify_score).ok().flatten()
}

impl Rule {
    fn matches(&self, input: &RuleInput<'_>) -> bool {
        let order = self.order.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(front) => input.order.starts_with(front),
            None => input.order == wanted,
        });
        order
            && self.scene_id.as_deref().is_none_or(|wanted| input.scene_id == wanted)
            && self.user_id.as_deref().is_none_or(|wanted| input.user_id == Some(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_rule_applies() {
        let rules = parse_rules(
            r#"[{"order":"vip*","sub_code":"210"},{"order":"vip7","sub_code":"205"},
                {"scene_id":"7","user_id":"u","verify_score":12.5}]"#,
        )
        .unwrap();
        let result =
            |order, scene_id, user_id| outcome_by_rules(&rules, &RuleInput { order, scene_id, user_id });
        assert_eq!(result("vip7", "1", None), Some(SessionOutcome::with_sub_code("210")));
        assert_eq!(result("x", "7", Some("u")), Some(SessionOutcome::with_score(12.5)));
        assert_eq!(result("x", "7", None), None);
    }

    #[test]
    fn names_the_invalid_rule() {
        for (text, reason, zh) in [
            ("{}", "line 1, column 0: must be a list [..], not named values", "须为列表 [..]，而不是键值对"),
            ("[5]", "line 1, column 2: must be named values {..}, not a number", "须为键值对"),
            (r#"[{"sub_code":204}]"#, "column 16: must be text, not a number", "须为文本，而不是数字"),
            (r#"[{"verify_score":"x"}]"#, "column 20: must be a number, not text", "须为数字，而不是文本"),
            ("[,", "line 1, column 2: not valid JSON", "第 1 行第 2 列：不是有效的 JSON"),
            (r#"[{"sub_kode":"204"}]"#, "unknown field `sub_kode`, expected one of `order`, ", "未知的字段"),
            (r#"[{"sub_code":"204"},{"order":"x"}]"#, "rule 2: needs", "第 2 条规则：须有"),
            (r#"[{"verify_score":101}]"#, "rule 1: `verify_score`", "须在 0 至 100 之间"),
        ] {
            let error = parse_rules(text).unwrap_err();
            assert!(error.to_string().contains(reason) && error.chinese().contains(zh), "{error:?}");
        }
    }
}
