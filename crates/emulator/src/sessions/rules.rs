//! The rule file: outcomes of sessions by order, scene or user.

use std::io;

use cloudauth_protocol::mask_parse_error;
use serde::{Deserialize, Serialize};

use super::outcome::SessionOutcome;

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

/// Parses a rule file.
///
/// # Errors
/// If the file is not valid. The message names the rule or the location, and quotes no value.
pub(crate) fn parse_rules(text: &str) -> Result<Vec<Rule>, String> {
    let rules: Vec<Rule> = serde_json::from_str(text)
        .map_err(|error| format!("invalid rule file: {}", mask_parse_error(&error.to_string())))?;
    for (at, rule) in rules.iter().enumerate() {
        let invalid = |reason: &str| format!("invalid rule file: rule {}: {reason}", at + 1);
        match SessionOutcome::requested(rule.sub_code.as_deref(), rule.verify_score) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(invalid("needs `sub_code` or `verify_score`")),
            Err(reason) => return Err(invalid(reason.en)),
        }
    }
    Ok(rules)
}

/// Checks rules, as [`Builder::start`](crate::Builder::start) does.
///
/// # Errors
/// If they are invalid. The message names the rule or the location, and quotes no value.
pub fn check_rules(json: &str) -> io::Result<()> {
    let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
    parse_rules(json).map(drop).map_err(invalid)
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
        for (text, reason) in [
            ("{}", "invalid type"),
            (r#"[{"sub_kode":"204"}]"#, "sub_kode"),
            (r#"[{"sub_code":"204"},{"order":"x"}]"#, "rule 2: needs"),
            (r#"[{"verify_score":101}]"#, "rule 1: `verify_score`"),
        ] {
            let error = parse_rules(text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
