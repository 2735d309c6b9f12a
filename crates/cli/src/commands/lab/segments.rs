//! `cloudauth lab segments`: rates by segment, and whether they differ.

use cloudauth_lab::{GroupFinding, GroupRate, GroupRates, LargestGap, Segment, SegmentRates, chance};

use super::run::{self, Data, Wanted};
use super::show::print;
use super::table::{Table, rate};
use super::words::{basis, cut, doubts, issues, share, shown as value_of};
use crate::args;
use crate::commands::policy::load;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::lab::{self as said, plan as texts};

pub(super) async fn segments(
    policy: &str,
    data: args::Data,
    by: &[String],
    output: &Output,
) -> Result<u8, Failure> {
    let mut data = Data::find(data, &[policy], None)?;
    if by.len() > 2 {
        return Err(Failure::usage(texts::TOO_MANY_CROSSED));
    }
    let crossed = checked(&data, by)?;
    let wanted = Wanted { crossed, segment_people: true, ..Wanted::default() };
    let ran = data.run(vec![load(policy)?], wanted, output).await?;
    let rates = SegmentRates::by(&ran.tally, by)?;
    if rates.segments.is_empty() {
        return Err(Failure::usage(texts::NO_SEGMENTS));
    }
    print(output, &ran.tally, &shown(&rates, &data, output), &rates, data.told(&ran))?;
    Ok(run::exit_code(&ran, output))
}

/// Checks names of segments before data is read, and returns the two that are crossed, if there are two.
pub(super) fn checked(data: &Data, by: &[String]) -> Result<Option<(String, String)>, Failure> {
    if !data.has_segments() {
        return Err(Failure::usage(texts::NO_SEGMENTS));
    }
    data.check(|mapping| mapping.check_segments(by))?;
    Ok(match by {
        [first, second] => Some((first.clone(), second.clone())),
        _ => None,
    })
}

/// The rates as text.
pub(super) fn shown(rates: &SegmentRates, data: &Data, output: &Output) -> String {
    let policy = format!("{} {}", rates.policy.id, rates.policy.version);
    let mut text = output.pick(texts::segments(&policy));
    text += &doubts(&rates.warnings, output);
    for (name, segment) in &rates.segments {
        for (what, rates) in by_name(segment) {
            text += &table(name, what, rates, output);
        }
        for at in &segment.thresholds {
            let name_of = at.name.as_deref().unwrap_or(output.say(said::UNNAMED));
            let threshold = format!("{name_of} {}", cut(at.threshold, at.exclusive));
            text += &table(name, &output.pick(texts::fmr_at(&threshold)), &at.fmr, output);
            text += &table(name, &output.pick(texts::fnmr_at(&threshold)), &at.fnmr, output);
        }
        if segment.rests_on != rates.rests_on {
            text += &output.pick(texts::too_many_values(name));
        }
    }
    let by_people = rates.people.is_some();
    text += output.say(if by_people { texts::HOW_COMPARED_OVER_PEOPLE } else { texts::HOW_COMPARED });
    text += &basis(said::Figures::IntervalsAndTests, rates.rests_on, rates.people, output);
    text + &issues(&rates.issues, data, output)
}

fn by_name(segment: &Segment) -> [(&'static str, &GroupRates); 4] {
    [
        ("impostors approved", &segment.fraud_approved),
        ("genuine people not approved", &segment.customers_not_approved),
        ("approve", &segment.approved),
        ("review", &segment.reviewed),
    ]
}

/// The table of one rate, without rates of no attempt.
fn table(name: &str, what: &str, rates: &GroupRates, output: &Output) -> String {
    if rates.values.is_empty() {
        return String::new();
    }
    let heading = if rates.tests() > 1 { "p (Holm)" } else { "p" };
    let mut table = Table::new(["", what, heading, ""], output.language).named(name);
    for (number, (value, GroupRate { rate, p, finding, .. })) in rates.values.iter().enumerate() {
        let p = match rates.tests() {
            0 => "-".to_owned(),
            tests if number < tests => chance(*p),
            _ => String::new(),
        };
        let finding = match finding {
            GroupFinding::Differs => output.say(texts::DIFFERS),
            GroupFinding::Same => "",
            GroupFinding::TooFew => output.say(texts::TOO_FEW),
        };
        table.row([value_of(value, output), share(rate, output), p, finding.to_owned()]);
    }
    let gap = rates.largest.as_ref().map(|gap| largest(gap, output)).unwrap_or_default();
    format!("{table}{gap}\n")
}

fn largest(gap: &LargestGap, output: &Output) -> String {
    let number = |number: f64| format!("{number:.2}");
    let (low, high) = gap.ratio_interval;
    let high = high.map_or_else(|| "∞".to_owned(), number);
    let (from, to) = gap.difference_interval;
    output.pick(texts::largest(
        &value_of(&gap.highest, output),
        &value_of(&gap.lowest, output),
        &output.pick(said::interval(&gap.ratio_text(), &number(low), &high)),
        &output.pick(said::interval(&rate(gap.difference), &rate(from), &rate(to))),
    ))
}
