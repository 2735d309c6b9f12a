//! Figures as text, with one rounding for the report and the command, and the level of all tests.

/// A p-value of at most this shows a difference, after a correction if there is one.
pub(crate) const RISK: f64 = 0.05;

/// Formats a share as a percentage, without the sign: two decimals, or two significant digits for a small share. A half rounds
/// away from zero, as people round by hand: 1,245 of 100,000 is `1.25`. 0 and 1 are exact: `0` and `100`.
///
/// ```
/// use cloudauth_lab::percent;
///
/// assert_eq!(percent(1_245.0 / 100_000.0), "1.25");
/// assert_eq!([0.0, 1.0, 0.9999, 2.46e-5].map(percent), ["0", "100", "99.99", "0.0025"]);
/// ```
#[must_use]
pub fn percent(share: f64) -> String {
    if share == 0.0 {
        return "0".to_owned();
    }
    if share.abs() == 1.0 {
        return format!("{}", share * 100.0);
    }
    rounded(share).unwrap_or_else(|| format!("{:.2}", share * 100.0))
}

/// Formats a p-value, which is never shown as 0.
///
/// ```
/// use cloudauth_lab::chance;
///
/// assert_eq!([0.04, 0.0001, 1e-9].map(chance), ["0.0400", "0.0001", "< 0.0001"]);
/// ```
#[must_use]
pub fn chance(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

/// Formats a cost: two decimals, or none from 1,000.
///
/// ```
/// use cloudauth_lab::amount;
///
/// assert_eq!([0.5, 999.99, 3859.96].map(amount), ["0.50", "999.99", "3860"]);
/// ```
#[must_use]
pub fn amount(amount: f64) -> String {
    if amount.abs() < 1000.0 { format!("{amount:.2}") } else { format!("{amount:.0}") }
}

/// Rounds the shortest decimal that parses to the share. For a ratio of counts below 10^12 that is exact where a half matters.
fn rounded(share: f64) -> Option<String> {
    let text = format!("{share:e}");
    let (number, exponent) = text.split_once('e')?;
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: u128 = format!("{integer}{fraction}").parse().ok()?;
    // The decimal exponent of the percentage.
    let exponent = exponent.parse::<i32>().ok()? + 2;
    let decimals = u32::try_from((1 - exponent).clamp(2, 12)).ok()?;
    // `digits` times ten to this power are the units of the last decimal.
    let power = exponent + i32::try_from(decimals).ok()? - i32::try_from(fraction.len()).ok()?;
    let ten = |power: u32| 10_u128.checked_pow(power);
    let units = match u32::try_from(power) {
        Ok(power) => digits.checked_mul(ten(power)?)?,
        Err(_) => ten(power.unsigned_abs()).map_or(0, |unit| (digits + unit / 2) / unit),
    };
    let unit = ten(decimals)?;
    Some(format!("{sign}{}.{:0width$}", units / unit, units % unit, width = decimals as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_have_two_significant_digits() {
        let shares = [0.0, 1.0, 0.5, 0.9999, 2.46e-5, 0.0104, 1e-12, 0.125];
        let told = ["0", "100", "50.00", "99.99", "0.0025", "1.04", "0.00000000010", "12.50"];
        assert_eq!(shares.map(percent), told);
        assert_eq!(
            [-0.01, -2.46e-5, -1.0, 1e-300].map(percent),
            ["-1.00", "-0.0025", "-100", "0.000000000000"]
        );
    }

    #[test]
    fn rounds_a_half_up_for_any_counts() {
        for of in [1_000_u64, 10_000, 100_000, 1_000_000, 123_000_000_000] {
            for half in (of / 1_000..of / 10).step_by(usize::try_from(of / 1_000).unwrap_or(1)).take(100) {
                // Of 1,000 times as many, this is a half of the second decimal.
                let (count, of) = (u128::from(half) * 100_000 + u128::from(of) * 5, u128::from(of) * 100_000);
                let exact = (count * 10_000 + of / 2) / of;
                let expected = format!("{}.{:02}", exact / 100, exact % 100);
                let share = count as f64 / of as f64;
                if share >= 0.01 {
                    assert_eq!(percent(share), expected, "{count} of {of}");
                }
            }
        }
    }
}
