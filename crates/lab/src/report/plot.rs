//! Plots as SVG: axes, lines, bands, areas. The page's classes set the colours. A value that is not a number leaves a gap.

use super::scale::Axis;

const WIDTH: f64 = 520.0;
/// The size of the area between the axes.
const INNER: f64 = 240.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 18.0;
const BOTTOM: f64 = 50.0;
/// The height of a line of text, and the approximate width of a character.
const LINE: f64 = 16.0;
const CHAR: f64 = 6.8;
/// The horizontal distance between two lines of a hatched range.
const HATCH: f64 = 9.0;

/// A plot under construction.
#[derive(Debug)]
pub(super) struct Plot {
    x: Axis,
    y: Axis,
    top: f64,
    body: String,
    legend: Vec<(&'static str, String)>,
}

impl Plot {
    /// Starts a plot with a vertical line at each of `rules`. Their names are above the plot, so that they cover nothing.
    pub(super) fn new(x: Axis, y: Axis, rules: &[(f64, String)]) -> Self {
        let mut plot = Self { x, y, top: 31.0, body: String::new(), legend: Vec::new() };
        let mut rules: Vec<_> = rules.iter().filter(|(value, _)| value.is_finite()).collect();
        rules.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        // The name of the lowest rule is on its left, unless it would cover the labels of the vertical axis. The other names
        // are on the right. Each takes the first line with enough room.
        let (mut ends, mut names): (Vec<f64>, Vec<_>) = (Vec::new(), Vec::new());
        for (number, (value, name)) in rules.iter().enumerate() {
            let (x, width) = (plot.across(*value), CHAR * name.chars().count() as f64 + 8.0);
            let to_left = x - width > LEFT && (number == 0 || x + width > WIDTH);
            let (from, to) = if to_left { (x - width, x) } else { (x, x + width) };
            let line = ends.iter().position(|end| *end <= from).unwrap_or(ends.len());
            match ends.get_mut(line) {
                Some(end) => *end = to,
                None => ends.push(to),
            }
            names.push((x, to_left, line, escape(name)));
        }
        plot.top += LINE * ends.len() as f64;
        let (top, bottom) = (plot.top, plot.bottom());
        for (x, to_left, line, name) in names {
            let y = top - 5.0 - LINE * line as f64;
            let (anchor, beside) = if to_left { ("end", x - 4.0) } else { ("start", x + 4.0) };
            plot.body.push_str(&format!(
                "<path class='rule' d='M{x:.1} {:.1}V{bottom}'/><text class='name' x='{beside:.1}' y='{y:.1}' text-anchor='{anchor}'>{name}</text>",
                y - 9.0
            ));
        }
        plot
    }

    fn bottom(&self) -> f64 {
        self.top + INNER
    }

    fn across(&self, x: f64) -> f64 {
        LEFT + self.x.scale.place(x) * (WIDTH - LEFT - RIGHT)
    }

    fn down(&self, y: f64) -> f64 {
        self.bottom() - self.y.scale.place(y) * INNER
    }

