//! Prints analyses for people.

use std::collections::BTreeMap;

use cloudauth::policy::{VENDOR_TABLE, Verdict};
use cloudauth_lab::{
    AucInterval, ByVerdict, Calibration, Compare, DataIssue, Drift, LabelledPeople, Pair, Proportion, Replay,
    RestsOn, ScoreShift, Skipped, ThresholdErrors, Warning, chance,
};

use super::matchers;
use super::run::Data;
use super::table::{Table, percent, rate, thousands};
use crate::output::Output;
use crate::printable;
use crate::words::{lab as said, rows};

pub(super) fn replay(replay: &Replay, data: &Data, output: &Output) -> String {
    let policy = &replay.policy;
    let named = format!("{} {}", policy.id, policy.version);
    let mut text = output.pick(said::replay(&named, &thousands(replay.rows)));
    text += &doubts(&replay.warnings, output);
    let mut table = Table::new(["verdict", "rows", "share", "genuine", "impostor"], output.language);
    for verdict in Verdict::ALL {
        let rows = replay.verdicts[verdict];
        table.row([
            said::heading(verdict.as_str(), output.language).to_owned(),
            thousands(rows.all),
            percent(rows.all, replay.rows),
            thousands(rows.genuine),
            thousands(rows.impostor),
        ]);
    }
    text += &table.to_string();
    let mut table = Table::new(["rule", "verdict", "rows", "share"], output.language);
    for rule in &replay.rules {
        let (rows, share) = (thousands(rule.rows.all), percent(rule.rows.all, replay.rows));
        let verdict = said::heading(rule.verdict.as_str(), output.language).to_owned();
        table.row([rule.rule.clone(), verdict, rows, share]);
    }
    text += &format!("\n{table}");
    let sub_code = |code: &str| match code {
        "(missing)" | "(no code)" => said::heading(code, output.language).to_owned(),
        code => shown(code, output),
    };
    text += &by_verdict("SubCode", &replay.sub_codes, sub_code, output);
    for (segment, values) in &replay.segments {
        text += &by_verdict(segment, values, |value| shown(value, output), output);
    }
    if !replay.days.is_empty() {
        let name = said::heading("day", output.language);
        text += &by_verdict(name, &replay.days, |day| shown(day, output), output);
    }
    text + &issues(&replay.issues, data, output)
}

/// A table of verdicts by value. Its name is printed as it is.
fn by_verdict(
    name: &str,
    values: &BTreeMap<String, ByVerdict<u64>>,
    shown: impl Fn(&str) -> String,
    output: &Output,
) -> String {
    let mut table = Table::new(["", "approve", "review", "retry", "reject"], output.language).named(name);
    for (value, counts) in values {
        let [approve, review, retry, reject] = Verdict::ALL.map(|verdict| thousands(counts[verdict]));
        table.row([shown(value), approve, review, retry, reject]);
    }
    format!("\n{table}")
}

/// What intervals rest on, and p-values if there are any.
pub(super) fn basis(
    figures: said::Figures,
    rests_on: RestsOn,
    people: Option<LabelledPeople>,
    output: &Output,
) -> String {
    match (rests_on, people) {
        (RestsOn::AttemptsOfTooMany, _) => output.pick(said::counts_attempts(figures, true)),
        (rests_on, Some(LabelledPeople { genuine, impostor, .. })) => {
            let labelled = (genuine + impostor > 0).then(|| [thousands(impostor), thousands(genuine)]);
            output.pick(said::counts_people(figures, labelled, rests_on == RestsOn::AttemptsWithoutSubject))
        }
        _ => output.pick(said::counts_attempts(figures, false)),
    }
}

