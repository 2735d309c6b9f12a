//! The vendor's table of false-accept rates by `verifyScore`, and the log-linear curve through it.

use crate::document::problem::{Hint, ProblemKind};

/// The scores and rates that the vendor publishes for the web flow, such as 1 in 1,000 at 70.
pub const VENDOR_TABLE: [(f64, &str); 5] =
    [(70.0, "1/1000"), (71.5, "5/10000"), (75.0, "1/10000"), (76.5, "5/100000"), (80.0, "1/100000")];

/// Returns the vendor's false-accept rate at a score from 70 to 80: a factor of ten for every five points, exact at 70, 75 and
/// 80, and within 0.25 % of the table's other scores. `None` outside the table. The rate is the vendor's claim about its own
/// data, not a guarantee for yours.
#[must_use]
pub fn nominal_far(verify_score: f64) -> Option<f64> {
    (70.0..=80.0).contains(&verify_score).then(|| line(verify_score))
}

fn line(verify_score: f64) -> f64 {
    10_f64.powf(11.0 - verify_score / 5.0)
}

/// Checks a claim such as `1/10000` against the vendor's table.
pub(crate) fn check(claim: &str, score: f64) -> Result<(), Box<(ProblemKind, Hint)>> {
    let parts = claim.split_once('/').and_then(|(above, below)| {
        Some((
            above.trim().parse::<u32>().ok()?,
            below.trim().parse::<u32>().ok().filter(|below| *below > 0)?,
        ))
    });
    let Some((above, below)) = parts.filter(|(above, _)| *above > 0) else {
        return Err(Box::new((ProblemKind::NotARate, Hint::AsFraction)));
    };
    let claimed = f64::from(above) / f64::from(below);
    let Some(nominal) = nominal_far(score) else {
        return Err(Box::new((ProblemKind::NoRateOfScore(score), Hint::NoRateBeyond)));
    };
    if (claimed / nominal - 1.0).abs() < 0.01 {
        return Ok(());
    }
    let published = VENDOR_TABLE.iter().find(|(at, _)| *at == score).map(|(_, rate)| (*rate).to_owned());
    let at = 5.0 * (11.0 - claimed.log10());
    let claim = claim.to_owned();
    let hint = Hint::VendorRate {
        score,
        is_exact: published.is_some(),
        rate: published.unwrap_or_else(|| format!("1/{:.0}", 1.0 / nominal)),
        claim: claim.clone(),
        at: (at * 10.0).round() / 10.0,
    };
    Err(Box::new((ProblemKind::WrongRate { score, claim }, hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_matches_the_vendors_table() {
        for (score, rate) in VENDOR_TABLE {
            assert_eq!(check(rate, score), Ok(()), "{score}");
        }
        assert_eq!((nominal_far(75.0), nominal_far(69.9), nominal_far(80.1)), (Some(1e-4), None, None));
    }

    #[test]
    fn the_hint_for_a_wrong_rate_has_the_right_one() {
        let (message, help) = *check("1/10000", 72.0).unwrap_err();
        let (message, help) = (message.to_string(), help.to_string());
        assert_eq!(message, "72 is not 1/10000 in the vendor's table");
        assert_eq!(help, "72 is about 1/2512; 1/10000 is at 75");
        assert!(check("1/100000000", 95.0).unwrap_err().0.to_string().contains("has no rate for 95"));
        for bad in ["", "0.0001", "1/0", "0/5", "1/x"] {
            assert!(check(bad, 75.0).is_err(), "{bad}");
        }
    }
}