    fn path(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        // The position of the last point, and the number of points since the last gap.
        let (mut last, mut drawn) = ((f64::NAN, f64::NAN), 0);
        // A single point is drawn as a dot.
        let end = |drawn: u32| if drawn == 1 { "h0" } else { "" };
        for (x, y) in points {
            if !x.is_finite() || !y.is_finite() {
                path.push_str(end(drawn));
                drawn = 0;
                continue;
            }
            let (x, y) = (self.across(x), self.down(y));
            // Points at the same position of the picture are drawn once.
            if drawn > 0 && (x - last.0).abs() < 0.4 && (y - last.1).abs() < 0.4 {
                continue;
            }
            path.push_str(&format!("{}{x:.1} {y:.1}", if drawn == 0 { "M" } else { "L" }));
            (last, drawn) = ((x, y), drawn + 1);
        }
        path.push_str(end(drawn));
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

    /// Fills the area between two lines of the same length. A gap in either divides it.
    pub(super) fn band(&mut self, class: &str, points: &[(f64, f64, f64)]) -> &mut Self {
        for part in points.split(|(x, low, high)| !(x + low + high).is_finite()) {
            let lower = part.iter().map(|(x, low, _)| (*x, *low));
            let upper = part.iter().rev().map(|(x, _, high)| (*x, *high));
            let path = self.path(lower.chain(upper));
            if !path.is_empty() {
                self.body.push_str(&format!("<path class='band {class}' d='{path}Z'/>"));
            }
        }
        self
    }

    /// Fills the plot from one value of the horizontal axis to another.
    pub(super) fn shade(&mut self, class: &str, from: f64, to: f64) -> &mut Self {
        if from.is_finite() && to.is_finite() {
            let (left, right, top, bottom) = (self.across(from), self.across(to), self.top, self.bottom());
            self.body.push_str(&format!(
                "<path class='{class}' d='M{left:.1} {bottom}V{top}H{right:.1}V{bottom}Z'/>"
            ));
        }
        self
    }

    /// Hatches the plot from one value of the horizontal axis to another.
    pub(super) fn hatch(&mut self, from: f64, to: f64) -> &mut Self {
        if !from.is_finite() || !to.is_finite() {
            return self;
        }
        let (left, right, bottom) = (self.across(from), self.across(to), self.bottom());
        let mut path = String::new();
        // Each line begins at the bottom and rises by one unit for each unit to the right.
        let mut start = left - INNER + HATCH;
        while start < right {
            let (low, high) = (start.max(left), (start + INNER).min(right));
            if low < high {
                let (from, to) = (bottom - (low - start), bottom - (high - start));
                path.push_str(&format!("M{low:.1} {from:.1}L{high:.1} {to:.1}"));
            }
            start += HATCH;
        }
        self.body.push_str(&format!(
            "<path class='broken' d='M{left:.1} {bottom}V{:.1}M{right:.1} {bottom}V{:.1}{path}'/>",
            self.top, self.top
        ));
        self
    }

    /// Draws steps filled down to the bottom, each from `x` to `x + width`. An empty step is not drawn.
    pub(super) fn steps(
        &mut self,
        class: &str,
        width: f64,
        steps: impl IntoIterator<Item = (f64, f64)>,
    ) -> &mut Self {
        let (mut path, mut end) = (String::new(), f64::NAN);
        let bottom = self.bottom();
        for (x, y) in steps.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite() && *y > 0.0) {
            let (left, right, top) = (self.across(x), self.across(x + width), self.down(y));
            if left != end {
                let close = if path.is_empty() { String::new() } else { format!("V{bottom}Z") };
                path.push_str(&format!("{close}M{left:.1} {bottom}"));
            }
            path.push_str(&format!("V{top:.1}H{right:.1}"));
            end = right;
        }
        if !path.is_empty() {
            self.body.push_str(&format!("<path class='steps {class}' d='{path}V{bottom}Z'/>"));
        }
        self
    }

    /// Draws a point with a label, and a longer text when the pointer is on it. The label of a point near the right end is on its left.
    pub(super) fn dot(&mut self, class: &str, (x, y): (f64, f64), word: &str, title: &str) -> &mut Self {
        if x.is_finite() && y.is_finite() {
            let is_near_end = self.across(x) + 8.0 + CHAR * word.chars().count() as f64 > WIDTH - RIGHT;
            let (beside, anchor) = if is_near_end { (-8.0, "end") } else { (8.0, "start") };
            let (x, y, word, title) = (self.across(x), self.down(y), escape(word), escape(title));
            self.body.push_str(&format!("<circle class='dot {class}' cx='{x:.1}' cy='{y:.1}' r='4.5'><title>{title}</title></circle><text class='name' x='{:.1}' y='{:.1}' text-anchor='{anchor}'>{word}</text>",
                x + beside,
                y - 6.0
            ));
        }
        self
    }

