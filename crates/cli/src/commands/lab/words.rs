//! What the lab found, for people.

use std::collections::BTreeMap;

use cloudauth::policy::VENDOR_TABLE;
use cloudauth_lab::{
    Calibration, Compare, DataIssue, Drift, Pair, Proportion, Replay, RestsOn, ScoreShift, ThresholdErrors,
};

use super::run::Data;
use super::table::{Table, percent, rate, thousands};

const VERDICTS: [&str; 4] = ["approve", "review", "retry", "reject"];

fn rows(number: u64) -> String {
    if number == 1 { "1 row".to_owned() } else { format!("{} rows", thousands(number)) }
}

pub(super) fn replay(replay: &Replay, data: &Data) -> String {
    let policy = &replay.policy;
    let mut text = format!("{} {} decides on {}\n\n", policy.id, policy.version, rows(replay.rows));
    let mut table = Table::new(["verdict", "rows", "share", "genuine", "impostor"]);
    for verdict in VERDICTS {
        let rows = replay.verdicts.get(verdict).copied().unwrap_or_default();
        table.row([
            verdict.to_owned(),
            thousands(rows.all),
            percent(rows.all, replay.rows),
            thousands(rows.genuine),
            thousands(rows.impostor),
        ]);
    }
    text += &table.to_string();
    let mut table = Table::new(["rule", "verdict", "rows", "share"]);
    for rule in &replay.rules {
        let (rows, share) = (thousands(rule.rows.all), percent(rule.rows.all, replay.rows));
        table.row([rule.rule.clone(), rule.verdict.clone(), rows, share]);
    }
    text += &format!("\n{table}");
    text += &by_verdict("SubCode", &replay.sub_codes);
    for (segment, values) in &replay.segments {
        text += &by_verdict(segment, values);
    }
    if !replay.days.is_empty() {
        text += &by_verdict("day", &replay.days);
    }
    text + &issues(&replay.issues, data)
}

fn by_verdict(name: &str, values: &BTreeMap<String, BTreeMap<&'static str, u64>>) -> String {
    let mut table = Table::new([name, "approve", "review", "retry", "reject"]);
    for (value, counts) in values {
        let count = |verdict| thousands(counts.get(verdict).copied().unwrap_or_default());
        let [approve, review, retry, reject] = VERDICTS.map(count);
        table.row([shown(value), approve, review, retry, reject]);
    }
    format!("\n{table}")
}

/// A segment's value. Rows without a value have the empty one; a value that looks like it is quoted.
fn shown(value: &str) -> String {
    match value {
        "" => "(none)".to_owned(),
        "(none)" => "\"(none)\"".to_owned(),
        _ => value.to_owned(),
    }
}

pub(super) fn compare(compare: &Compare, data: &Data) -> String {
    let (policy, candidate) = (&compare.policy, &compare.candidate);
    let mut text = format!(
        "{} {} and {} {} differ on {} of {} rows ({})\n\n",
        policy.id,
        policy.version,
        candidate.id,
        candidate.version,
        thousands(compare.changed),
        thousands(compare.rows),
        percent(compare.changed, compare.rows)
    );
    let mut table = Table::new(["from", "to", "rows", "genuine", "impostor", "for example"]);
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
            flip.from.to_owned(),
            flip.to.to_owned(),
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
    let mut table = Table::new([
        "",
        "policy",
        "candidate",
        "policy alone",
        "candidate alone",
        "McNemar p",
        "difference (95 %)",
    ]);
    for (name, Pair { policy, candidate, only_policy, only_candidate, p, difference, .. }) in
        pairs.into_iter().filter_map(|(name, pair)| Some((name, pair?)))
    {
        let (only_policy, only_candidate) = (thousands(only_policy), thousands(only_candidate));
        table.row([
            name.to_owned(),
            share(&policy),
            share(&candidate),
            only_policy,
            only_candidate,
            chance(p),
            difference
                .map_or_else(|| "-".to_owned(), |(low, high)| format!("{} to {}", rate(low), rate(high))),
        ]);
    }
    text += &format!("\n{table}");
    for (segment, values) in &compare.segments {
        let mut table = Table::new([segment, "rows", "changed", "to approve", "from approve"]);
        for (value, change) in values {
            let counts = [change.rows, change.changed, change.to_approve, change.from_approve].map(thousands);
            let [rows, changed, to_approve, from_approve] = counts;
            table.row([shown(value), rows, changed, to_approve, from_approve]);
        }
        text += &format!("\n{table}");
    }
    text + &issues(&compare.issues, data)
}

