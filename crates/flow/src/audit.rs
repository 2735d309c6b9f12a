//! An audit of a whole store: checks each chain and the document that must follow from it, and digests the heads of the chains by day,
//! so that a later audit can compare.
//!
//! A chain alone does not stop a person who can write to the database: that person can write another chain, or delete a
//! verification. A [`Checkpoint`] that is kept elsewhere shows both.

pub(crate) mod problem;
mod replay;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use cloudauth_protocol::UnixTime;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

use crate::audit::problem::AuditProblem;
use crate::audit::replay::Replay;
use crate::machine::chain::ChainHead;
use crate::machine::event::Event;
use crate::machine::ids::{Digest, VerificationId};
use crate::machine::state::Verification;
use crate::store::logged::Cursor;

/// The broken verifications that are named. More are counted.
const NAMED: usize = 100;

/// The days of a checkpoint: more than twenty years.
const MOST_DAYS: usize = 8_192;

/// The format of a checkpoint.
const FORMAT: u32 = 1;

const DAY: u64 = 86_400;

/// The result of an audit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Audit {
    /// The number of chains, one for each verification.
    pub chains: u64,
    /// The number of events.
    pub events: u64,
    /// The number of verifications whose chain is broken, or whose document does not follow from it.
    pub broken: u64,
    /// The first 100 of them.
    pub named: Vec<BrokenVerification>,
    /// The heads of all chains.
    pub checkpoint: Checkpoint,
    /// The heads as they were at the cursor that the audit was given.
    pub earlier: Option<Checkpoint>,
}

/// A verification that fails an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenVerification {
    /// The verification.
    pub id: VerificationId,
    /// What is wrong. An audit stops at the first problem of a verification.
    pub problem: AuditProblem,
}

/// The heads of all chains up to a place in the sequence of events. Keep it where no writer of the store can change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Checkpoint {
    format: u32,
    /// The place of the last event.
    pub cursor: Cursor,
    /// The chains by the day of their first event in UTC, such as `2026-01-02`.
    #[serde(deserialize_with = "days")]
    pub days: BTreeMap<String, DayOfChains>,
}

/// The chains that began on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DayOfChains {
    /// The number of chains.
    pub chains: u64,
    /// SHA-256 of the heads of the chains: id, number of events and hash, in the order of the ids.
    pub digest: Digest,
}

/// The days whose chains differ from a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Differences {
    /// Chains were changed, added or deleted.
    pub changed: Vec<String>,
    /// Chains are missing, and a purge may explain it. The others of such a day are not compared: a checkpoint has one digest for
    /// all chains of a day, so that a chain that was changed, added or deleted there is not noticed.
    pub purged: Vec<String>,
}

impl Checkpoint {
    /// Whether this version of the crate reads this checkpoint.
    #[must_use]
    pub const fn is_readable(&self) -> bool {
        self.format == FORMAT
    }

    /// Compares with [`Audit::earlier`] of a later audit. A purge explains missing chains of days that are older than
    /// the retention in days; without a retention, nothing explains them.
    #[must_use]
    pub fn compare(&self, later: &Self, now: UnixTime, retention: Option<u64>) -> Differences {
        // A chain that began on this day or later cannot be purged yet.
        let kept = retention.map(|days| date((now.as_secs() / DAY).saturating_sub(days).saturating_add(1)));
        let may_be_purged = |day: &String| {
            let chains = |of: &Self| of.days.get(day).map_or(0, |day| day.chains);
            kept.as_ref().is_some_and(|kept| day < kept) && chains(later) < chains(self)
        };
        let added = later.days.keys().filter(|day| !self.days.contains_key(*day));
        let days = self.days.keys().chain(added);
        let other = days.filter(|day| self.days.get(*day) != later.days.get(*day)).cloned();
        let (purged, changed) = other.partition(may_be_purged);
        Differences { changed, purged }
    }
}

/// Checks the events of one verification, and that its document follows from them: the request, the state, the attempts, the
/// decision and the redaction.
///
/// # Errors
/// The first problem.
pub fn verify_document(verification: &Verification, events: &[Event]) -> Result<(), AuditProblem> {
    let mut chain = Chain::new(verification.id);
    for event in events {
        chain.take(Some(event));
    }
    chain.problem(Some(verification)).map_or(Ok(()), Err)
}

