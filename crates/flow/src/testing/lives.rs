//! Whole lives of verifications, for tests that kill processes and servers: a server, and a check of what is left.
//!
//! The orders are those of [`samples`]. The service answers in memory: most orders are approved at the first attempt, some ask for
//! a second attempt, some need a review, and some first attempts never get a result.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use cloudauth_protocol::UnixTime;

use crate::audit::verify_document;
use crate::join::Boxed;
use crate::machine::commit::{Commit, Job, Snapshot, Stored, Usage};
use crate::machine::ids::{ReviewReason, Reviewer, VerificationId};
use crate::machine::input::{Deleted, Fence, Input, Look, Looked, Review};
use crate::machine::state::{AttemptState, State, Verification};
use crate::machine::step::Machine;
use crate::store::contract::{Cursor, Lookup, Queue, Store};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::testing::samples::{self, BEGIN, SampleError};

/// The lease of a claim.
const LEASE: Duration = Duration::from_secs(600);

/// The verifications of one claim.
const CLAIM: usize = 20;

/// The orders that a server has under way.
const ACTIVE: usize = 16;

/// A machine for clocks that run fast: its leases are long, and it limits no person.
#[must_use]
pub fn machine() -> Machine {
    let mut rules = samples::rules();
    rules.start_lease = LEASE;
    rules.starts_per_day = u32::MAX;
    rules.attempts = 30;
    rules.lifetime = Duration::from_secs(3_650 * 86_400);
    Machine::new(rules)
}

/// What a server did. A killed process reports it as a line of text: `Display` writes it, `FromStr` reads it.
///
/// Exhaustive on purpose: a test handles each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A commit of an order was acknowledged, with this version.
    Committed(u64, u64),
    /// An order is final.
    Final(u64),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed(order, version) => write!(f, "commit {order} {version}"),
            Self::Final(order) => write!(f, "final {order} ."),
        }
    }
}

impl FromStr for Report {
    type Err = SampleError;

    /// Reads a whole line. Half a line of a killed process has fewer words, or a smaller version.
    fn from_str(line: &str) -> Result<Self, SampleError> {
        match *line.split(' ').collect::<Vec<_>>() {
            ["commit", order, version] => Ok(Self::Committed(order.parse()?, version.parse()?)),
            ["final", order, "."] => Ok(Self::Final(order.parse()?)),
            _ => Err("not a report".into()),
        }
    }
}

/// What servers reported, those that were killed included.
#[derive(Debug, Default)]
pub struct Acknowledged {
    /// The greatest version of each order.
    versions: BTreeMap<u64, u64>,
    finals: BTreeSet<u64>,
}

impl Acknowledged {
    /// Takes a report.
    pub fn note(&mut self, report: Report) {
        match report {
            Report::Final(order) => {
                self.finals.insert(order);
            }
            Report::Committed(order, version) => {
                let greatest = self.versions.entry(order).or_default();
                *greatest = version.max(*greatest);
            }
        }
    }

    /// Returns the first order that is not known to be final.
    #[must_use]
    pub fn next(&self) -> u64 {
        (0..).find(|order| !self.finals.contains(order)).unwrap_or_default()
    }
}

/// A server: it is the client of some orders, and a worker for all.
pub struct Server<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Returns the time.
    pub clock: &'a (dyn Fn() -> UnixTime + Sync),
    /// Waits for a moment, when there is nothing to do or the store is unavailable.
    pub pause: &'a (dyn Fn() -> Boxed<'static, ()> + Sync),
    /// Takes the reports.
    pub report: &'a (dyn Fn(Report) + Sync),
}

