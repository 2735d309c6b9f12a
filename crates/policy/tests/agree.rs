//! The decision table and a naive interpreter of the file agree, on random evidence and on every boundary with its
//! neighbours. The interpreter has no cells: it evaluates the conditions one by one.

#![cfg(test)]

mod random;

use cloudauth_policy::{Evidence, Flag, Policy, builtin};
use random::{Dice, random_policy};
use toml::de::{DeTable, DeValue};

/// A rule of the file: its id, and its condition on each input.
type Rules = Vec<(String, Vec<(String, Vec<String>)>)>;

struct Naive {
    rules: Rules,
    thresholds: Vec<(String, f64)>,
    values: Vec<String>,
    ranges: Vec<(String, f64, f64)>,
}

fn table<'a>(value: &'a DeValue<'a>) -> &'a DeTable<'a> {
    match value {
        DeValue::Table(table) => table,
        _ => panic!("no table"),
    }
}

fn strings(value: &DeValue<'_>) -> Vec<String> {
    match value {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Array(list) => list.iter().map(|text| text.get_ref().as_str().unwrap().to_owned()).collect(),
        _ => panic!("no text"),
    }
}

fn number(value: &DeValue<'_>) -> f64 {
    match value {
        DeValue::Float(number) => number.as_str().parse().unwrap(),
        _ => panic!("no number"),
    }
}

impl Naive {
    fn read(text: &str) -> Self {
        let root = DeTable::parse(text).unwrap();
        let root = root.get_ref();
        let DeValue::Array(rules) = root["rule"].get_ref() else { panic!("no rules") };
        let rules = rules.iter().map(|rule| {
            let rule = table(rule.get_ref());
            let when = table(rule["when"].get_ref());
            let when = when
                .iter()
                .map(|(name, want)| (name.get_ref().to_string(), strings(want.get_ref())))
                .collect();
            (rule["id"].get_ref().as_str().unwrap().to_owned(), when)
        });
        let thresholds = root.get("thresholds").into_iter().flat_map(|all| table(all.get_ref()).iter());
        let inputs = table(root["inputs"].get_ref());
        Self {
            rules: rules.collect(),
            thresholds: thresholds
                .filter(|(name, _)| name.get_ref() != "order")
                .map(|(name, value)| {
                    (name.get_ref().to_string(), number(table(value.get_ref())["value"].get_ref()))
                })
                .collect(),
            values: strings(table(inputs["sub_code"].get_ref())["values"].get_ref()),
            ranges: inputs
                .iter()
                .filter_map(|(name, input)| {
                    let range = table(input.get_ref()).get("range")?;
                    let DeValue::Array(range) = range.get_ref() else { panic!("no range") };
                    Some((name.get_ref().to_string(), number(range[0].get_ref()), number(range[1].get_ref())))
                })
                .collect(),
        }
    }

    fn decide(&self, evidence: &Evidence<'_>) -> &str {
        let rule = self
            .rules
            .iter()
            .find(|(_, when)| when.iter().all(|(name, want)| self.holds(name, want, evidence)));
        rule.map_or("otherwise", |(id, _)| id)
    }

    fn holds(&self, name: &str, want: &[String], evidence: &Evidence<'_>) -> bool {
        let flag = |flag: Flag| match flag {
            Flag::True => want.iter().any(|word| word == "T"),
            Flag::False => want.iter().any(|word| word == "F"),
            Flag::Invalid => want.iter().any(|word| word == "invalid"),
        };
        match name {
            "sub_code" => {
                let word = match evidence.sub_code {
                    None | Some("") => "missing",
                    Some(code) if self.values.iter().any(|value| value == code) => code,
                    Some(_) => "unknown",
                };
                want.iter().any(|wanted| wanted == word)
            }
            "passed" => flag(evidence.passed),
            "face_attack" => flag(evidence.face_attack),
            "face_occlusion" => flag(evidence.face_occlusion),
            "verify_score" => self.score(name, want, evidence.verify_score),
            "quality_score" => self.score(name, want, evidence.quality_score),
            "face_attack_score" => self.score(name, want, evidence.face_attack_score),
            other => panic!("{other}"),
        }
    }

