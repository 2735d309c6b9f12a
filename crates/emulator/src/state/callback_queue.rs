//! The callbacks that wait for their time, and those that were made.

use std::collections::BTreeMap;

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};

use crate::time::millis;

/// How many are kept once they are through.
const KEPT: usize = 1000;

/// The most that are kept in all; the oldest is dropped for one more, even if it was held.
const MOST: usize = 10_000;

/// What is special about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Normal,
    /// The same once more.
    Duplicate,
    /// A minute late.
    Late,
    /// Somebody else's: another token, and a pass whatever is true.
    Forged,
    WrongToken,
    /// As another product of the vendor's calls back.
    OtherShape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Held,
    Waiting,
    Running,
    /// Answered 200.
    Delivered,
    /// Called twice, and not answered 200.
    Failed,
}

/// One call of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    #[serde(with = "millis::time")]
    pub(crate) at: UnixTime,
    /// `None` if no answer came.
    pub(crate) status: Option<u16>,
}

/// One callback. No `Debug`: its URL holds the token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) number: u64,
    pub(crate) certify_id: String,
    pub(crate) kind: Kind,
    pub(crate) url: String,
    #[serde(with = "millis::time")]
    pub(crate) due: UnixTime,
    pub(crate) stage: Stage,
    pub(crate) attempts: Vec<Attempt>,
}

/// All of them, by number: the order in which they were wanted.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Queue {
    made: u64,
    hold: bool,
    by_number: BTreeMap<u64, Waiting>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queue({} callbacks)", self.by_number.len())
    }
}

impl Queue {
    pub(crate) fn add(&mut self, certify_id: &str, kind: Kind, url: String, due: UnixTime) -> Waiting {
        self.made += 1;
        let added = Waiting {
            number: self.made,
            certify_id: certify_id.to_owned(),
            kind,
            url,
            due,
            stage: if self.hold { Stage::Held } else { Stage::Waiting },
            attempts: Vec::new(),
        };
        self.by_number.insert(added.number, added.clone());
        if self.by_number.len() > KEPT {
            let through = |one: &&Waiting| matches!(one.stage, Stage::Delivered | Stage::Failed);
            if let Some(oldest) = self.by_number.values().find(through).map(|one| one.number) {
                self.by_number.remove(&oldest);
            } else if self.by_number.len() > MOST {
                self.by_number.pop_first();
            }
        }
        added
    }

