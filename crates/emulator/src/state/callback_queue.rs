//! The queue of callbacks: scheduled, held, running and done.

use std::collections::BTreeMap;

use cloudauth_protocol::{Bilingual, UnixTime};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::http::both;
use crate::time::millis;

/// The number of callbacks beyond which finished ones are dropped.
const MAX_FINISHED: usize = 1000;

/// The maximum number of callbacks. One more replaces the oldest, even if it is held.
const MAX_CALLBACKS: usize = 10_000;

/// The highest number of a callback in a saved queue.
const MAX_NUMBER: u64 = 1 << 53;

/// The kind of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallbackKind {
    Normal,
    /// A duplicate of a normal callback.
    Duplicate,
    /// A minute late.
    Late,
    /// From an attacker: with another token, and always a pass.
    Forged,
    WrongToken,
    /// In the format of another product of the vendor.
    OtherShape,
}

/// The state of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallbackStage {
    Held,
    Waiting,
    Running,
    /// The receiver answered 200.
    Delivered,
    /// Neither of two requests was answered 200.
    Failed,
}

/// One request of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallbackAttempt {
    #[serde(with = "millis::time")]
    pub(crate) at: UnixTime,
    /// `None` without an answer.
    pub(crate) status: Option<u16>,
}

/// A callback. No `Debug`: its URL contains the token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Callback {
    pub(crate) number: u64,
    pub(crate) certify_id: String,
    pub(crate) kind: CallbackKind,
    pub(crate) url: String,
    #[serde(with = "millis::time")]
    pub(crate) due: UnixTime,
    pub(crate) stage: CallbackStage,
    pub(crate) attempts: Vec<CallbackAttempt>,
}

/// All callbacks, by number, which is the order of scheduling.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct CallbackQueue {
    made: u64,
    hold: bool,
    #[serde(deserialize_with = "by_number")]
    by_number: BTreeMap<u64, Callback>,
}

/// Reads the keys as texts. A snapshot flattens the record that has the queue, and then serde takes no text for a number.
fn by_number<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<u64, Callback>, D::Error> {
    let by_text = BTreeMap::<String, Callback>::deserialize(from)?;
    let numbered = |(number, callback): (String, _)| number.parse().map(|number| (number, callback));
    by_text.into_iter().map(numbered).collect::<Result<_, _>>().map_err(D::Error::custom)
}

impl std::fmt::Debug for CallbackQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CallbackQueue({} callbacks)", self.by_number.len())
    }
}

impl CallbackQueue {
    /// Adds a callback, held if the queue is held.
    pub(crate) fn add(
        &mut self,
        certify_id: &str,
        kind: CallbackKind,
        url: String,
        due: UnixTime,
    ) -> Callback {
        self.made += 1;
        let added = Callback {
            number: self.made,
            certify_id: certify_id.to_owned(),
            kind,
            url,
            due,
            stage: if self.hold { CallbackStage::Held } else { CallbackStage::Waiting },
            attempts: Vec::new(),
        };
        self.by_number.insert(added.number, added.clone());
        if self.by_number.len() > MAX_FINISHED {
            let is_done = |callback: &&Callback| {
                matches!(callback.stage, CallbackStage::Delivered | CallbackStage::Failed)
            };
            if let Some(oldest) = self.by_number.values().find(is_done).map(|callback| callback.number) {
                self.by_number.remove(&oldest);
            } else if self.by_number.len() > MAX_CALLBACKS {
                self.by_number.pop_first();
            }
        }
        added
    }