    /// Returns the picture, with a description for screen readers.
    pub(super) fn svg(&self, title: &str) -> String {
        let [title, x_name, y_name] = [title, &self.x.name, &self.y.name].map(escape);
        let (top, right, bottom) = (self.top, WIDTH - RIGHT, self.bottom());
        let mut svg = format!(
            "<figure><svg viewBox='0 0 {WIDTH} {}' role='img' aria-label='{title}: {y_name}, {x_name}'>",
            bottom + BOTTOM
        );
        for (tick, label) in &self.y.ticks {
            let (y, label) = (self.down(*tick), escape(label));
            svg.push_str(&format!("<path class='grid' d='M{LEFT} {y:.1}H{right}'/><text x='{:.1}' y='{:.1}' text-anchor='end'>{label}</text>",
                LEFT - 6.0,
                y + 4.0
            ));
        }
        for (number, (tick, label)) in self.x.ticks.iter().enumerate() {
            let (x, label) = (self.across(*tick), escape(label));
            // A small screen has room for every other label.
            let class = if number % 2 == 1 { " class='odd'" } else { "" };
            let is_wide = x + CHAR / 2.0 * label.chars().count() as f64 > WIDTH;
            let (beside, anchor) = if is_wide { (WIDTH, "end") } else { (x, "middle") };
            svg.push_str(&format!("<path class='tick' d='M{x:.1} {bottom}v5'/><text{class} x='{beside:.1}' y='{:.1}' text-anchor='{anchor}'>{label}</text>",
                bottom + 23.0
            ));
        }
        svg.push_str(&format!("<path class='axis' d='M{LEFT} {top}V{bottom}H{right}'/>{}", self.body));
        svg.push_str(&format!(
            "<text class='axis-name' x='{right}' y='{:.1}' text-anchor='end'>{x_name}</text><text class='axis-name' x='0' y='13'>{y_name}</text></svg><figcaption>",
            bottom + 44.0
        ));
        for (class, name) in &self.legend {
            svg.push_str(&format!(
                "<span class='of'><span class='key {class}'></span>{}</span> ",
                escape(name)
            ));
        }
        svg + "</figcaption></figure>"
    }
}

/// Escapes text in SVG, also for attributes in single quotes.
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
    use super::super::scale::Scale;
    use super::*;

    fn axis(low: f64, high: f64) -> Axis {
        Axis::new(Scale::Linear(low, high), "axis")
    }

    /// Returns the range of these points.
    fn drawn(x: Axis, y: Axis, points: &[(f64, f64)]) -> String {
        let mut plot =
            Plot::new(x, y, &points.iter().map(|(x, _)| (*x, "rule".to_owned())).collect::<Vec<_>>());
        let band: Vec<_> = points.iter().map(|(x, y)| (*x, y / 2.0, *y)).collect();
        plot.line("a", points.iter().copied()).band("a", &band).steps("a", 1.0, points.iter().copied());
        plot.line("a", [(0.0, 0.5), (1.0, 0.5)]).named("a", "name");
        for point in points {
            plot.dot("a", *point, "word", "title").hatch(point.0, point.1).shade("b", point.0, point.1);
        }
        plot.svg("title")
    }

    #[test]
    fn a_picture_has_finite_numbers_only() {
        let (nan, endless) = (f64::NAN, f64::INFINITY);
        let sets: [&[(f64, f64)]; 6] = [
            &[],
            &[(5.0, 0.5)],
            &[(5.0, 0.5), (5.0, 0.5), (5.0, 0.5)],
            &[(nan, nan), (1.0, nan), (endless, 0.5), (2.0, -endless)],
            &[(1.0, 0.5), (2.0, nan), (3.0, 0.5), (4.0, 0.5)],
            &[(-1e300, 1e300), (1e300, -1e300), (f64::MIN_POSITIVE, f64::MAX)],
        ];
        for points in sets {
            for (low, high) in [(0.0, 10.0), (0.0, 0.0), (7.0, 3.0)] {
                let probit = Axis::new(Scale::Probit(1e-5, 0.5), "p");
                for other in [axis(low, high), Axis::new(Scale::Log(1e-5, 1.0), "l"), probit] {
                    let svg = drawn(axis(low, high), other, points);
                    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{points:?} {svg}");
                    assert!(svg.ends_with("</figure>") && svg.contains("viewBox='0 0 520 "), "{svg}");
                }
            }
        }
    }