impl Server<'_> {
    /// Serves until all of the orders are final, up to 16 of them at a time.
    ///
    /// # Errors
    /// Those that do not pass: not [`Unavailable`](StoreErrorKind::Unavailable), not
    /// [`OutcomeUnknown`](StoreErrorKind::OutcomeUnknown).
    pub async fn serve(&self, mut orders: impl Iterator<Item = u64>) -> Result<(), StoreError> {
        let mut active: Vec<u64> = Vec::new();
        loop {
            active.extend(orders.by_ref().take(ACTIVE - active.len()));
            if active.is_empty() {
                return Ok(());
            }
            let mut left = Vec::new();
            for &order in &active {
                if self.pass(self.advance(order).await).await?.unwrap_or(false) {
                    (self.report)(Report::Final(order));
                } else {
                    left.push(order);
                }
            }
            let claimed = self.pass(self.sweep().await).await?.unwrap_or_default();
            if claimed == 0 && left.len() == active.len() {
                (self.pause)().await;
            }
            active = left;
        }
    }

    /// `None` for an error that passes.
    async fn pass<T>(&self, result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error)
                if matches!(error.kind(), StoreErrorKind::Unavailable | StoreErrorKind::OutcomeUnknown) =>
            {
                (self.pause)().await;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Does what a client would do next for an order: start it, start it again, or review it. Returns whether it is final.
    async fn advance(&self, order: u64) -> Result<bool, StoreError> {
        let of_order = sample(samples::start(order, 1))?.order;
        let stored = self.store.load(Lookup::Order(&of_order)).await?;
        match stored.as_ref().map(|stored| stored.verification.state) {
            None | Some(State::RequiresInput) => {
                let attempts = stored.as_ref().map_or(0, |stored| stored.verification.attempts.len());
                let number = u8::try_from(attempts + 1).unwrap_or(u8::MAX);
                let start = Input::Start(sample(samples::start(order, number))?);
                if let Some(reserved) = self.step(stored.as_ref(), start, order).await? {
                    // A process that dies here leaves an attempt without a link.
                    let opened = Input::Opened(sample(samples::opened(order, number))?);
                    self.step(Some(&reserved), opened, order).await?;
                }
                Ok(false)
            }
            Some(State::InReview) => {
                let review = Review {
                    reviewer: sample(Reviewer::new("r.lee@example").map_err(Into::into))?,
                    reason: sample(ReviewReason::new("same-person").map_err(Into::into))?,
                    approve: order % 20 == 8,
                    seen: stored.as_ref().map_or(0, |stored| stored.verification.head.n),
                };
                self.step(stored.as_ref(), Input::Review(review), order).await?;
                Ok(false)
            }
            Some(state) => Ok(state.is_final()),
        }
    }

    /// Claims what is due, and does its jobs. Returns the number of claimed verifications.
    async fn sweep(&self) -> Result<usize, StoreError> {
        let now = (self.clock)();
        let claimed = self.store.claim(Queue::Results, now, LEASE, CLAIM).await?;
        for stored in &claimed {
            let order = number(&stored.verification);
            let mut current = Some(stored.clone());
            for job in stored.jobs(now) {
                let Some(before) = current.take() else { break };
                let input = answer(job, &before, Fence(stored.fence))?;
                current = self.step(Some(&before), input, order).await?;
            }
        }
        Ok(claimed.len())
    }

    /// Makes one step and commits it. `None` if another commit came first.
    async fn step(
        &self,
        stored: Option<&Stored>,
        input: Input,
        order: u64,
    ) -> Result<Option<Stored>, StoreError> {
        let snapshot = Snapshot { stored, usage: Usage::default() };
        let Ok(commit) = machine().step(&snapshot, input, (self.clock)()) else { return Ok(None) };
        match self.store.commit(&commit).await {
            Ok(()) => {}
            Err(error) if error.kind() == StoreErrorKind::Conflict => return Ok(None),
            Err(error) => return Err(error),
        }
        (self.report)(Report::Committed(order, commit.expected().unwrap_or_default() + 1));
        self.store.load(Lookup::Id(&commit.verification().id)).await
    }
}

/// What the service answers to a job, by the last digit of the order.
fn answer(job: Job, stored: &Stored, fence: Fence) -> Result<Input, StoreError> {
    let (order_no, certify_id) = match job {
        Job::Tick => return Ok(Input::Tick(fence)),
        Job::Delete(order_no, _) => return Ok(Input::Deleted(Deleted { order_no, fence, done: true })),
        Job::Look(order_no, certify_id) => (order_no, certify_id),
    };
    let opened = stored.verification.attempts.iter().find(|attempt| attempt.certify_id.is_some());
    let is_first = opened.is_some_and(|attempt| attempt.order_no == order_no);
    let code = match number(&stored.verification) % 10 {
        9 if is_first => return Ok(Input::Looked(Looked { order_no, fence, answer: Look::Pending })),
        7 if is_first => "204",
        8 => "205",
        _ => "200",
    };
    let finding = Box::new(sample(samples::finding(&certify_id, code))?);
    Ok(Input::Looked(Looked { order_no, fence, answer: Look::Finished(finding) }))
}

