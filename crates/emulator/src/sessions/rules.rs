//! The rule file: how verifications end that do not say so themselves.

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// One rule of the file, which is a JSON array of them. The first that fits counts.
///
/// ```json
/// [{ "order": "vip*", "sub_code": "210" },
///  { "scene_id": "1000000007", "verify_score": 71.2 }]
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// `OuterOrderNo`, or what it begins with and a `*`.
    order: Option<String>,
    scene_id: Option<String>,
    user_id: Option<String>,
    sub_code: Option<String>,
    verify_score: Option<f64>,
}

/// What a rule may look at.
pub(crate) struct Asked<'a> {
    pub(crate) order: &'a str,
    pub(crate) scene_id: &'a str,
    pub(crate) user_id: Option<&'a str>,
}

/// Reads a rule file.
///
/// # Errors
/// What is wrong with it, and in which rule.
pub(crate) fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let rules: Vec<Rule> = serde_json::from_str(text).map_err(|error| format!("the rule file: {error}"))?;
    for (at, rule) in rules.iter().enumerate() {
        let wrong = |what: &str| format!("the rule file: rule {}: {what}", at + 1);
        match Outcome::wished(rule.sub_code.as_deref(), rule.verify_score) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(wrong("says neither sub_code nor verify_score")),
            Err(problem) => return Err(wrong(problem)),
        }
    }
    Ok(rules)
}

/// What the first rule says that fits.
pub(crate) fn outcome(rules: &[Rule], asked: &Asked<'_>) -> Option<Outcome> {
    let rule = rules.iter().find(|rule| rule.fits(asked))?;
    Outcome::wished(rule.sub_code.as_deref(), rule.verify_score).ok().flatten()
}

impl Rule {
    fn fits(&self, asked: &Asked<'_>) -> bool {
        let order = self.order.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(front) => asked.order.starts_with(front),
            None => asked.order == wanted,
        });
        order
            && self.scene_id.as_deref().is_none_or(|wanted| asked.scene_id == wanted)
            && self.user_id.as_deref().is_none_or(|wanted| asked.user_id == Some(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = parse(
            r#"[{"order":"vip*","sub_code":"210"},{"order":"vip7","sub_code":"205"},
                {"scene_id":"7","user_id":"u","verify_score":12.5}]"#,
        )
        .unwrap();
        let said = |order, scene_id, user_id| outcome(&rules, &Asked { order, scene_id, user_id });
        assert_eq!(said("vip7", "1", None), Some(Outcome::with_sub_code("210")));
        assert_eq!(said("x", "7", Some("u")), Some(Outcome::with_score(12.5)));
        assert_eq!(said("x", "7", None), None);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, problem) in [
            ("{}", "invalid type"),
            (r#"[{"sub_kode":"204"}]"#, "sub_kode"),
            (r#"[{"sub_code":"204"},{"order":"x"}]"#, "rule 2: says neither"),
            (r#"[{"verify_score":101}]"#, "rule 1: verify_score"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