    #[test]
    fn a_gap_breaks_the_line_and_a_single_point_is_drawn() {
        let plot = Plot::new(axis(0.0, 10.0), axis(0.0, 1.0), &[]);
        let path = |points: &[(f64, f64)]| plot.path(points.iter().copied());
        assert_eq!(path(&[]), "");
        assert_eq!(path(&[(0.0, 0.0)]), "M66.0 271.0h0");
        assert_eq!(path(&[(0.0, 0.0), (0.0, 0.0)]), "M66.0 271.0h0");
        assert_eq!(
            path(&[(0.0, 0.0), (5.0, f64::NAN), (10.0, 1.0), (10.0, 0.0)]),
            "M66.0 271.0h0M502.0 31.0L502.0 271.0"
        );
    }

    #[test]
    fn a_hatched_range_stays_inside() {
        let mut plot = Plot::new(axis(0.0, 10.0), axis(0.0, 1.0), &[]);
        plot.hatch(2.5, 5.0);
        let ends = plot.body.split(['M', 'L']).skip(1).filter_map(|point| point.split([' ', 'V']).next());
        let ends: Vec<f64> = ends.filter_map(|x| x.parse().ok()).collect();
        assert!(ends.len() > 60 && ends.iter().all(|x| (175.0..=284.0).contains(x)), "{ends:?}");
    }

    #[test]
    fn steps_that_touch_are_one_shape() {
        let mut plot = Plot::new(axis(0.0, 10.0), axis(0.0, 1.0), &[]);
        plot.steps("a", 5.0, [(0.0, 1.0), (5.0, 0.5)]);
        assert!(plot.body.contains("d='M66.0 271V31.0H284.0V151.0H502.0V271Z'"), "{}", plot.body);
    }

    #[test]
    fn names_of_rules_do_not_overlap() {
        let rules = [75.0, 70.0, 76.0].map(|at| (at, format!("threshold {at}")));
        let plot = Plot::new(axis(0.0, 100.0), axis(0.0, 1.0), &rules);
        let anchors: Vec<_> = plot
            .body
            .match_indices("text-anchor='")
            .filter_map(|(at, _)| plot.body.get(at + 13..at + 16))
            .collect();
        assert_eq!((anchors, plot.top), (vec!["end", "sta", "sta"], 31.0 + 2.0 * LINE));
    }

    #[test]
    fn name_of_lowest_rule_stays_off_the_vertical_axis() {
        let plot = Plot::new(axis(50.0, 100.0), axis(0.0, 1.0), &[(60.0, "retry_floor 60".to_owned())]);
        assert!(plot.body.contains("text-anchor='start'>retry_floor 60"), "{}", plot.body);
    }

    #[test]
    fn no_name_is_markup() {
        let bad = "<script>'\"&".to_owned();
        let x = Axis { name: "<u>".to_owned(), ..Axis::named(1, "", |_| "<s>".to_owned()) };
        let mut plot = Plot::new(x, axis(0.0, 1.0), &[(0.5, bad)]);
        plot.named("a", "<b>").dot("a", (0.0, 0.0), "<em>", "<q>");
        let svg = plot.svg("<i>'");
        for tag in ["<script", "<b>", "<i>", "<u>", "<s>", "<em>", "<q>", "label='<", ">'<"] {
            assert!(!svg.contains(tag), "{tag} {svg}");
        }
    }
}
