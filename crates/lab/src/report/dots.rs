//! Rates as dots with their intervals, one below the other, on one scale; above all those of segments.

use std::cmp::Reverse;

use minijinja::value::Serde;
use minijinja::{Value, context};

use super::charts::threshold_name;
use super::filters::segment;
use super::plot::escape;
use super::scale::{Axis, Scale};
use super::words::Words;
use crate::analysis::figures::{chance, percent};
use crate::analysis::proportion::Proportion;
use crate::analysis::segment_rates::{GroupFinding, GroupRate, GroupRates, Segment, SegmentRates};

const WIDTH: f64 = 520.0;
const MARGIN: f64 = 22.0;
/// The height of a value: its name, and its interval below.
const ROW: f64 = 40.0;
const BOTTOM: f64 = 26.0;
/// The least distance of two dashed lines.
const LINES_APART: f64 = 6.0;
/// The most values of a chart: those with the most attempts.
const MOST: usize = 20;
/// The longest name, in characters; a Chinese one takes twice the room.
const LONGEST: usize = 28;

/// Returns the charts of each segment, by its name, and what their intervals rest on. `None` without segments.
pub(super) fn segments(rates: &SegmentRates, words: Words) -> Option<Value> {
    let of = |(name, segment): (&String, &Segment)| {
        let rests_on = Value::from(Serde(&segment.rests_on));
        context! { name, rests_on, charts => charts(name, segment, words) }
    };
    let all: Vec<Value> = rates.segments.iter().map(of).collect();
    let (rests_on, people) = (Value::from(Serde(&rates.rests_on)), Value::from(Serde(&rates.people)));
    (!all.is_empty()).then(|| context! { all, rests_on, people })
}

fn charts(name: &str, segment: &Segment, words: Words) -> Vec<Value> {
    let fixed = [
        (words.get("fraud_approved").to_owned(), "impostor", &segment.fraud_approved),
        (words.get("not_approved").to_owned(), "genuine", &segment.customers_not_approved),
        (words.get("approve").to_owned(), "approve", &segment.approved),
        (words.get("review").to_owned(), "review", &segment.reviewed),
    ];
    let at = segment.thresholds.iter().flat_map(|at| {
        let name = threshold_name(at.name.as_deref(), at.exclusive, at.threshold);
        let title = |rate: &str| format!("{rate}, {name}");
        [(title("FMR"), "impostor", &at.fmr), (title("FNMR"), "genuine", &at.fnmr)]
    });
    let drawn = fixed.into_iter().chain(at).filter(|(_, _, rates)| !rates.values.is_empty());
    drawn
        .map(|(title, class, rates)| {
            let svg = chart(name, &title, class, rates, words);
            let has_several = rates.values.len() > 1;
            context! { title, svg => Value::from_safe_string(svg), has_several, gap => gap(name, rates, words) }
        })
        .collect()
}

/// Returns the largest gap with its intervals, and the p-values of both values, or that of their only test. `None` if too few
/// values have enough attempts.
fn gap(name: &str, rates: &GroupRates, words: Words) -> Option<Value> {
    let gap = rates.largest.as_ref()?;
    let p = |value: &str| rates.values.get(value).map(|group| group.p);
    let number = |number: f64| format!("{number:.2}");
    let (from, to) = gap.ratio_interval;
    let (low, high) = gap.difference_interval;
    let to = to.map_or_else(|| "∞".to_owned(), number);
    let sign = words.get("percent").replace(' ', "\u{a0}");
    context! {
        highest => segment(&gap.highest, name, words),
        lowest => segment(&gap.lowest, name, words),
        ratio => format!("{} ({}–{to})", gap.ratio_text(), number(from)),
        difference => format!("{}{sign} ({}\u{a0}…\u{a0}{}{sign})", percent(gap.difference), percent(low), percent(high)),
        p_highest => p(&gap.highest),
        p_lowest => p(&gap.lowest).filter(|_| rates.tests() > 1),
    }
    .into()
}

/// Draws the rates of one kind of a segment. The dashed line is the rate of all values together.
fn chart(of: &str, title: &str, class: &str, rates: &GroupRates, words: Words) -> String {
    let mut values: Vec<(&String, &GroupRate)> = rates.values.iter().collect();
    values.sort_by_key(|(_, group)| Reverse(group.rate.of));
    let sum = |of: fn(&GroupRate) -> u64| values.iter().map(|(_, group)| of(group)).sum::<u64>() as f64;
    let all = sum(|group| group.rate.count) / sum(|group| group.rate.of);
    let left_out = values.len().saturating_sub(MOST);
    let dot = |(number, (value, group)): (usize, &(&String, &GroupRate))| {
        let finding = match group.finding {
            GroupFinding::Differs => format!("{} · ", words.get("differs")),
            GroupFinding::TooFew => format!("{} · ", words.get("too_few")),
            GroupFinding::Same => String::new(),
        };
        let p = words.get(if rates.tests() > 1 { "p_holm" } else { "p" });
        let after = if number < rates.tests() { format!(", {p} {}", chance(group.p)) } else { String::new() };
        Dot { name: segment(value, of, words), class: "", before: finding, after, rate: group.rate }
    };
    let dots: Vec<Dot> = values.iter().take(MOST).enumerate().map(dot).collect();
    let more = if left_out > 0 { format!(" … +{left_out}") } else { String::new() };
    draw(
        &format!("{of}: {title}"),
        class,
        &dots,
        (&[all], &format!("{}{more}", words.get("all_together"))),
        words,
    )
}