    /// The latest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Waiting> {
        self.by_number.values().rev()
    }

    pub(crate) const fn is_held(&self) -> bool {
        self.hold
    }

    /// Holds what comes from now on, or lets all go.
    pub(crate) fn hold(&mut self, hold: bool) {
        self.hold = hold;
        if !hold {
            let held = self.by_number.values_mut().filter(|one| one.stage == Stage::Held);
            held.for_each(|one| one.stage = Stage::Waiting);
        }
    }

    /// Lets one go now, held or not yet due; `None` if there is no such, or if it has gone.
    pub(crate) fn release(&mut self, number: u64, now: UnixTime) -> Option<Waiting> {
        let one = self.by_number.get_mut(&number)?;
        if !matches!(one.stage, Stage::Held | Stage::Waiting) {
            return None;
        }
        (one.stage, one.due) = (Stage::Waiting, now);
        Some(one.clone())
    }

    /// The next that is due: it runs from here on.
    pub(crate) fn take_due(&mut self, now: UnixTime) -> Option<Waiting> {
        let next = self.next().filter(|one| one.due <= now)?.number;
        let one = self.by_number.get_mut(&next)?;
        one.stage = Stage::Running;
        Some(one.clone())
    }

    /// When the next is due.
    pub(crate) fn next_due(&self) -> Option<UnixTime> {
        self.next().map(|one| one.due)
    }

    fn next(&self) -> Option<&Waiting> {
        let waiting = self.by_number.values().filter(|one| one.stage == Stage::Waiting);
        waiting.min_by_key(|one| (one.due, one.number))
    }

    /// Whether nothing runs and nothing is due.
    pub(crate) fn is_settled(&self, now: UnixTime) -> bool {
        !self.by_number.values().any(|one| one.stage == Stage::Running)
            && self.next_due().is_none_or(|due| due > now)
    }

    /// What came of a call: answered 200, or called once more.
    pub(crate) fn answered(&mut self, number: u64, attempt: Attempt, again_at: UnixTime) {
        // Gone, if everything was reset meanwhile.
        let Some(one) = self.by_number.get_mut(&number) else { return };
        one.attempts.push(attempt);
        one.stage = match attempt.status {
            Some(200) => Stage::Delivered,
            _ if one.attempts.len() >= 2 => Stage::Failed,
            _ => Stage::Waiting,
        };
        if one.stage == Stage::Waiting {
            one.due = again_at;
        }
    }

    /// What ran when this was saved did not come to an end: it is called again.
    pub(crate) fn restored(mut self) -> Self {
        let running = self.by_number.values_mut().filter(|one| one.stage == Stage::Running);
        running.for_each(|one| one.stage = Stage::Waiting);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(1_767_323_045 + secs)
    }

    fn taken(queue: &mut Queue, now: UnixTime) -> Option<u64> {
        queue.take_due(now).map(|one| one.number)
    }

    #[test]
    fn what_is_due_first_goes_first_and_once() {
        let mut queue = Queue::default();
        for due in [30, 10, 10] {
            queue.add("c", Kind::Normal, String::new(), at(due));
        }
        assert_eq!((queue.next_due(), taken(&mut queue, at(9))), (Some(at(10)), None));
        assert!(queue.is_settled(at(9)) && !queue.is_settled(at(10)));
        assert_eq!([taken(&mut queue, at(30)), taken(&mut queue, at(30))], [Some(2), Some(3)]);
        assert_eq!([taken(&mut queue, at(30)), taken(&mut queue, at(30))], [Some(1), None]);
        assert!(!queue.is_settled(at(30)), "they run");
    }

    #[test]
    fn one_that_is_not_answered_200_is_called_twice_in_all() {
        let mut queue = Queue::default();
        queue.add("c", Kind::Normal, String::new(), at(0));
        let stage = |queue: &Queue| queue.latest().next().unwrap().stage;
        for (status, then) in [(None, Stage::Waiting), (Some(500), Stage::Failed)] {
            assert_eq!(taken(&mut queue, at(5)), Some(1));
            queue.answered(1, Attempt { at: at(5), status }, at(5));
            assert_eq!(stage(&queue), then);
        }
        assert_eq!(taken(&mut queue, at(99)), None);
    }

    #[test]
    fn what_is_held_goes_when_it_is_let_go() {
        let mut queue = Queue::default();
        queue.hold(true);
        for _ in 0..3 {
            queue.add("c", Kind::Normal, String::new(), at(0));
        }
        assert_eq!(taken(&mut queue, at(5)), None);
        assert!(queue.release(2, at(5)).is_some() && queue.release(9, at(5)).is_none());
        assert_eq!(taken(&mut queue, at(5)), Some(2));
        assert!(queue.release(2, at(5)).is_none(), "it runs");
        queue.hold(false);
        assert_eq!([taken(&mut queue, at(5)), taken(&mut queue, at(5))], [Some(1), Some(3)]);
    }

    #[test]
    fn keeps_a_bounded_number_of_held_callbacks() {
        let mut queue = Queue::default();
        queue.hold(true);
        (0..MOST + 5).for_each(|_| drop(queue.add("c", Kind::Normal, String::new(), at(0))));
        assert_eq!(queue.latest().count(), MOST);
    }

    #[test]
    fn no_more_are_kept_than_are_bearable() {
        let mut queue = Queue::default();
        for _ in 0..KEPT + 5 {
            let number = queue.add("c", Kind::Normal, String::new(), at(0)).number;
            queue.take_due(at(0));
            queue.answered(number, Attempt { at: at(0), status: Some(200) }, at(0));
        }
        assert_eq!(queue.latest().count(), KEPT);
    }
}