/// Checks the chains of a store, one after the other, in little memory. For stores: read all in one snapshot.
#[derive(Debug)]
pub struct Auditor {
    audit: Audit,
    current: Option<Current>,
    all: Heads,
    earlier: Option<Heads>,
}

impl Auditor {
    /// Begins. `last` is the place of the last event, and `earlier` that of an earlier checkpoint.
    #[must_use]
    pub fn new(last: Cursor, earlier: Option<Cursor>) -> Self {
        let audit = Audit {
            chains: 0,
            events: 0,
            broken: 0,
            named: Vec::new(),
            checkpoint: Heads::new(last).end(),
            earlier: None,
        };
        Self { audit, current: None, all: Heads::new(last), earlier: earlier.map(Heads::new) }
    }

    /// Begins the next verification, in the order of the ids. `document` is what the flow would read; `None` if it cannot be read,
    /// or if a column or a row of an attempt that the store keeps beside it differs. A document that a newer version wrote is not
    /// broken: end the audit with an error that says so.
    pub fn verification(&mut self, id: VerificationId, document: Option<Verification>) {
        self.end();
        let chain = Chain::new(id);
        self.current = Some(Current { document, chain, began: None, at_last: None, at_earlier: None });
    }

    /// Takes the next event of the chain, with its place in the sequence; `None` if it cannot be read.
    pub fn event(&mut self, event: Option<(Cursor, &Event)>) {
        self.audit.events += 1;
        let (last, earlier) = (self.all.cursor, self.earlier.as_ref().map(|heads| heads.cursor));
        if let Some(current) = &mut self.current {
            current.take(event, last, earlier);
        }
    }

    /// Notes events whose verification is missing.
    pub fn orphans(&mut self, id: VerificationId) {
        self.end();
        self.broken(id, AuditProblem::Deleted);
    }

    /// Returns the result.
    #[must_use]
    pub fn finish(mut self) -> Audit {
        self.end();
        self.audit.checkpoint = self.all.end();
        self.audit.earlier = self.earlier.map(Heads::end);
        self.audit
    }

    fn end(&mut self) {
        let Some(current) = self.current.take() else { return };
        let id = current.chain.id;
        self.audit.chains += 1;
        let mut problem = current.chain.problem(current.document.as_ref());
        if let Some(began) = current.began {
            let mut fits = self.all.add(&id, began, current.at_last);
            if let Some(earlier) = &mut self.earlier {
                fits &= earlier.add(&id, began, current.at_earlier);
            }
            // Too many days: the times are not those of a store.
            problem = problem.or((!fits).then_some(AuditProblem::Event(1)));
        }
        if let Some(problem) = problem {
            self.broken(id, problem);
        }
    }

    fn broken(&mut self, id: VerificationId, problem: AuditProblem) {
        self.audit.broken += 1;
        if self.audit.named.len() < NAMED {
            self.audit.named.push(BrokenVerification { id, problem });
        }
    }
}

/// The heads up to a place.
#[derive(Debug)]
struct Heads {
    cursor: Cursor,
    days: BTreeMap<u64, (u64, Sha256)>,
}

impl Heads {
    const fn new(cursor: Cursor) -> Self {
        Self { cursor, days: BTreeMap::new() }
    }

    /// Adds a chain. Returns whether there was room for its day.
    fn add(&mut self, id: &VerificationId, began: UnixTime, head: Option<(u64, Digest)>) -> bool {
        let Some((n, hash)) = head else { return true };
        let day = began.as_secs() / DAY;
        if self.days.len() >= MOST_DAYS && !self.days.contains_key(&day) {
            return false;
        }
        let new = || (0, Sha256::new_with_prefix(b"cloudauth flow checkpoint 1"));
        let (chains, of_day) = self.days.entry(day).or_insert_with(new);
        *chains += 1;
        of_day.update(id.as_bytes());
        of_day.update(n.to_be_bytes());
        of_day.update(hash.as_bytes());
        true
    }

    fn end(self) -> Checkpoint {
        let days = self.days.into_iter().map(|(day, (chains, hash))| {
            (date(day), DayOfChains { chains, digest: Digest::new(hash.finalize().into()) })
        });
        Checkpoint { format: FORMAT, cursor: self.cursor, days: days.collect() }
    }
}