/// A threshold as the policy compares with it.
pub(super) fn cut(threshold: f64, exclusive: bool) -> String {
    if exclusive { format!("> {threshold}") } else { threshold.to_string() }
}

/// The vendor's rate: as the table has it, or what it implies between its rows.
fn vendor_says(threshold: f64, far: Option<f64>) -> String {
    let row = VENDOR_TABLE.iter().find(|(score, _)| *score == threshold);
    let implied = || far.map(|far| format!("about 1/{:.0}", 1.0 / far)).unwrap_or_default();
    row.map_or_else(implied, |(_, rate)| (*rate).to_owned())
}

/// A probability, which is never 0.
fn chance(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

/// `0.12 % (0.10 to 0.15)`
fn share(share: &Proportion) -> String {
    match share.rate {
        Some(value) => format!("{} ({} to {})", rate(value), rate(share.low), rate(share.high)),
        None => "-".to_owned(),
    }
}

pub(super) fn calibration(calibration: &Calibration, data: &Data) -> String {
    let (genuine, impostor) = (&calibration.genuine, &calibration.impostor);
    let mut text = format!(
        "{} genuine attempts and {} impostors with a score; {} and {} without\n",
        thousands(genuine.count),
        thousands(impostor.count),
        thousands(genuine.of - genuine.count),
        thousands(impostor.of - impostor.count)
    );
    if calibration.outside_grid > 0 {
        text += &format!("AUC and EER: {}", not_available(calibration.outside_grid, 100.0));
    }
    if let Some(auc) = calibration.auc {
        text += &format!("AUC {auc:.6}");
    }
    if let Some(eer) = calibration.eer {
        text += &format!(", EER {}", rate(eer.mid));
    }
    text += "\n";
    for warning in &calibration.warnings {
        text += &format!("warning: {warning}\n");
    }
    text += "\n";
    let mut table = Table::new(["threshold", "", "FMR (95 %)", "vendor says", "FNMR (95 %)"]);
    for ThresholdErrors { name, threshold, exclusive, vendor_far, fmr, fnmr, .. } in
        calibration.vendor.iter().chain(&calibration.thresholds)
    {
        let vendor = vendor_says(*threshold, *vendor_far);
        let name = name.clone().unwrap_or_default();
        table.row([cut(*threshold, *exclusive), name, share(fmr), vendor, share(fnmr)]);
    }
    text += &table.to_string();
    text += &format!(
        "exact at these thresholds; AUC, EER and targets count scores in steps of {}\n",
        calibration.score_grid
    );
    let mut table = Table::new(["target FMR", "shown", "proved", "over people", "recommended", ""]);
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
            target.words.clone(),
        ]);
    }
    text += &format!("\n{table}");
    let mut told = Vec::new();
    for people in calibration.targets.iter().filter_map(|target| target.people.as_ref()) {
        if told.contains(&people.threshold) {
            continue;
        }
        told.push(people.threshold);
        let of = people.impostors;
        let of = if of == 1 { "1 person".to_owned() } else { format!("{} people", thousands(of)) };
        if let (Some(low), Some(high)) = (people.fmr_low, people.fmr_high) {
            let (at, low, high) = (people.threshold, rate(low), rate(high));
            text += &format!("\nat {at}, over {of} instead of attempts: FMR {low} to {high}\n");
        }
    }
    text += match calibration.targets.first().map(|target| target.rests_on) {
        Some(RestsOn::Attempts) => {
            "\nattempts are taken as independent: no labelled row has a `subject`, by which recommendations would rest on people\n"
        }
        Some(RestsOn::AttemptsOfTooMany) => {
            "\nattempts are taken as independent: there are too many labelled rows for figures over people\n"
        }
        _ => "",
    };
    if let Some(without) = calibration.without_subject.filter(|without| without.impostor > 0) {
        let count = format!(
            "\n{} of {} impostor attempts have no subject: ",
            thousands(without.impostor),
            thousands(impostor.count)
        );
        let rests_on = calibration.targets.first().map(|target| target.rests_on);
        text += &count;
        text += match rests_on {
            Some(RestsOn::AttemptsWithoutSubject) => "recommendations take them as independent\n",
            _ => "each counts as one more person\n",
        };
    }
    if let Some(stop) = calibration.labels_stop_below {
        text += &format!("\nlabels stop below {stop}: no threshold there is recommended\n");
    }
    if let Some(attacks) = &calibration.attacks {
        let mut table = Table::new(["faceAttackScore >=", "", "worst APCER", "kind", "BPCER"]);
        for at in &attacks.at {
            let worst = at.apcer.get(&at.worst).map(share).unwrap_or_default();
            let name = match &at.name {
                Some(name) => name.clone(),
                None if at.of_policy => "(policy)".to_owned(),
                None => String::new(),
            };
            let threshold = cut(at.threshold, at.exclusive);
            table.row([threshold, name, worst, at.worst.clone(), share(&at.bpcer)]);
        }
        text += &format!("\n{table}");
    }
    text + &issues(&calibration.issues, data)
}

