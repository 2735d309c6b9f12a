//! The parts of the page that only the report has.

use cloudauth_policy::{ProblemKind, Verdict};
use minijinja::value::Serde;
use minijinja::{Value, context};

use super::words::Words;
use crate::analysis::calibrate::Calibration;
use crate::analysis::compare::{Compare, interval_over_people};
use crate::analysis::data_issue::DataIssue;
use crate::analysis::drift::Drift;
use crate::analysis::proportion::Proportion;
use crate::analysis::replay::Replay;
use crate::input::row::Label;
use crate::language::Language;
use crate::tally::failing_example::FailingExample;
use crate::tally::{Tally, verdict_number};

/// Returns the impostors approved, and the genuine people not approved and rejected. Empty without labels.
pub(super) fn people(tally: &Tally) -> Value {
    let share = tally.share();
    let of = |label: Label, is: fn(Verdict) -> bool| {
        let all = share.sum(|_, _, of| of == label);
        let some = share.sum(|says, _, of| of == label && is(says));
        let rate = Proportion::new(some, all);
        let over_people = interval_over_people(tally, &share, label, is);
        let rate = over_people.map_or(rate, |interval| rate.with_interval(interval));
        (all > 0).then(|| Value::from(Serde(&rate)))
    };
    context! {
        let_in => of(Label::Impostor, |says| says == Verdict::Approve),
        turned_away => of(Label::Genuine, |says| says != Verdict::Approve),
        rejected => of(Label::Genuine, |says| says == Verdict::Reject),
    }
}

/// The data issues, in the report's language.
pub(super) fn issues(replay: &Replay, words: Words) -> Vec<Value> {
    let shown = |issue: &DataIssue| {
        context! { message => issue.text(words.language()), rows => issue.rows, left_out => issue.left_out }
    };
    replay.issues.iter().map(shown).collect()
}

/// The most failing examples, and the most skipped files, that a report lists.
const LISTED: usize = 20;

/// Returns a failing example, in the report's language.
pub(super) fn failing(example: &FailingExample, words: Words) -> String {
    let FailingExample { policy, problem } = example;
    match (words.language(), problem) {
        (Language::Zh, ProblemKind::ExampleFails { name, expected, expected_rule, found, rule }) => {
            let (expected, found) = (words.get(expected.as_str()), words.get(found.as_str()));
            let by = expected_rule.as_ref().map(|rule| format!("（规则 `{rule}`）")).unwrap_or_default();
            format!("{policy}：示例 `{name}`：预期{expected}{by}，实际{found}（规则 `{rule}`）")
        }
        _ => format!("{policy}: {problem}"),
    }
}

/// Returns the first entries of a list that may be long.
pub(super) fn first(list: impl Iterator<Item = String>) -> Vec<String> {
    list.take(LISTED).collect()
}

/// Returns the rows by both verdicts, with the direction of the change and the shade of the cell.
pub(super) fn matrix(compare: &Compare) -> Value {
    let most = compare.flips.iter().filter(|flip| flip.from != flip.to).map(|flip| flip.rows.all).max();
    let rows = Verdict::ALL.map(|from| {
        let cells = Verdict::ALL.map(|to| {
            let flip = compare.flips.iter().find(|flip| flip.from == from && flip.to == to);
            let rows = flip.map(|flip| flip.rows).unwrap_or_default();
            let share = rows.all as f64 / most.unwrap_or(1).max(1) as f64;
            let shade = match () {
                () if rows.all == 0 => 0,
                () if share < 0.05 => 1,
                () if share < 0.4 => 2,
                () => 3,
            };
            let way = match verdict_number(to).cmp(&verdict_number(from)) {
                std::cmp::Ordering::Less => "looser",
                std::cmp::Ordering::Equal => "same",
                std::cmp::Ordering::Greater => "stricter",
            };
            context! { count => rows.all, genuine => rows.genuine, impostor => rows.impostor, shade, way }
        });
        context! { from => from.as_str(), cells }
    });
    Value::from(rows.to_vec())
}

/// The maximum number of causes that are shown.
const CAUSES: usize = 12;

/// Returns the pairs of rules that change decisions, the most frequent first.
pub(super) fn causes(tally: &Tally) -> Vec<Value> {
    let Some(candidate) = &tally.candidate else { return Vec::new() };
    let (of_a, of_b) = tally.sizes();
    let all = |a, b| Label::ALL.map(|label| tally.count(a, b, label));
    let mut pairs: Vec<_> = (0..of_a)
        .flat_map(|a| (0..of_b).map(move |b| (a, b)))
        .filter(|(a, b)| tally.decider.verdict(*a) != candidate.verdict(*b))
        .map(|(a, b)| (all(a, b).iter().sum::<u64>(), a, b))
        .filter(|(rows, ..)| *rows > 0)
        .collect();
    pairs.sort_unstable_by_key(|(rows, a, b)| (std::cmp::Reverse(*rows), *a, *b));
    let rule = |rules: &[(String, Verdict)], at: usize| {
        rules
            .get(at)
            .map(|(rule, verdict)| context! { rule, verdict => verdict.as_str() })
            .unwrap_or_default()
    };
    let cause = |(rows, a, b)| {
        let [genuine, impostor, _] = all(a, b);
        context! { from => rule(&tally.decider.rules, a), to => rule(&candidate.rules, b), rows, genuine, impostor }
    };
    pairs.into_iter().take(CAUSES).map(cause).collect()
}

/// Returns the bands between thresholds of each score, with the share of rows in them.
pub(super) fn bands(drift: &Drift) -> Vec<Value> {
    let shifts = drift.scores.iter().filter(|shift| !shift.between.is_empty());
    let shift = |shift: &crate::analysis::drift::ScoreShift| {
        let band = |band: &crate::analysis::drift::ScoreBand| context! { name => band.to_string(), reference => band.reference, current => band.current };
        context! { score => shift.score.name(), bands => shift.between.iter().map(band).collect::<Vec<_>>() }
    };
    shifts.map(shift).collect()
}

/// Returns the distinct intervals over people.
pub(super) fn people_at(calibration: &Calibration) -> Vec<Value> {
    let people = calibration.targets.iter().filter_map(|target| target.people.as_ref());
    let mut told: Vec<&crate::analysis::calibrate::People> = Vec::new();
    for people in people.filter(|people| people.fmr_high.is_some_and(|high| high > 0.0)) {
        if told.iter().all(|other| other.threshold != people.threshold) {
            told.push(people);
        }
    }
    told.into_iter().map(|people| Value::from(Serde(people))).collect()
}
