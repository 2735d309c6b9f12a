//! The thresholds that are chosen on some days and tested on others: charts, the optimism in words, and reasons.

use std::collections::BTreeMap;

use minijinja::value::Serde;
use minijinja::{Value, context};

use super::dots::{Dot, draw};
use super::filters::thousands;
use super::words::Words;
use crate::analysis::calibrate::{
    Holdout, HoldoutRate, HoldoutTarget, HoldoutWarning, TargetRate, TargetReason, WarningFigures,
};
use crate::analysis::proportion::Proportion;

/// Returns what the page shows of a holdout beside its document: charts for each threshold, and texts.
pub(super) fn shown(found: &Holdout, words: Words) -> Value {
    let charted = found.targets.iter().filter(|target| target.threshold.is_some());
    let charted: Vec<&HoldoutTarget> = charted.collect();
    // Targets with the same threshold have the same rates.
    let charts = charted.chunk_by(|one, other| one.threshold == other.threshold);
    let best =
        charted.iter().filter(|target| target.is_proved).min_by(|a, b| rate_of(a).total_cmp(&rate_of(b)));
    context! {
        whole => Value::from(Serde(found)),
        warnings => found.warnings.iter().map(warning).collect::<Vec<_>>(),
        charts => charts.filter_map(|targets| chart(targets, words)).collect::<Vec<_>>(),
        reasons => found.targets.iter().map(|target| (target.target.clone(), reason(target))).collect::<BTreeMap<_, _>>(),
        best => best.or(charted.first()).map(|target| Value::from(Serde(*target))),
    }
}

fn rate_of(target: &HoldoutTarget) -> f64 {
    target.target.parse::<TargetRate>().map_or(f64::NAN, |target| target.rate())
}

fn warning(warning: &HoldoutWarning) -> Value {
    let auc = match warning.warning.figures {
        WarningFigures::Auc(auc) => Some(auc),
        WarningFigures::Scale { .. } | WarningFigures::WithoutScore { .. } => None,
    };
    context! { on => Value::from(Serde(&warning.on)), kind => Value::from(Serde(&warning.warning.kind)), auc }
}

/// Returns the charts of a threshold, for the targets that chose it.
fn chart(targets: &[&HoldoutTarget], words: Words) -> Option<Value> {
    let first = targets.first()?;
    let (threshold, fmr, fnmr) = (first.threshold?, first.fmr?, first.fnmr?);
    let proved = |is_proved: bool| {
        let targets = targets.iter().filter(|target| target.is_proved == is_proved);
        targets.map(|target| target.target.clone()).collect::<Vec<_>>()
    };
    let drawn = |name: &str, class: &str, rate: &HoldoutRate, rules: &[f64], caption: &str| {
        let title = words.get(&name.to_lowercase());
        let dot = |on: &str, class, rate: Proportion| Dot {
            name: words.get(on).to_owned(),
            class,
            before: String::new(),
            after: String::new(),
            rate,
        };
        let dots = [dot("on_train", " none", rate.train), dot("on_test", "", rate.test)];
        let whole = format!("{title}, {} {threshold}", words.get("threshold"));
        let svg = draw(&whole, class, &dots, (rules, caption), words);
        let svg = Value::from_safe_string(svg);
        context! { name, title, svg, optimism => rate.optimism, interval => rate.interval }
    };
    let rules: Vec<f64> =
        targets.iter().map(|target| rate_of(target)).filter(|rate| rate.is_finite()).collect();
    let rates = [
        drawn("FMR", "impostor", &fmr, &rules, words.get("dashed_target")),
        drawn("FNMR", "genuine", &fnmr, &[], ""),
    ];
    let [fmr, fnmr] = [fmr, fnmr].map(|rate| Value::from(Serde(rate)));
    Some(context! { threshold, rates, proved => proved(true), shown => proved(false), fmr, fnmr })
}

/// Returns the text of why a target is not proved, and its values.
fn reason(target: &HoldoutTarget) -> Option<Value> {
    let reason = target.reason.as_ref().filter(|_| !target.is_proved)?;
    Some(match reason {
        TargetReason::OutsideGrid { .. } => context! { key => "why_outside" },
        TargetReason::TooFewImpostors { have, need: Some(need), .. } => {
            context! { key => "why_few", needed => thousands(*need), of => thousands(*have) }
        }
        TargetReason::TooFewImpostors { need: None, .. } | TargetReason::NoThreshold => {
            context! { key => "why_none" }
        }
        TargetReason::TooFewPeople { .. } | TargetReason::FrequentImpostors => {
            context! { key => "why_people" }
        }
        TargetReason::LabelsStop { below, threshold } => {
            context! { key => "why_stop", at => below.to_string(), threshold => threshold.to_string() }
        }
        TargetReason::Withheld(_) => context! { key => "sum_withheld" },
        // These are reasons of a proof.
        TargetReason::Kept { .. }
        | TargetReason::KeptOverPeople { .. }
        | TargetReason::KeptWithoutSubject { .. } => return None,
    })
}