/// Why figures that count scores on the grid are missing. The grid has 10,000 steps.
fn not_available(outside: u64, top: f64) -> String {
    format!(
        "not available: {} outside 0 to {top}",
        if outside == 1 { "1 score is".to_owned() } else { format!("{} scores are", thousands(outside)) }
    )
}

pub(super) fn drift(drift: &Drift, data: &Data) -> String {
    let months = |(first, last): &(String, String)| {
        if first == last { first.clone() } else { format!("{first}..{last}") }
    };
    let mut text = format!("{} against {}\n\n", months(&drift.current), months(&drift.reference));
    let mut table = Table::new(["score", "rows", "PSI", "by chance", "KS D", "p", "JS", "moved by"]);
    let number = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.4}"));
    for moved in &drift.scores {
        table.row([
            moved.score.to_owned(),
            thousands(moved.current.0),
            number(moved.psi),
            number(moved.psi_critical),
            number(moved.ks),
            moved.ks_p.map_or_else(|| "-".to_owned(), chance),
            number(moved.js),
            moved.moved_by.map_or_else(|| "-".to_owned(), |by| format!("{by:+.4}")),
        ]);
    }
    text += &table.to_string();
    for ScoreShift { score, score_grid, outside_grid, .. } in &drift.scores {
        if *outside_grid > 0 {
            let why = not_available(*outside_grid, score_grid * 10_000.0);
            text += &format!("{score}: PSI, KS, JS and the shift are {why}\n");
        }
    }
    for moved in drift.scores.iter().filter(|moved| !moved.between.is_empty()) {
        let mut table = Table::new([moved.score, "reference", "current"]);
        for band in &moved.between {
            table.row([band.to_string(), rate(band.reference), rate(band.current)]);
        }
        text += &format!("\n{table}");
    }
    let mut table = Table::new(["month", "rows", "tenth", "median", "ninetieth", "PSI", "by chance"]);
    for month in &drift.months {
        let row = [month.tenth, month.median, month.ninetieth, month.psi, month.psi_critical].map(number);
        let [tenth, median, ninetieth, psi, chance] = row;
        table.row([month.month.clone(), thousands(month.rows), tenth, median, ninetieth, psi, chance]);
    }
    text += &format!("\n{table}");
    let grids: Vec<String> = drift
        .scores
        .iter()
        .map(|moved| format!("{} in steps of {}", moved.score, moved.score_grid))
        .collect();
    text += &format!(
        "the shares between the policy's thresholds are exact; all else counts {}\n",
        grids.join(", ")
    );
    text + &issues(&drift.issues, data)
}

/// The most skipped files that are listed.
const SKIPPED: usize = 20;

/// What was not understood, with the first few places; and the files that were not read.
fn issues(issues: &[DataIssue], data: &Data) -> String {
    let mut text = String::new();
    for issue in issues {
        let left_out = if issue.left_out { ", and was left out" } else { "" };
        text += &format!("{}: each {}{left_out}\n", rows(issue.rows), issue.message);
        for point in &issue.locations {
            text += &format!("    {}:{}\n", data.name(point.source), point.line);
        }
    }
    let skipped = data.skipped();
    if !skipped.is_empty() {
        text += &format!("not read, {} in the given folders:\n", thousands(skipped.len() as u64));
        text.extend(skipped.iter().take(SKIPPED).map(|skipped| format!("    {skipped}\n")));
        if skipped.len() > SKIPPED {
            text += "    ..\n";
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}
