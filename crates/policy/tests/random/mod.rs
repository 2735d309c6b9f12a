//! Reproducible random numbers, evidence and policies, for the tests and the rows for warehouses.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each user takes what it needs")]

pub mod rows;

use cloudauth_policy::{Evidence, Flag, Policy, builtin};

/// Difficult numbers and quotes. Not every dialect accepts the quotes: see [`without_quotes`].
pub const EDGES: &str = r#"
format = 1
[policy]
id = "it's \\ an edge"
version = "1"
[policy.otherwise]
decision = "review"
reason = "otherwise"
[inputs]
sub_code = { type = "code", values = ["200", "201", "202", "203", "204", "205", "206", "210", "211", "0", "999999999999999"] }
passed = { type = "flag" }
verify_score = { type = "score", range = [-1e300, 1.7976931348623157e308] }
face_attack_score = { type = "score", range = [0.0, 1.0] }
[[rule]]
id = "not-understood"
when = { sub_code = ["unknown", "missing"] }
then = { decision = "review", reason = "not_understood" }
[[rule]]
id = "shortest-code"
when = { sub_code = "0", verify_score = "valid" }
then = { decision = "review", reason = "small" }
[[rule]]
id = "longest-code"
when = { sub_code = "999999999999999", verify_score = "invalid" }
then = { decision = "retry", reason = "large" }
[[rule]]
id = "quoted"
when = { sub_code = "211" }
then = { decision = "reject", reason = "it's \\ quoted" }
[[rule]]
id = "hardly-an-attack"
when = { face_attack_score = "> 0 and <= 5e-324" }
then = { decision = "reject", reason = "hardly" }
[[rule]]
id = "very-low"
when = { verify_score = "< -1e299" }
then = { decision = "reject", reason = "very_low" }
[[rule]]
id = "hardly-below"
when = { verify_score = ">= -5e-324 and < 0" }
then = { decision = "reject", reason = "hardly_below" }
[[rule]]
id = "hardly-above"
when = { verify_score = "> 0 and < 1e-310" }
then = { decision = "retry", reason = "hardly_above" }
[[rule]]
id = "not-normal"
when = { verify_score = ">= 1e-310 and < 2.2250738585072014e-308" }
then = { decision = "review", reason = "not_normal" }
[[rule]]
id = "very-high"
when = { verify_score = "> 1e22 and <= 1.7976931348623155e308" }
then = { decision = "review", reason = "very_high" }
[[rule]]
id = "highest"
when = { verify_score = "> 1.7976931348623155e308" }
then = { decision = "reject", reason = "highest" }
[[rule]]
id = "approve"
when = { sub_code = "200", passed = "T", verify_score = ">= 58.91570855144926", face_attack_score = "< 0.3" }
then = { decision = "approve", reason = "match" }
against_vendor = { verify_score = "an edge", face_attack_score = "an edge" }
[[rule]]
id = "rest"
when = { sub_code = ["200", "201", "202", "203", "204", "205", "206", "210", "0", "999999999999999"] }
then = { decision = "review", reason = "rest" }
"#;

/// A policy that does not declare `passed`, where callbacks have their SubCode. Its rules distinguish the codes.
pub const CODES_ALONE: &str = r#"
format = 1
[policy]
id = "codes-alone"
version = "1"
[policy.otherwise]
decision = "review"
reason = "otherwise"
[inputs]
sub_code = { type = "code", values = ["200", "201", "202", "203", "204", "205", "206", "210"] }
[[rule]]
id = "good"
when = { sub_code = ["200", "210"] }
then = { decision = "review", reason = "good" }
[[rule]]
id = "risk"
when = { sub_code = ["205", "206"] }
then = { decision = "reject", reason = "risk" }
[[rule]]
id = "missing"
when = { sub_code = "missing" }
then = { decision = "retry", reason = "missing" }
[[rule]]
id = "rest"
when = { sub_code = ["201", "202", "203", "204", "unknown"] }
then = { decision = "retry", reason = "rest" }
"#;

/// [`EDGES`] for every dialect.
pub fn without_quotes() -> String {
    EDGES.replace(r"it's \\ ", "")
}

