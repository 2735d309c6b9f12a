//! Prints the comparison of two matchers, a part of `cloudauth lab compare`.

use cloudauth::policy::Input;
use cloudauth_lab::{MatcherAuc, MatcherAucs, Matchers, chance};

use super::table::{Table, thousands};
use crate::output::Output;
use crate::words::{lab as said, rows};

/// The name of the second score in a mapping file.
const SECOND: &str = "second_score";

/// The areas, and what they show. What their intervals count is for the caller to say.
pub(super) fn shown(found: &Matchers, output: &Output) -> String {
    let mut text = "\n".to_owned();
    if let Some(aucs) = &found.aucs {
        text += &areas(aucs, found.people.is_some(), output);
    }
    text += &output.pick(rows::matcher_finding(found.finding));
    let left_out = &found.left_out;
    text += &output.pick(said::scored_twice(&thousands(found.genuine), &thousands(found.impostor)));
    if left_out.genuine + left_out.impostor > 0 {
        let counts = [left_out.genuine, left_out.impostor, left_out.without_first, left_out.without_second];
        text += &output.pick(said::not_scored_twice(counts.map(thousands)));
    }
    text
}

fn areas(aucs: &MatcherAucs, over_people: bool, output: &Output) -> String {
    let number = |number: f64| format!("{number:.6}");
    let interval = |value: f64, interval: Option<(f64, f64)>| match interval {
        Some((low, high)) => output.pick(said::interval(&number(value), &number(low), &number(high))),
        None => number(value),
    };
    let mut table = Table::new(["", "AUC (95 %)"], output.language);
    for (name, MatcherAuc { auc, interval: of, .. }) in
        [(Input::VerifyScore.name(), aucs.first), (SECOND, aucs.second)]
    {
        table.row([name.to_owned(), interval(auc, of)]);
    }
    let difference = interval(aucs.difference, aucs.difference_interval);
    let tested = aucs.p.map(|p| (chance(p), format!("{:.0}", aucs.effective)));
    format!("{table}{}", output.pick(said::auc_difference(&difference, tested, over_people)))
}