/// The number of a sample's order.
fn number(verification: &Verification) -> u64 {
    let text = verification.order.as_str();
    text.strip_prefix("order-").and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn sample<T>(sample: Result<T, SampleError>) -> Result<T, StoreError> {
    sample.map_err(|error| StoreError::with_source(StoreErrorKind::Corrupt, error))
}

/// A reader that follows the events of all verifications.
#[derive(Debug, Default)]
pub struct Follower {
    cursor: Cursor,
    seen: BTreeMap<VerificationId, u64>,
    /// The orders below this one are checked.
    checked: u64,
    problems: Vec<String>,
}

impl Follower {
    /// Reads what is new. Notes each event that does not follow the one before it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn follow(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        loop {
            let events = store.events_after(self.cursor, 1000).await?;
            let Some(last) = events.last() else { return Ok(()) };
            self.cursor = last.cursor;
            for event in &events {
                let seen = self.seen.entry(event.verification).or_default();
                if event.event.n != *seen + 1 {
                    let order = event.order.as_str();
                    self.problems.push(format!("{order}: event {} after event {seen}", event.event.n));
                }
                *seen = event.event.n;
            }
        }
    }

    /// Checks every order, after the last commit: it is final, it was decided once, its chain is whole, and the reader saw every
    /// event. No version is below one that was acknowledged. Returns the problems. After an error of the store, call it again: it
    /// continues.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn check(
        &mut self,
        store: &dyn Store,
        orders: Range<u64>,
        acknowledged: &Acknowledged,
    ) -> Result<Vec<String>, StoreError> {
        self.follow(store).await?;
        for order in orders.start.max(self.checked)..orders.end {
            let of_order = sample(samples::start(order, 1))?.order;
            let problem = match store.load(Lookup::Order(&of_order)).await? {
                None => Some("is missing".to_owned()),
                Some(stored) => {
                    let events = store.history(&stored.verification.id).await?;
                    let kinds: Vec<_> = events.iter().map(|event| &*event.kind).collect();
                    let seen = self.seen.get(&stored.verification.id).copied().unwrap_or_default();
                    let version = acknowledged.versions.get(&order).copied().unwrap_or_default();
                    let audit = verify_document(&stored.verification, &events);
                    problem(&stored, &kinds, seen, version)
                        .or(audit.err().map(|problem| format!("fails its audit: {problem}")))
                }
            };
            self.problems.extend(problem.map(|problem| format!("order-{order} {problem}")));
            self.checked = order + 1;
        }
        Ok(self.problems.clone())
    }
}

fn problem(stored: &Stored, kinds: &[&str], seen: u64, acknowledged: u64) -> Option<String> {
    let verification = &stored.verification;
    let finals = ["approved", "declined", "expired", "canceled"].map(|state| format!("verification.{state}"));
    let decisions = kinds.iter().filter(|kind| finals.iter().any(|name| name == *kind)).count();
    let busy = [AttemptState::Reserved, AttemptState::Open];
    let busy = verification.attempts.iter().filter(|attempt| busy.contains(&attempt.state)).count();
    if !verification.state.is_final() {
        Some(format!("is stuck: {}", verification.state.as_str()))
    } else if decisions != 1 {
        Some(format!("was decided {decisions} times"))
    } else if busy > 0 {
        Some(format!("has {busy} attempts that are reserved or open"))
    } else if seen != verification.head.n {
        Some(format!("has {} events, and the reader saw {seen}", verification.head.n))
    } else if stored.version < acknowledged {
        Some(format!("has version {}, and {acknowledged} was acknowledged", stored.version))
    } else {
        None
    }
}

/// The commits of a whole life: a start, its session, a return of the browser, and a result that approves.
///
/// # Errors
/// Never, for numbers below 2^40.
pub fn life(order: u64) -> Result<Vec<Commit>, SampleError> {
    let (start, opened) = (samples::start(order, 1)?, samples::opened(order, 1)?);
    let finding = samples::finding(&opened.certify_id, "200")?;
    let answer = Look::Finished(Box::new(finding));
    let looked = Looked { order_no: start.order_no.clone(), fence: Fence(0), answer };
    let capability = start.capability;
    let inputs =
        [Input::Start(start), Input::Opened(opened), Input::Returned(capability), Input::Looked(looked)];
    let mut commits: Vec<Commit> = Vec::new();
    for input in inputs {
        let version = commits.len() as u64;
        let verification = commits.last().map(|commit| commit.verification().clone());
        let stored =
            verification.map(|verification| Stored { version, fence: 0, lease_until: None, verification });
        let snapshot = Snapshot { stored: stored.as_ref(), usage: Usage::default() };
        commits.push(machine().step(&snapshot, input, BEGIN)?);
    }
    Ok(commits)
}
