//! A service with one order, and what it sends to the machine.

use std::time::Duration;

use cloudauth_flow::testing::MemoryStore;
use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    CheckedCallback, CommitOutcome, Deleted, Fence, Input, Job, Look, LookError, Looked, Lookup, Machine,
    Opened, Queue, Refusal, Snapshot, Start, State, Store, Stored, Usage, UsageOf,
};
use cloudauth_protocol::{CallbackKeys, UnixTime};
use pollster::block_on;

/// A service with one order.
pub(crate) struct Service {
    pub(crate) store: MemoryStore,
    pub(crate) machine: Machine,
    pub(crate) now: UnixTime,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self { store: MemoryStore::default(), machine: Machine::new(samples::rules()), now: BEGIN }
    }

    pub(crate) fn later(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    pub(crate) fn stored(&self) -> Stored {
        let order = start(1).order;
        block_on(self.store.load(Lookup::Order(&order))).unwrap().unwrap()
    }

    pub(crate) fn state(&self) -> State {
        self.stored().verification.state
    }

    pub(crate) fn attempt(&self, at: usize) -> cloudauth_flow::Attempt {
        self.stored().verification.attempts[at].clone()
    }

    pub(crate) fn take(&self, input: Input) -> Result<CommitOutcome, Refusal> {
        let order = start(1).order;
        let stored = block_on(self.store.load(Lookup::Order(&order))).unwrap();
        let usage = match &input {
            Input::Start(Start { subject, scene, identity, .. }) => {
                let of = UsageOf { subject: *subject, scene: *scene, identity: *identity, at: self.now };
                block_on(self.store.usage(&of)).unwrap()
            }
            _ => Usage::default(),
        };
        let snapshot = Snapshot { stored: stored.as_ref(), usage };
        let commit = self.machine.step(&snapshot, input, self.now)?;
        if !commit.is_noop() {
            block_on(self.store.commit(&commit)).unwrap();
        }
        Ok(commit.outcome().clone())
    }

    /// Starts, and opens the link.
    pub(crate) fn open(&self, attempt: u8) {
        self.take(Input::Start(start(attempt))).unwrap();
        assert_eq!(self.take(Input::Opened(opened(attempt))), Ok(CommitOutcome::Opened));
    }

    /// A worker claims what is due, and answers each look. Returns the number of looks.
    pub(crate) fn work(&self, answer: impl Fn() -> Look) -> usize {
        let claim = |queue| block_on(self.store.claim(queue, self.now, Duration::from_secs(30), 10)).unwrap();
        let mut looks = 0;
        for stored in [Queue::Results, Queue::Deletions].into_iter().flat_map(claim) {
            let fence = Fence(stored.fence);
            for job in stored.jobs(self.now) {
                match job {
                    Job::Tick => _ = self.take(Input::Tick(fence)).unwrap(),
                    Job::Look(order_no, _) => {
                        looks += 1;
                        self.take(Input::Looked(Looked { order_no, fence, answer: answer() })).unwrap();
                    }
                    Job::Delete(order_no, _) => {
                        self.take(Input::Deleted(Deleted { order_no, fence, done: true })).unwrap();
                    }
                }
            }
        }
        looks
    }

    /// Runs the clock and the worker until nothing is due any more, with this answer to every look. Returns the looks.
    pub(crate) fn run(&mut self, answer: impl Fn() -> Look) -> usize {
        let mut looks = 0;
        while let Some(due) = self.stored().verification.due_at {
            self.now = self.now.max(due);
            looks += self.work(&answer);
        }
        looks
    }
}

pub(crate) fn start(attempt: u8) -> Start {
    samples::start(1, attempt).unwrap()
}

pub(crate) fn opened(attempt: u8) -> Opened {
    samples::opened(1, attempt).unwrap()
}

pub(crate) fn found(attempt: u8, sub_code: &str) -> Look {
    Look::Finished(Box::new(samples::finding(&opened(attempt).certify_id, sub_code).unwrap()))
}

pub(crate) fn failed(transient: bool) -> Look {
    Look::Failed { transient, error: LookError::new("Throttling").unwrap() }
}

pub(crate) fn callback(attempt: u8, query: &str) -> Option<CheckedCallback> {
    let keys = CallbackKeys::new(&[1; 32]).unwrap();
    let (scene, order_no) = (start(attempt).scene, start(attempt).order_no);
    let token = keys.token(scene, &order_no);
    CheckedCallback::check(&keys, scene, &order_no, &query.replace("TOKEN", token.expose()))
}

pub(crate) fn good_callback(attempt: u8) -> CheckedCallback {
    callback(attempt, &format!("certifyId={}&passed=200&callbackToken=TOKEN", opened(attempt).certify_id))
        .unwrap()
}