    fn score(&self, name: &str, want: &[String], score: Option<f64>) -> bool {
        let (_, least, most) = self.ranges.iter().find(|(found, ..)| found == name).unwrap();
        let valid = score.is_some_and(|score| !score.is_nan() && score >= *least && score <= *most);
        match want[0].as_str() {
            "valid" => valid,
            "invalid" => !valid,
            comparisons => {
                valid
                    && comparisons.split(" and ").all(|comparison| {
                        let (operator, operand) = comparison.trim().split_once(' ').unwrap();
                        let bound = match operand.strip_prefix('$') {
                            Some(name) => self.thresholds.iter().find(|(found, _)| found == name).unwrap().1,
                            None => operand.parse().unwrap(),
                        };
                        let score = score.unwrap();
                        match operator {
                            ">=" => score >= bound,
                            ">" => score > bound,
                            "<=" => score <= bound,
                            "<" => score < bound,
                            other => panic!("{other}"),
                        }
                    })
            }
        }
    }
}

fn agree(rounds: usize) {
    for (name, text) in builtin::ALL {
        let (policy, naive, mut dice) = (Policy::parse(text).unwrap(), Naive::read(text), Dice(20_251_123));
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..rounds {
            let evidence = dice.evidence();
            let rule = policy.decide(&evidence).rule();
            assert_eq!(rule, naive.decide(&evidence), "{name}: {evidence:?}");
            seen.insert(rule.to_owned());
        }
        let rules = policy.report().rules.iter().filter(|rule| rule.cells > 0).count();
        assert_eq!(seen.len(), rules, "{name}: every rule must have come up");
    }
}

#[test]
fn the_table_and_an_interpreter_agree() {
    agree(100_000);
}

/// `cargo test --release -p cloudauth-policy --test agree -- --ignored`
#[test]
#[ignore = "half a minute in a release build"]
fn the_table_and_an_interpreter_agree_ten_million_times() {
    agree(10_000_000 / 3 + 1);
}

#[test]
fn random_policies_and_their_differences_agree_with_the_interpreter() {
    let mut dice = Dice(42);
    let (mut alike, mut different, mut rules) = (0, 0, 0);
    for _ in 0..60 {
        let (text, one) = random_policy(&mut dice);
        let (_, other) = random_policy(&mut dice);
        let naive = Naive::read(&text);
        rules += one.report().rules.len();
        let difference = cloudauth_policy::diff(&one, &other).unwrap();
        let same_hash = one.reference().behaviour_hash == other.reference().behaviour_hash;
        assert_eq!(same_hash, difference.changed() == 0 && difference.other_words == 0, "{text}");
        let mut seen = false;
        for _ in 0..2000 {
            let evidence = dice.evidence();
            let (decided, by_other) = (one.decide(&evidence), other.decide(&evidence));
            assert_eq!(decided.rule(), naive.decide(&evidence), "{evidence:?}\n{text}");
            if decided.verdict() != by_other.verdict() {
                seen = true;
                let becomes = format!("{} becomes {} when", decided.verdict(), by_other.verdict());
                assert!(
                    difference.regions.iter().any(|region| region.to_string().starts_with(&becomes)),
                    "{becomes}"
                );
            }
        }
        assert_eq!(
            seen,
            difference.changed() > 0,
            "what differs must come up, and nothing else: {difference:?}"
        );
        if seen { different += 1 } else { alike += 1 }
    }
    assert!(different > 20 && rules > 60 * 12, "{different} differ, {alike} do not, {rules} rules");
    // The same policy with its first rule split in two.
    let (text, one) = random_policy(&mut dice);
    let twice = text.replacen("[[rule]]\nid = \"match\"", "[[rule]]\nid = \"match-high\"\nwhen = { sub_code = [\"200\", \"210\"], passed = \"T\", face_attack = \"F\", verify_score = \">= 99\" }\nthen = { decision = \"approve\", reason = \"match\" }\n\n[[rule]]\nid = \"match\"", 1);
    if let Ok(other) = Policy::parse(&twice) {
        assert_eq!(one.reference().behaviour_hash, other.reference().behaviour_hash);
        assert_ne!(one.reference().content_hash, other.reference().content_hash);
    }
}

#[test]
fn deciding_allocates_nothing() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let evidence = Dice(1).evidence();
    let mut verdict = None;
    let info = allocation_counter::measure(|| verdict = Some(policy.decide(&evidence).verdict()));
    assert_eq!((info.count_total, verdict.is_some()), (0, true));
}
