//! When a delivery that failed is tried again.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// The pauses after the first attempts, as in the specification: 75 hours and 35 minutes in total.
const PAUSES: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The longest pause that a receiver can ask for.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Returns the pause after an attempt, counted from 1; `None` after the last. It is up to a tenth longer than in the specification,
/// by the id and the attempt, so that the messages of an outage do not come back together. It is never shorter than what the
/// receiver asked for.
pub(super) fn pause(id: &str, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
    let number = usize::try_from(attempt).unwrap_or(usize::MAX).saturating_sub(1);
    let seconds = *PAUSES.get(number)?;
    let mut hash = Sha256::new();
    hash.update(id.as_bytes());
    hash.update(attempt.to_be_bytes());
    let part = hash.finalize().first().copied().map_or(0, u64::from);
    // 0 to 255 of 2,560 parts.
    let pause = Duration::from_millis(seconds * 1_000 + seconds * 1_000 * part / 2_560);
    Some(pause.max(asked.unwrap_or_default().min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_follow_the_schedule_of_the_specification() {
        for (number, seconds) in (1..).zip(PAUSES) {
            for id in ["evt_1", "evt_2"] {
                let pause = pause(id, number, None).unwrap().as_secs_f64();
                let planned = Duration::from_secs(seconds).as_secs_f64();
                assert!(pause >= planned && pause < planned * 1.1, "{number}: {pause}");
            }
        }
        assert_eq!(PAUSES.iter().sum::<u64>(), 75 * 3_600 + 35 * 60 + 5);
        assert_eq!(pause("evt_1", 10, None), None);
        assert_eq!(pause("evt_1", u32::MAX, None), None);
    }

    #[test]
    fn the_pause_depends_on_the_id_and_on_nothing_else() {
        assert_eq!(pause("evt_1", 4, None), pause("evt_1", 4, None));
        assert_ne!(pause("evt_1", 4, None), pause("evt_2", 4, None));
    }

    #[test]
    fn a_receiver_asks_for_a_longer_pause_of_at_most_a_day() {
        let asked = |seconds| pause("evt_1", 1, Some(Duration::from_secs(seconds))).unwrap().as_secs();
        assert_eq!((asked(1), asked(600), asked(u64::MAX)), (5, 600, 86_400));
    }
}