    /// Iterates over the callbacks, newest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Callback> {
        self.by_number.values().rev()
    }

    pub(crate) const fn is_held(&self) -> bool {
        self.hold
    }

    /// Holds new callbacks, or releases all held ones.
    pub(crate) fn hold(&mut self, hold: bool) {
        self.hold = hold;
        if !hold {
            let held = self.by_number.values_mut().filter(|callback| callback.stage == CallbackStage::Held);
            held.for_each(|callback| callback.stage = CallbackStage::Waiting);
        }
    }

    /// Makes a held or scheduled callback due now. `None` if the number is unknown or the callback has run.
    pub(crate) fn release(&mut self, number: u64, now: UnixTime) -> Option<Callback> {
        let callback = self.by_number.get_mut(&number)?;
        if !matches!(callback.stage, CallbackStage::Held | CallbackStage::Waiting) {
            return None;
        }
        (callback.stage, callback.due) = (CallbackStage::Waiting, now);
        Some(callback.clone())
    }

    /// Takes the next due callback, and marks it as running.
    pub(crate) fn take_due(&mut self, now: UnixTime) -> Option<Callback> {
        let next = self.next().filter(|callback| callback.due <= now)?.number;
        let callback = self.by_number.get_mut(&next)?;
        callback.stage = CallbackStage::Running;
        Some(callback.clone())
    }

    /// Returns the time of the next callback.
    pub(crate) fn next_due(&self) -> Option<UnixTime> {
        self.next().map(|callback| callback.due)
    }

    fn next(&self) -> Option<&Callback> {
        let waiting = self.by_number.values().filter(|callback| callback.stage == CallbackStage::Waiting);
        waiting.min_by_key(|callback| (callback.due, callback.number))
    }

    /// Returns whether no callback is running or due.
    pub(crate) fn is_settled(&self, now: UnixTime) -> bool {
        !self.by_number.values().any(|callback| callback.stage == CallbackStage::Running)
            && self.next_due().is_none_or(|due| due > now)
    }

    /// Records an answer. If it is not 200, the callback is retried once, at `retry_at`.
    pub(crate) fn answered(&mut self, number: u64, attempt: CallbackAttempt, retry_at: UnixTime) {
        // A reset may have removed the callback.
        let Some(callback) = self.by_number.get_mut(&number) else { return };
        callback.attempts.push(attempt);
        callback.stage = match attempt.status {
            Some(200) => CallbackStage::Delivered,
            _ if callback.attempts.len() >= 2 => CallbackStage::Failed,
            _ => CallbackStage::Waiting,
        };
        if callback.stage == CallbackStage::Waiting {
            callback.due = retry_at;
        }
    }

    /// Checks a saved queue, which may have been edited: a callback with another number would never be done.
    pub(crate) fn check(&self) -> Result<(), Bilingual> {
        if self.by_number.len() > MAX_CALLBACKS {
            return Err(both("there are more than 10,000 callbacks", "回调超过 10,000 个"));
        }
        let is_valid = |(number, callback): (&u64, &Callback)| {
            *number == callback.number && (1..=self.made).contains(number)
        };
        if self.made <= MAX_NUMBER && self.by_number.iter().all(is_valid) {
            return Ok(());
        }
        Err(both("a callback has a wrong number", "有回调的编号有误"))
    }

    /// Reschedules callbacks that were running when the queue was saved.
    pub(crate) fn restored(mut self) -> Self {
        let running = self.by_number.values_mut().filter(|callback| callback.stage == CallbackStage::Running);
        running.for_each(|callback| callback.stage = CallbackStage::Waiting);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(1_767_323_045 + secs)
    }

    fn taken(queue: &mut CallbackQueue, now: UnixTime) -> Option<u64> {
        queue.take_due(now).map(|callback| callback.number)
    }

    #[test]
    fn takes_callbacks_once_in_order_of_time() {
        let mut queue = CallbackQueue::default();
        for due in [30, 10, 10] {
            queue.add("c", CallbackKind::Normal, String::new(), at(due));
        }
        assert_eq!((queue.next_due(), taken(&mut queue, at(9))), (Some(at(10)), None));
        assert!(queue.is_settled(at(9)) && !queue.is_settled(at(10)));
        assert_eq!([taken(&mut queue, at(30)), taken(&mut queue, at(30))], [Some(2), Some(3)]);
        assert_eq!([taken(&mut queue, at(30)), taken(&mut queue, at(30))], [Some(1), None]);
        assert!(!queue.is_settled(at(30)), "callbacks are running");
    }

    #[test]
    fn retries_once_if_the_answer_is_not_200() {
        let mut queue = CallbackQueue::default();
        queue.add("c", CallbackKind::Normal, String::new(), at(0));
        let stage = |queue: &CallbackQueue| queue.latest().next().unwrap().stage;
        for (status, then) in [(None, CallbackStage::Waiting), (Some(500), CallbackStage::Failed)] {
            assert_eq!(taken(&mut queue, at(5)), Some(1));
            queue.answered(1, CallbackAttempt { at: at(5), status }, at(5));
            assert_eq!(stage(&queue), then);
        }
        assert_eq!(taken(&mut queue, at(99)), None);
    }

    #[test]
    fn held_callbacks_run_after_their_release() {
        let mut queue = CallbackQueue::default();
        queue.hold(true);
        for _ in 0..3 {
            queue.add("c", CallbackKind::Normal, String::new(), at(0));
        }
        assert_eq!(taken(&mut queue, at(5)), None);
        assert!(queue.release(2, at(5)).is_some() && queue.release(9, at(5)).is_none());
        assert_eq!(taken(&mut queue, at(5)), Some(2));
        assert!(queue.release(2, at(5)).is_none(), "it is running");
        queue.hold(false);
        assert_eq!([taken(&mut queue, at(5)), taken(&mut queue, at(5))], [Some(1), Some(3)]);
    }

    #[test]
    fn keeps_a_bounded_number_of_held_callbacks() {
        let mut queue = CallbackQueue::default();
        queue.hold(true);
        (0..MAX_CALLBACKS + 5).for_each(|_| drop(queue.add("c", CallbackKind::Normal, String::new(), at(0))));
        assert_eq!(queue.latest().count(), MAX_CALLBACKS);
    }

    #[test]
    fn keeps_a_bounded_number_of_finished_callbacks() {
        let mut queue = CallbackQueue::default();
        for _ in 0..MAX_FINISHED + 5 {
            let number = queue.add("c", CallbackKind::Normal, String::new(), at(0)).number;
            queue.take_due(at(0));
            queue.answered(number, CallbackAttempt { at: at(0), status: Some(200) }, at(0));
        }
        assert_eq!(queue.latest().count(), MAX_FINISHED);
    }
}
