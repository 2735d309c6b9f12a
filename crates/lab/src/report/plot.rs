//! Plots as SVG: axes that people know, lines, bands, bars. Colours are the page's, by class.

use crate::stats::probit;

const WIDTH: f64 = 660.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 44.0;

/// How values lie on an axis.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale {
    Linear(f64, f64),
    /// By powers of ten.
    Log(f64, f64),
    /// By the normal distribution, as DET plots have it: two normal distributions of scores make a straight line.
    Probit(f64, f64),
}

impl Scale {
    /// From 0 to 1; values beyond the ends lie on them.
    fn place(self, value: f64) -> f64 {
        let (low, high, value) = match self {
            Self::Linear(low, high) => (low, high, value),
            Self::Log(low, high) => (low.log10(), high.log10(), value.max(low).log10()),
            Self::Probit(low, high) => (probit(low), probit(high), probit(value.clamp(low, high))),
        };
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear(low, high) => {
                let step = nice_step((high - low) / 6.0);
                let first = (low / step).ceil();
                (0..20)
                    .map(|at| (first + f64::from(at)) * step)
                    .take_while(|at| *at <= high + step * 1e-9)
                    .collect()
            }
            Self::Log(low, high) => (-12..=12)
                .map(|power| 10_f64.powi(power))
                .filter(|at| *at >= low * 0.999 && *at <= high * 1.001)
                .collect(),
            Self::Probit(low, high) => {
                let all = [1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8];
                all.into_iter().filter(|at| *at >= low * 0.999 && *at <= high * 1.001).collect()
            }
        }
    }
}

fn nice_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-12).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= least * 0.999);
    step.unwrap_or(10.0) * power
}

/// A number on an axis, short.
fn short(value: f64) -> String {
    let size = value.abs();
    match () {
        () if size == 0.0 => "0".to_owned(),
        () if size >= 1e6 => format!("{}M", round(value / 1e6)),
        () if size >= 1e4 => format!("{}k", round(value / 1e3)),
        () if size < 1e-3 => format!("{value:.0e}"),
        () => round(value),
    }
}

fn round(value: f64) -> String {
    format!("{}", (value * 1e4).round() / 1e4)
}