/// The reasons to doubt the labels or the scores, and an empty line after them.
pub(super) fn doubts(warnings: &[Warning], output: &Output) -> String {
    let mut text: String =
        warnings.iter().map(|warning| output.pick(said::warning(&rows::warning(warning)))).collect();
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A segment's value. Rows without a value have the empty one; a value that looks like it is quoted.
pub(super) fn shown(value: &str, output: &Output) -> String {
    match value {
        "" => output.say(said::NONE).to_owned(),
        value if value == output.say(said::NONE) => format!("\"{value}\""),
        _ => value.to_owned(),
    }
}

pub(super) fn compare(compare: &Compare, data: &Data, output: &Output) -> String {
    let (policy, candidate) = (&compare.policy, &compare.candidate);
    let mut text = output.pick(said::compare(
        &format!("{} {}", policy.id, policy.version),
        &format!("{} {}", candidate.id, candidate.version),
        &thousands(compare.changed),
        &thousands(compare.rows),
        &percent(compare.changed, compare.rows),
    ));
    text += &doubts(&compare.warnings, output);
    let mut table = Table::new(["from", "to", "rows", "genuine", "impostor", "for example"], output.language);
    for flip in compare.flips.iter().filter(|flip| flip.from != flip.to) {
        let example = flip.examples.first().map(|example| {
            format!(
                "{}:{} ({} -> {})",
                data.name(example.at.source),
                example.at.line,
                example.from_rule,
                example.to_rule
            )
        });
        table.row([
            said::heading(flip.from.as_str(), output.language).to_owned(),
            said::heading(flip.to.as_str(), output.language).to_owned(),
            thousands(flip.rows.all),
            thousands(flip.rows.genuine),
            thousands(flip.rows.impostor),
            example.unwrap_or_default(),
        ]);
    }
    text += &table.to_string();
    let pairs = [
        ("impostors approved", compare.fraud_approved),
        ("genuine people not approved", compare.customers_not_approved),
        ("genuine people rejected", compare.customers_rejected),
    ];
    let mut table = Table::new(
        ["", "policy", "candidate", "policy alone", "candidate alone", "p", "difference (95 %)"],
        output.language,
    );
    for (name, Pair { policy, candidate, only_policy, only_candidate, p, difference, .. }) in
        pairs.into_iter().filter_map(|(name, pair)| Some((name, pair?)))
    {
        let (only_policy, only_candidate) = (thousands(only_policy), thousands(only_candidate));
        table.row([
            said::heading(name, output.language).to_owned(),
            share(&policy, output),
            share(&candidate, output),
            only_policy,
            only_candidate,
            chance(p),
            difference.map_or_else(
                || "-".to_owned(),
                |(low, high)| output.pick(said::range(rate(low), rate(high))),
            ),
        ]);
    }
    text += &format!("\n{table}");
    if compare.fraud_approved.is_some() || compare.customers_not_approved.is_some() {
        text += &basis(said::Figures::IntervalsAndTests, compare.rests_on, compare.people, output);
    }
    if let Some(found) = &compare.matchers {
        text += &matchers::shown(found, output);
        if found.aucs.is_some() {
            text += &basis(said::Figures::IntervalsAndTests, found.rests_on, found.people, output);
        }
    }
    for (segment, values) in &compare.segments {
        let mut table =
            Table::new(["", "rows", "changed", "to approve", "from approve"], output.language).named(segment);
        for (value, change) in values {
            let counts = [change.rows, change.changed, change.to_approve, change.from_approve].map(thousands);
            let [rows, changed, to_approve, from_approve] = counts;
            table.row([shown(value, output), rows, changed, to_approve, from_approve]);
        }
        text += &format!("\n{table}");
    }
    text + &issues(&compare.issues, data, output)
}

/// A threshold as the policy compares with it.
pub(super) fn cut(threshold: f64, exclusive: bool) -> String {
    if exclusive { format!("> {threshold}") } else { threshold.to_string() }
}

/// The vendor's rate: as the table has it, or what it implies between its rows.
fn vendor_says(threshold: f64, far: Option<f64>, output: &Output) -> String {
    let row = VENDOR_TABLE.iter().find(|(score, _)| *score == threshold);
    let implied = || far.map(|far| output.pick(said::about(1.0 / far))).unwrap_or_default();
    row.map_or_else(implied, |(_, rate)| (*rate).to_owned())
}

/// `0.12 % (0.10 to 0.15)`
pub(super) fn share(share: &Proportion, output: &Output) -> String {
    match share.rate {
        Some(value) => output.pick(said::interval(&rate(value), &rate(share.low), &rate(share.high))),
        None => "-".to_owned(),
    }
}

pub(super) fn calibration(calibration: &Calibration, data: &Data, output: &Output) -> String {
    let (genuine, impostor) = (&calibration.genuine, &calibration.impostor);
    let counts = [genuine.count, impostor.count, genuine.of - genuine.count, impostor.of - impostor.count];
    let mut text = output.pick(said::attempts(counts.map(thousands)));
    if calibration.outside_grid > 0 {
        text += &output.pick(said::auc_not_available(&thousands(calibration.outside_grid)));
    }
    if let Some(auc) = calibration.auc {
        let area = |area: f64| format!("{area:.6}");
        let interval = calibration.auc_interval.map(|AucInterval { low, high, rests_on, .. }| {
            let over_people = matches!(rests_on, RestsOn::People | RestsOn::AttemptsWithoutSubject);
            output.pick(said::interval_over(&area(auc), &area(low), &area(high), over_people))
        });
        text += &format!("AUC {}", interval.unwrap_or_else(|| area(auc)));
    }
    if let Some(eer) = calibration.eer {
        text += &format!(", EER {}", rate(eer.mid));
    }
    text += "\n";
    text += &doubts(&calibration.warnings, output);
    if calibration.warnings.is_empty() {
        text.push('\n');
    }
    let mut table =
        Table::new(["threshold", "", "FMR (95 %)", "vendor says", "FNMR (95 %)"], output.language);
    for ThresholdErrors { name, threshold, exclusive, vendor_far, fmr, fnmr, .. } in
        calibration.vendor.iter().chain(&calibration.thresholds)
    {
        let vendor = vendor_says(*threshold, *vendor_far, output);
        let name = name.clone().unwrap_or_default();
        table.row([cut(*threshold, *exclusive), name, share(fmr, output), vendor, share(fnmr, output)]);
    }
    text += &table.to_string();
    text += &output.pick(said::exact_at_thresholds(calibration.score_grid));
    let mut table =
        Table::new(["target FMR", "shown", "proved", "over people", "recommended", ""], output.language);
    let threshold = |at: &Option<ThresholdErrors>| {
        at.as_ref().map_or_else(|| "-".to_owned(), |at| at.threshold.to_string())
    };
    for target in &calibration.targets {
        table.row([
            target.target.clone(),
            threshold(&target.shown),
            threshold(&target.proved),
            threshold(&target.proved_over_people),
            target.recommended.map_or_else(|| "-".to_owned(), |at| at.to_string()),
            target.reason.as_ref().map(|reason| output.pick(rows::reason(reason))).unwrap_or_default(),
        ]);
    }
    text += &format!("\n{table}");
    let mut told = Vec::new();
    for people in calibration.targets.iter().filter_map(|target| target.people.as_ref()) {
        if told.contains(&people.threshold) {
            continue;
        }
        told.push(people.threshold);
        let of = thousands(people.impostors);
        if let (Some(low), Some(high)) = (people.fmr_low, people.fmr_high) {
            text += &output.pick(said::over_people(people.threshold, &of, &rate(low), &rate(high)));
        }
    }
    text += match calibration.targets.first().map(|target| target.rests_on) {
        Some(RestsOn::Attempts) => output.say(said::INDEPENDENT),
        Some(RestsOn::AttemptsOfTooMany) => output.say(said::TOO_MANY),
        _ => "",
    };
    if let Some(without) = calibration.without_subject.filter(|without| without.impostor > 0) {
        let rests_on = calibration.targets.first().map(|target| target.rests_on);
        text += &output.pick(said::without_subject(
            &thousands(without.impostor),
            &thousands(impostor.count),
            rests_on == Some(RestsOn::AttemptsWithoutSubject),
        ));
    }
    if let Some(stop) = calibration.labels_stop_below {
        text += &output.pick(said::labels_stop(stop));
    }
    if let Some(attacks) = &calibration.attacks {
        let mut table =
            Table::new(["faceAttackScore >=", "", "worst APCER", "kind", "BPCER"], output.language);
        for at in &attacks.at {
            let worst = at.apcer.get(&at.worst).map(|rate| share(rate, output)).unwrap_or_default();
            let name = match &at.name {
                Some(name) => name.clone(),
                None if at.of_policy => output.say(said::OF_POLICY).to_owned(),
                None => String::new(),
            };
            let threshold = cut(at.threshold, at.exclusive);
            table.row([threshold, name, worst, at.worst.clone(), share(&at.bpcer, output)]);
        }
        text += &format!("\n{table}");
    }
    text + &issues(&calibration.issues, data, output)
}

pub(super) fn drift(drift: &Drift, data: &Data, output: &Output) -> String {
    let months = |(first, last): &(String, String)| {
        if first == last { first.clone() } else { format!("{first}..{last}") }
    };
    let mut text = output.pick(said::months(&months(&drift.current), &months(&drift.reference)));
    let headings = ["score", "rows", "PSI", "by chance", "KS D", "p", "JS", "change of the mean"];
    let mut table = Table::new(headings, output.language);
    let number = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.4}"));
    for moved in &drift.scores {
        table.row([
            moved.score.to_string(),
            thousands(moved.current.0),
            number(moved.psi),
            number(moved.psi_critical),
            number(moved.ks),
            moved.ks_p.map_or_else(|| "-".to_owned(), chance),
            number(moved.js),
            moved.mean_shift.map_or_else(|| "-".to_owned(), |by| format!("{by:+.4}")),
        ]);
    }
    text += &table.to_string();
    for ScoreShift { score, score_grid, outside_grid, .. } in &drift.scores {
        if *outside_grid > 0 {
            let outside = thousands(*outside_grid);
            text += &output.pick(said::drift_not_available(score.name(), &outside, score_grid * 10_000.0));
        }
    }
    for moved in drift.scores.iter().filter(|moved| !moved.between.is_empty()) {
        let mut table = Table::new(["", "reference", "current"], output.language).named(moved.score.name());
        for band in &moved.between {
            table.row([band.to_string(), rate(band.reference), rate(band.current)]);
        }
        text += &format!("\n{table}");
    }
    let headings = ["month", "rows", "10th percentile", "median", "90th percentile", "PSI", "by chance"];
    let mut table = Table::new(headings, output.language);
    for month in &drift.months {
        let row = [month.p10, month.median, month.p90, month.psi, month.psi_critical].map(number);
        let [p10, median, p90, psi, chance] = row;
        table.row([month.month.clone(), thousands(month.rows), p10, median, p90, psi, chance]);
    }
    text += &format!("\n{table}");
    let grids: Vec<String> = drift
        .scores
        .iter()
        .map(|moved| output.pick(said::steps(moved.score.name(), moved.score_grid)))
        .collect();
    text += &output.pick(said::exact_shares(&grids.join(", ")));
    text += output.say(said::ROWS_INDEPENDENT);
    text + &issues(&drift.issues, data, output)
}

/// The most skipped files that are listed.
const SKIPPED: usize = 20;

/// The data issues, each with its first locations; and the files that were not read.
pub(super) fn issues(issues: &[DataIssue], data: &Data, output: &Output) -> String {
    let mut text = String::new();
    for issue in issues {
        text += &output.pick(said::data_issue(&thousands(issue.rows), &rows::issue(issue), issue.left_out));
        for point in &issue.locations {
            text += &format!("    {}:{}\n", printable::value(&data.name(point.source)), point.line);
        }
    }
    let skipped = data.skipped();
    if !skipped.is_empty() {
        text += &output.pick(said::not_read(&thousands(skipped.len() as u64)));
        let line = |skipped: &Skipped| {
            let text = output.pick(rows::skipped(skipped));
            format!("    {}\n", printable::value(&text))
        };
        text.extend(skipped.iter().take(SKIPPED).map(line));
        if skipped.len() > SKIPPED {
            text += "    ..\n";
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}
