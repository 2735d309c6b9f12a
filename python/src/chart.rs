//! The chart of a sweep, as SVG: a panel for each rate by the value of the threshold, with its 95 % interval.
//!
//! The report of the lab has a plotter of its own. Its charts are parts of a page: they are HTML around an SVG without colours, which
//! have them from the style sheet of that page, light or dark. A notebook shows a chart alone, so it needs an SVG that is a document
//! with its own colours, from the JSON document that an `Analysis` holds. Both from one plotter would make charts, styles and the
//! reading of documents part of the lab's public API.

use pyo3::prelude::*;
use serde_json::Value;

use crate::html::escaped;

/// The size of a panel, and the edges of its plot.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 306.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 168.0;
/// The most intervals between ticks.
const TICKS: f64 = 4.0;
/// The colour of text and axes. It is readable on white and on black, as those of the lines are.
const GREY: &str = "#767676";

/// A chart.
#[pyclass(frozen, module = "cloudauth")]
pub(crate) struct Chart {
    /// The chart as a document of SVG.
    #[pyo3(get)]
    pub(crate) svg: String,
}

#[pymethods]
impl Chart {
    fn __repr__(&self) -> &'static str {
        "<cloudauth.Chart>"
    }

    fn _repr_svg_(&self) -> &str {
        &self.svg
    }
}

/// A value of the threshold, and its rate with the ends of the interval; none if the policy fails its check with the value.
type Point = (f64, Option<[f64; 3]>);

/// A chart of one rate.
struct Panel<'d> {
    title: &'static str,
    colour: &'static str,
    /// What the values are multiplied by, and the unit behind them.
    unit: (f64, &'static str),
    threshold: &'d str,
    current: f64,
    points: Vec<Point>,
}

/// Returns the chart of the document of a sweep; `None` for other documents, and without labels.
pub(crate) fn sweep(document: &Value) -> Option<Chart> {
    let values = document.get("values")?.as_array()?;
    let threshold = document.get("threshold")?.as_str()?;
    let current = document.get("current")?.as_f64()?;
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_f64);
    let panel = |title, colour, unit, of: &str, rate: &str| {
        let point = |value: &Value| {
            let found = value.pointer(of);
            let found =
                found.and_then(|of| Some([number(of, rate)?, number(of, "low")?, number(of, "high")?]));
            Some((number(value, "value")?, found))
        };
        let points = values.iter().filter_map(point).collect();
        Panel { title, colour, unit, threshold, current, points }.svg()
    };
    let (percent, customers) = ((100.0, " %"), "/outcome/customers_not_approved");
    let panels = [
        panel("impostors approved", "#c8553d", percent, "/outcome/fraud_approved", "rate"),
        panel("genuine people not approved", "#2f7fb8", percent, customers, "rate"),
        panel("cost of 1,000 attempts", "#7f8c2e", (1.0, ""), "/outcome/cost", "per_1000"),
    ];
    let (mut parts, mut width) = (String::new(), 0.0);
    for panel in panels.into_iter().flatten() {
        parts += &format!("<g transform=\"translate({width} 0)\">{panel}</g>");
        width += WIDTH;
    }
    (width > 0.0).then(|| Chart {
        svg: format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" \
             height=\"{HEIGHT}\" style=\"max-width:100%;height:auto\" fill=\"{GREY}\" font-family=\"sans-serif\" font-size=\"11\">\
             <title>Rates by {}, with 95 % intervals</title>{parts}</svg>",
            escaped(threshold)
        ),
    })
}

impl Panel<'_> {
    /// Returns the panel; `None` if no value has the rate.
    fn svg(&self) -> Option<String> {
        let highest = self.points.iter().filter_map(|(_, found)| found.map(|[_, _, high]| high));
        let highest = highest.reduce(f64::max)?;
        let (first, last) = (self.points.first()?.0, self.points.last()?.0);
        let (first, last) = if first < last { (first, last) } else { (first - 1.0, last + 1.0) };
        let highest = (highest * self.unit.0).max(f64::MIN_POSITIVE);
        let step = tick(highest);
        let top = (highest / step).ceil() * step;
        let x = |value: f64| LEFT + (value - first) / (last - first) * (RIGHT - LEFT);
        let y = |rate: f64| BOTTOM - rate * self.unit.0 / top * (BOTTOM - TOP);
        let (title, threshold) = (self.title, escaped(self.threshold));
        let mut svg = format!("<text x=\"4\" y=\"16\" font-size=\"13\" font-weight=\"600\">{title}</text>");
        for number in 0..=(top / step).round() as u32 {
            let value = f64::from(number) * step;
            let (at, text) = (y(value / self.unit.0), shown(value, step) + self.unit.1);
            svg += &format!(
                "<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"{GREY}\" stroke-opacity=\"0.3\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 6.0,
                at + 4.0
            );
        }
        let step = tick(last - first);
        let mut value = (first / step).ceil() * step;
        while value <= last + step / 1e6 {
            svg += &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                x(value),
                BOTTOM + 16.0,
                shown(value, step)
            );
            value += step;
        }
        svg += &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{threshold}</text>",
            (LEFT + RIGHT) / 2.0,
            BOTTOM + 34.0
        );
        if (first..=last).contains(&self.current) {
            let at = x(self.current);
            svg += &format!(
                "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\" stroke=\"{GREY}\" \
                 stroke-dasharray=\"3 3\"><title>the policy's value</title></line>"
            );
        }
        // An invalid value breaks the line.
        for part in self.points.chunk_by(|one, next| one.1.is_some() == next.1.is_some()) {
            let (begin, end) = (x(part.first()?.0), x(part.last()?.0));
            let rates: Vec<(f64, [f64; 3])> =
                part.iter().filter_map(|(value, found)| Some((x(*value), (*found)?.map(y)))).collect();
            let colour = self.colour;
            match rates.as_slice() {
                [] => {
                    svg += &format!(
                        "<line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{BOTTOM}\" y2=\"{BOTTOM}\" stroke=\"{GREY}\" stroke-width=\"6\" \
                         stroke-opacity=\"0.7\"><title>the policy fails its check</title></line>",
                        begin - 3.0,
                        end + 3.0
                    );
                }
                [(x, [rate, low, high])] => {
                    svg += &format!(
                        "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\" stroke=\"{colour}\" \
                         stroke-opacity=\"0.5\"/><circle cx=\"{x:.1}\" cy=\"{rate:.1}\" r=\"2.5\" fill=\"{colour}\"/>"
                    );
                }
                rates => {
                    let lows = rates.iter().map(|(x, [_, low, _])| format!("{x:.1},{low:.1}"));
                    let highs = rates.iter().rev().map(|(x, [_, _, high])| format!("{x:.1},{high:.1}"));
                    let line = rates.iter().map(|(x, [rate, _, _])| format!("{x:.1},{rate:.1}"));
                    let [band, line] = [lows.chain(highs).collect::<Vec<_>>(), line.collect()];
                    svg += &format!(
                        "<polygon points=\"{}\" fill=\"{colour}\" fill-opacity=\"0.2\"/>\
                         <polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                        band.join(" "),
                        line.join(" ")
                    );
                }
            }
        }
        Some(svg)
    }
}

/// Returns the distance of ticks in a range: 1, 2 or 5 times a power of ten.
fn tick(range: f64) -> f64 {
    let least = range / TICKS;
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].map(|times| times * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// Shows a tick with the decimals of its distance to the next one.
fn shown(value: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}")
}
