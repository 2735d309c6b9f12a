//! Axes: the position of values, and the tick marks.

use cloudauth_stats::probit;

/// The scale of an axis.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale {
    Linear(f64, f64),
    /// Powers of ten.
    Log(f64, f64),
    /// The normal distribution, as in DET plots: two normal distributions of scores make a straight line.
    Probit(f64, f64),
}

impl Scale {
    pub(super) const fn ends(self) -> (f64, f64) {
        let (Self::Linear(low, high) | Self::Log(low, high) | Self::Probit(low, high)) = self;
        (low, high)
    }

    /// Returns the position from 0 to 1. Values beyond the ends are drawn on them.
    pub(super) fn place(self, value: f64) -> f64 {
        let (low, high) = self.ends();
        let way: fn(f64) -> f64 = match self {
            Self::Linear(..) => |value: f64| value,
            Self::Log(..) => f64::log10,
            Self::Probit(..) => probit,
        };
        let place = (way(value.clamp(low, high.max(low))) - way(low)) / (way(high) - way(low));
        // An axis of no length has one position.
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.5 }
    }

    pub(super) fn ticks(self) -> Vec<f64> {
        let (low, high) = self.ends();
        let inside = |at: &f64| *at >= low * 0.999 && *at <= high * 1.001;
        match self {
            Self::Linear(..) if high <= low => vec![low],
            Self::Linear(..) => {
                let step = nice_step((high - low) / 5.0);
                let first = (low / step - 1e-9).ceil();
                (0..20)
                    .map(|at| (first + f64::from(at)) * step)
                    .take_while(|at| *at <= high + step * 1e-9)
                    .collect()
            }
            Self::Log(..) => (-12..=12).map(|power| 10_f64.powi(power)).filter(inside).collect(),
            Self::Probit(..) => {
                let small = (-12..=-2).map(|power| 10_f64.powi(power));
                small.chain([0.05, 0.2, 0.5, 0.8, 0.95]).filter(inside).collect()
            }
        }
    }
}

/// Returns the next of 1, 2 or 5 times a power of ten.
pub(super) fn nice_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-12).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= least * 0.999);
    step.unwrap_or(10.0) * power
}

/// Formats a number of an axis without floating-point noise.
pub(super) fn plain(value: f64) -> String {
    let digits = if value == 0.0 { 0.0 } else { (3.0 - value.abs().log10().floor()).clamp(0.0, 12.0) };
    let text = format!("{value:.0$}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// An axis: its title, scale and tick marks.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) scale: Scale,
    pub(super) name: String,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis of plain numbers.
    pub(super) fn new(scale: Scale, name: &str) -> Self {
        let ticks = scale.ticks().into_iter().map(|at| (at, plain(at))).collect();
        Self { scale, name: name.to_owned(), ticks }
    }

    /// An axis of shares, in percent with this sign.
    pub(super) fn shares(scale: Scale, name: &str, sign: &str) -> Self {
        let tick = |at: f64| (at, format!("{}{sign}", plain(at * 100.0)));
        Self { scale, name: name.to_owned(), ticks: scale.ticks().into_iter().map(tick).collect() }
    }

    /// An axis with a name at each integer, as many as there is room for.
    pub(super) fn named(most: u32, name: &str, name_of: impl Fn(u32) -> String) -> Self {
        let step = most.div_ceil(5).max(1);
        let ticks = (0..=most).step_by(step as usize).map(|at| (f64::from(at), name_of(at))).collect();
        Self { scale: Scale::Linear(0.0, f64::from(most)), name: name.to_owned(), ticks }
    }
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
    fn an_axis_of_no_length_has_one_position_and_few_ticks() {
        for scale in [Scale::Linear(0.0, 0.0), Scale::Log(1.0, 1.0), Scale::Probit(0.5, 0.5)] {
            assert_eq!([scale.place(0.0), scale.place(7.0), scale.place(f64::NAN)], [0.5; 3], "{scale:?}");
            assert_eq!(scale.ticks().len(), 1, "{scale:?}");
        }
        assert_eq!(Axis::named(0, "", |at| at.to_string()).ticks, [(0.0, "0".to_owned())]);
        assert!(Axis::named(400, "", |at| at.to_string()).ticks.len() <= 6);
    }

    #[test]
    fn ticks_are_formatted_for_people() {
        let told = [0.0, 5.0, 0.30000000000000004, 0.00005, 20000.0, 70.7].map(plain);
        assert_eq!(told, ["0", "5", "0.3", "0.00005", "20000", "70.7"]);
        let shares: Vec<_> = Axis::shares(Scale::Log(1e-5, 1.0), "", "%").ticks;
        let shares: Vec<_> = shares.iter().map(|(_, told)| told.as_str()).collect();
        assert_eq!(shares, ["0.001%", "0.01%", "0.1%", "1%", "10%", "100%"]);
    }
}