/// Reproducible random numbers (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.roll() % all.len() as u64).unwrap()]
    }

    pub fn score(&mut self, most: f64) -> Option<f64> {
        const EDGES: [f64; 16] = [
            0.0,
            0.5,
            0.9,
            1.0,
            60.0,
            70.0,
            75.0,
            80.0,
            100.0,
            33.0,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            5e-324,
            1e308,
        ];
        let edge = self.of(&EDGES);
        match self.roll() % 6 {
            0 => None,
            1 => Some(edge),
            2 => Some(edge.next_up()),
            3 => Some(edge.next_down()),
            _ => Some((self.roll() >> 11) as f64 / (1_u64 << 53) as f64 * most * 1.1 - most * 0.05),
        }
    }

    pub fn evidence(&mut self) -> Evidence<'static> {
        let codes =
            ["200", "201", "202", "203", "204", "205", "206", "210", "211", "", "200 ", "0200"].map(Some);
        let flags = [Flag::True, Flag::False, Flag::Invalid];
        let mut evidence = Evidence::default();
        evidence.sub_code = if self.roll().is_multiple_of(20) { None } else { self.of(&codes) };
        evidence.passed = self.of(&flags);
        evidence.face_attack = self.of(&flags);
        evidence.face_occlusion = self.of(&flags);
        evidence.verify_score = self.score(100.0);
        evidence.quality_score = self.score(100.0);
        evidence.face_attack_score = self.score(1.0);
        evidence
    }
}

/// The threshold policy with random rules before its own, and random bounds. If a rule never decides, the policy is tried
/// again without it.
pub fn random_policy(dice: &mut Dice) -> (String, Policy) {
    let mut rules: Vec<String> = (0..1 + dice.roll() % 6)
        .map(|number| {
            let mut when = Vec::new();
            if dice.roll().is_multiple_of(2) {
                let codes = dice.of(&["\"204\"", "[\"200\", \"210\"]", "[\"201\", \"unknown\"]", "\"missing\"", "[\"202\", \"203\", \"206\"]"]);
                when.push(format!("sub_code = {codes}"));
            }
            if dice.roll().is_multiple_of(3) {
                when.push(format!("face_attack = {}", dice.of(&["\"T\"", "\"invalid\"", "[\"F\", \"invalid\"]"])));
            }
            let bounds = [0.0_f64, 33.0, 60.0, 70.0, 75.0, 80.0, 100.0];
            let (low, high) = (dice.of(&bounds), dice.of(&bounds));
            let score = match dice.roll() % 8 {
                0 => format!(">= {low}"),
                1 => format!("> {low}"),
                2 => format!("<= {high}"),
                3 => format!("< {high}"),
                4 => format!("> {} and <= {}", low.min(high), low.max(high)),
                5 => "invalid".to_owned(),
                6 => "valid".to_owned(),
                _ => format!(">= {} and < {}", low.min(high), low.max(high)),
            };
            when.push(format!("verify_score = \"{score}\""));
            let decision = dice.of(&["review", "retry", "reject"]);
            format!("[[rule]]\nid = \"random-{number}\"\nwhen = {{ {} }}\nthen = {{ decision = \"{decision}\", reason = \"r{}\" }}\n\n", when.join(", "), dice.roll() % 3)
        })
        .collect();
    let template = builtin::THRESHOLD.split("[[assert]]").next().unwrap();
    loop {
        let text = template.replacen("[[rule]]", &format!("{}[[rule]]", rules.concat()), 1);
        let error = match Policy::parse(&text) {
            Ok(policy) => return (text, policy),
            Err(error) => error.to_string() + &format!("{error:?}"),
        };
        let before = rules.len();
        rules.retain(|rule| {
            let id = rule.split('"').nth(1).unwrap();
            // A rule that never decides, or with empty bounds.
            !error.contains(&format!("the rule `{id}` never")) && !error.contains("never holds")
        });
        if rules.len() == before {
            // A random rule hides one of the policy's own: try fewer rules.
            rules.pop();
        }
    }
}