/// A plot that is being drawn.
#[derive(Debug)]
pub(super) struct Plot {
    x: Scale,
    y: Scale,
    body: String,
    legend: Vec<(&'static str, String)>,
}

impl Plot {
    pub(super) fn new(x: Scale, y: Scale) -> Self {
        Self { x, y, body: String::new(), legend: Vec::new() }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM),
        )
    }

    fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        let mut last = (f64::NAN, f64::NAN);
        for point in points {
            let (x, y) = self.at(point);
            // What lies in the same place of the picture is drawn once.
            if (x - last.0).abs() < 0.4 && (y - last.1).abs() < 0.4 {
                continue;
            }
            last = (x, y);
            path.push_str(&format!("{}{x:.1} {y:.1}", if path.is_empty() { "M" } else { "L" }));
        }
        path
    }

    pub(super) fn named(&mut self, class: &'static str, name: &str) -> &mut Self {
        self.legend.push((class, name.to_owned()));
        self
    }

    pub(super) fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) -> &mut Self {
        let path = self.path(points);
        self.body.push_str(&format!("<path class='line {class}' d='{path}'/>"));
        self
    }

    /// Between two lines of the same length.
    pub(super) fn band(&mut self, class: &str, points: &[(f64, f64, f64)]) -> &mut Self {
        let lower = points.iter().map(|(x, low, _)| (*x, *low));
        let upper = points.iter().rev().map(|(x, _, high)| (*x, *high));
        let path = self.path(lower.chain(upper));
        self.body.push_str(&format!("<path class='band {class}' d='{path}Z'/>"));
        self
    }

    /// Filled down to the bottom, each from `x` to `x + width`.
    pub(super) fn bars(
        &mut self,
        class: &str,
        width: f64,
        bars: impl IntoIterator<Item = (f64, f64)>,
    ) -> &mut Self {
        let mut path = String::new();
        for (x, y) in bars {
            let ((left, top), (right, _)) = (self.at((x, y)), self.at((x + width, y)));
            if y > 0.0 {
                path.push_str(&format!(
                    "M{left:.1} {:.1}V{top:.1}H{right:.1}V{:.1}Z",
                    HEIGHT - BOTTOM,
                    HEIGHT - BOTTOM
                ));
            }
        }
        self.body.push_str(&format!("<path class='bars {class}' d='{path}'/>"));
        self
    }

    pub(super) fn dot(&mut self, class: &str, point: (f64, f64), name: &str) -> &mut Self {
        let (x, y) = self.at(point);
        let name = escape(name);
        self.body.push_str(&format!(
            "<circle class='dot {class}' cx='{x:.1}' cy='{y:.1}' r='4'><title>{name}</title></circle>"
        ));
        self
    }

    /// A line from top to bottom, with its name beside it. Names that would lie on each other are put lower.
    pub(super) fn rules(&mut self, rules: &[(f64, String)]) -> &mut Self {
        let mut rules: Vec<_> = rules.iter().collect();
        rules.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        for (number, (value, name)) in rules.into_iter().enumerate() {
            let (x, _) = self.at((*value, 0.0));
            let y = TOP + 11.0 + 13.0 * (number % 4) as f64;
            let (anchor, beside) = if x > WIDTH * 0.7 { ("end", x - 4.0) } else { ("start", x + 4.0) };
            let (bottom, name) = (HEIGHT - BOTTOM, escape(name));
            self.body.push_str(&format!("<path class='rule' d='M{x:.1} {TOP}V{bottom}'/><text class='name' x='{beside:.1}' y='{y:.1}' text-anchor='{anchor}'>{name}</text>"
            ));
        }
        self
    }

    /// The picture, for readers who see and for those who do not.
    pub(super) fn svg(
        &self,
        title: &str,
        x_name: &str,
        y_name: &str,
        x_label: impl Fn(f64) -> String,
    ) -> String {
        let (title, x_name, y_name) = (escape(title), escape(x_name), escape(y_name));
        let mut svg = format!("<figure><svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{title}'>");
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in self.y.ticks() {
            let (_, y) = self.at((0.0, tick));
            svg.push_str(&format!("<path class='grid' d='M{LEFT} {y:.1}H{right}'/><text x='{:.1}' y='{:.1}' text-anchor='end'>{}</text>",
                LEFT - 6.0,
                y + 4.0,
                short(tick)
            ));
        }
        for tick in self.x.ticks() {
            let (x, _) = self.at((tick, 0.0));
            svg.push_str(&format!("<path class='tick' d='M{x:.1} {bottom}v4'/><text x='{x:.1}' y='{:.1}' text-anchor='middle'>{}</text>",
                bottom + 17.0,
                escape(&x_label(tick))
            ));
        }
        svg.push_str(&format!("<path class='axis' d='M{LEFT} {TOP}V{bottom}H{right}'/>{}", self.body));
        svg.push_str(&format!(
            "<text class='axis-name' x='{:.1}' y='{:.1}' text-anchor='middle'>{x_name}</text>",
            LEFT + (right - LEFT) / 2.0,
            HEIGHT - 6.0
        ));
        svg.push_str(&format!("<text class='axis-name' transform='translate(13 {:.1}) rotate(-90)' text-anchor='middle'>{y_name}</text></svg>",
            TOP + (bottom - TOP) / 2.0
        ));
        svg.push_str("<figcaption>");
        for (class, name) in &self.legend {
            svg.push_str(&format!("<span class='key {class}'></span>{} ", escape(name)));
        }
        svg + "</figcaption></figure>"
    }
}

/// Axis labels of plain numbers.
pub(super) fn plain(value: f64) -> String {
    short(value)
}

/// Text in SVG, in attributes in single quotes too.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&quot;"),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_go_from_end_to_end() {
        for scale in [Scale::Linear(2.0, 10.0), Scale::Log(1e-5, 1.0), Scale::Probit(1e-5, 0.5)] {
            let ticks = scale.ticks();
            assert!(ticks.len() >= 3, "{scale:?} {ticks:?}");
            assert!(ticks.windows(2).all(|pair| scale.place(pair[0]) < scale.place(pair[1])), "{scale:?}");
        }
        assert_eq!([Scale::Log(1e-5, 1.0).place(0.0), Scale::Log(1e-5, 1.0).place(1.0)], [0.0, 1.0]);
        assert!((Scale::Probit(0.1, 0.9).place(0.5) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn no_name_is_markup() {
        let mut plot = Plot::new(Scale::Linear(0.0, 1.0), Scale::Linear(0.0, 1.0));
        plot.rules(&[(0.5, "<script>'\"&".to_owned())]).named("a", "<b>");
        let svg = plot.svg("<i>", "<u>", "'", plain);
        assert!(
            !svg.contains("<script") && !svg.contains("<b>") && !svg.contains("<i>") && !svg.contains("<u>")
        );
    }
}