/// A rate with its interval.
pub(super) struct Dot {
    pub(super) name: String,
    /// Classes of this dot alone.
    pub(super) class: &'static str,
    /// Text before the rate, and text after its interval, which is shown when the pointer is on the dot.
    pub(super) before: String,
    pub(super) after: String,
    pub(super) rate: Proportion,
}

/// Draws dots on one scale, with dashed lines at these rates, and a caption.
pub(super) fn draw(
    title: &str,
    class: &str,
    dots: &[Dot],
    (rules, caption): (&[f64], &str),
    words: Words,
) -> String {
    let ends = dots.iter().map(|dot| dot.rate.high).chain(rules.iter().copied());
    let most = ends.fold(0.0, f64::max).clamp(1e-6, 1.0);
    let axis = Axis::shares(Scale::Linear(0.0, most), "", words.get("percent"));
    let across = |share: f64| MARGIN + axis.scale.place(share) * (WIDTH - 2.0 * MARGIN);
    let bottom = ROW * dots.len() as f64 + 4.0;
    let mut svg = format!(
        "<figure><svg viewBox='0 0 {WIDTH} {}' role='img' aria-label='{}'>",
        bottom + BOTTOM,
        escape(title)
    );
    for (number, (tick, label)) in axis.ticks.iter().enumerate() {
        let (x, label) = (across(*tick), escape(label));
        let odd = if number % 2 == 1 { " class='odd'" } else { "" };
        svg += &format!(
            "<path class='grid' d='M{x:.1} 0V{bottom}'/><text{odd} x='{x:.1}' y='{:.1}' text-anchor='middle'>{label}</text>",
            bottom + 20.0
        );
    }
    let mut lines: Vec<f64> = rules.iter().map(|rule| across(*rule)).collect();
    // Lines that would touch are drawn once.
    lines.dedup_by(|x, last| (*x - *last).abs() < LINES_APART);
    for x in lines {
        svg += &format!("<path class='rule' d='M{x:.1} 0V{bottom}'/>");
    }
    for (number, Dot { name, class: own, before, after, rate: Proportion { rate, low, high, .. } }) in
        dots.iter().enumerate()
    {
        let top = ROW * number as f64;
        let rate = rate.unwrap_or_default();
        let shown = |share: f64| format!("{}{}", percent(share), words.get("percent"));
        let whole = escape(&format!("{name}: {} ({}–{}){after}", shown(rate), shown(*low), shown(*high)));
        let (name, text, middle) = (escape(&short(name)), top + 17.0, top + 29.0);
        svg += &format!(
            "<text class='name' x='{MARGIN}' y='{text:.1}'>{name}</text><text class='name' x='{:.1}' y='{text:.1}' text-anchor='end'>{before}{}</text><path class='line {class}' d='M{:.1} {middle:.1}H{:.1}'/><circle class='dot {class}{own}' cx='{:.1}' cy='{middle:.1}' r='4.5'><title>{whole}</title></circle>",
            WIDTH - MARGIN,
            shown(rate),
            across(*low),
            across(*high),
            across(rate),
        );
    }
    svg + &format!("</svg><figcaption>{}</figcaption></figure>", escape(caption))
}

/// Shortens a name to leave room for the rate beside it. Both values of a pair keep their beginning.
fn short(whole: &str) -> String {
    let name = cut(whole, LONGEST);
    match whole.split_once(" × ").filter(|_| name.ends_with('…')) {
        Some((first, second)) => {
            format!("{} × {}", cut(first, LONGEST / 2 - 2), cut(second, LONGEST / 2 - 2))
        }
        None => name,
    }
}

fn cut(whole: &str, mut room: usize) -> String {
    let mut name = String::new();
    for char in whole.chars() {
        let width = if char.is_ascii() { 1 } else { 2 };
        if room < width {
            name.push('…');
            break;
        }
        room -= width;
        name.push(if char.is_control() { ' ' } else { char });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn long_names_are_cut_and_missing_ones_are_said() {
        let words = Words::of(Language::Zh);
        let named = |value: &str| short(&segment(value, "channel × region", words));
        assert_eq!((named(""), named("app\n1")), ("（无）".to_owned(), "app 1".to_owned()));
        assert_eq!(named("（无）"), "\"（无）\"");
        assert_eq!([named(" × north"), named("（无） × ")], ["（无） × north", "\"（无）\" × （无）"]);
        assert_eq!(named("a ×× b"), "a ×× b");
        assert_eq!([" × north", ""].map(|value| segment(value, "channel", words)), [" × north", "（无）"]);
        let long = "a".repeat(20);
        assert_eq!(short(&format!("{long} × {long}")), format!("{0}… × {0}…", "a".repeat(12)));
        let (short_enough, long) = (format!("{} × north", "a".repeat(19)), format!("{long} × north"));
        assert_eq!(
            (short(&short_enough), short(&long)),
            (short_enough, format!("{}… × north", "a".repeat(12)))
        );
        assert_eq!(short(&"a".repeat(28)), "a".repeat(28));
        assert_eq!(short(&"a".repeat(29)), format!("{}…", "a".repeat(28)));
        assert_eq!(short(&"渠".repeat(20)), format!("{}…", "渠".repeat(14)));
    }
}