/// The verification that is read.
#[derive(Debug)]
struct Current {
    document: Option<Verification>,
    chain: Chain,
    began: Option<UnixTime>,
    /// The number and the hash of the last event up to the place of the new checkpoint. Later ones are in its successor.
    at_last: Option<(u64, Digest)>,
    /// Those of the last event up to the place of the earlier checkpoint.
    at_earlier: Option<(u64, Digest)>,
}

impl Current {
    fn take(&mut self, event: Option<(Cursor, &Event)>, last: Cursor, earlier: Option<Cursor>) {
        self.chain.take(event.map(|(_, event)| event));
        let Some((at, event)) = event else { return };
        self.began.get_or_insert(event.at);
        let head = Some((event.n, event.hash));
        if at <= last {
            self.at_last = head;
        }
        if earlier.is_some_and(|earlier| at <= earlier) {
            self.at_earlier = head;
        }
    }
}

/// A chain, and what its events say.
#[derive(Debug)]
struct Chain {
    id: VerificationId,
    head: ChainHead,
    replay: Replay,
    broken: Option<u64>,
}

impl Chain {
    fn new(id: VerificationId) -> Self {
        Self { id, head: ChainHead::new(&id), replay: Replay::new(), broken: None }
    }

    /// Takes the next event; `None` if it cannot be read. Nothing counts after the first that does not fit.
    fn take(&mut self, event: Option<&Event>) {
        if self.broken.is_some() {
            return;
        }
        let next = event.and_then(|event| Some((event, self.head.follow(event).ok()?)));
        match next.filter(|(event, _)| self.replay.take(event).is_ok()) {
            Some((_, head)) => self.head = head,
            None => self.broken = Some(self.head.n.saturating_add(1)),
        }
    }

    /// The first event that does not fit, the one after the last if the document knows of another end, or the part of the document
    /// that the events contradict.
    fn problem(&self, document: Option<&Verification>) -> Option<AuditProblem> {
        let next = self.head.n.saturating_add(1);
        match document {
            _ if self.broken.is_some() => self.broken.map(AuditProblem::Event),
            None => Some(AuditProblem::Unreadable),
            Some(document) if document.head != self.head || self.replay.is_unfinished() => {
                Some(AuditProblem::Event(next))
            }
            Some(document) => self.replay.difference(document).map(AuditProblem::Document),
        }
    }
}

/// Reads the days of a checkpoint: dates, each once. Another text would be printed as a day.
fn days<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, DayOfChains>, D::Error> {
    struct Days;

    impl<'de> Visitor<'de> for Days {
        type Value = BTreeMap<String, DayOfChains>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("dates, each once")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut days = BTreeMap::new();
            while let Some((day, chains)) = map.next_entry::<String, _>()? {
                if !is_date(&day) || days.insert(day, chains).is_some() {
                    return Err(A::Error::custom("expected dates, each once"));
                }
            }
            Ok(days)
        }
    }

    from.deserialize_map(Days)
}

/// Returns whether a text is a day as [`date`] writes it, up to the year 9999: such texts are in the order of the days.
fn is_date(text: &str) -> bool {
    let (mut first, mut end) = (0, 2_932_897);
    while first < end {
        let day = (first + end) / 2;
        match date(day).as_str().cmp(text) {
            Ordering::Less => first = day + 1,
            Ordering::Equal => return true,
            Ordering::Greater => end = day,
        }
    }
    false
}

/// A day since 1970-01-01 as `yyyy-MM-dd`.
fn date(day: u64) -> String {
    let time = UnixTime::from_secs(day.saturating_mul(DAY)).to_string();
    time.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_of_a_checkpoint_are_dates_each_once() {
        let read = |days: &str| {
            let text = format!(r#"{{"format":1,"cursor":0,"days":{{{days}}}}}"#);
            serde_json::from_str::<Checkpoint>(&text).map(|_| ()).map_err(|error| error.to_string())
        };
        let day = |name: &str| format!(r#""{name}":{{"chains":1,"digest":"{}"}}"#, "ab".repeat(32));
        assert_eq!(read(&format!("{},{}", day("1970-01-01"), day("9999-12-31"))), Ok(()));
        for days in [
            day("1999-99-99"),
            day("2026-02-29"),
            day(r"2026-01-02 were checked\nresult     intact"),
            format!("{},{}", day("2026-01-02"), day("2026-01-02")),
        ] {
            assert!(read(&days).is_err_and(|error| error.contains("dates, each once")), "{days}");
        }
    }
}
