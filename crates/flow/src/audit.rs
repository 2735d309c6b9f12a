//! An audit of the chains of a whole store: checks each chain, and digests their heads by day, so that a later audit can compare.
//!
//! A chain alone does not stop a person who can write to the database: that person can write another chain, or delete a
//! verification. A [`Checkpoint`] that is kept elsewhere shows both.

use std::collections::BTreeMap;

use cloudauth_protocol::UnixTime;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::machine::chain::ChainHead;
use crate::machine::event::Event;
use crate::machine::ids::{Digest, VerificationId};
use crate::store::logged::Cursor;

/// The broken chains that are named. More are counted.
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
    /// The number of broken chains.
    pub broken: u64,
    /// The first 100 of them.
    pub named: Vec<BrokenVerification>,
    /// The heads of all chains.
    pub checkpoint: Checkpoint,
    /// The heads as they were at the cursor that the audit was given.
    pub earlier: Option<Checkpoint>,
}

/// A verification whose chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenVerification {
    /// The verification.
    pub id: VerificationId,
    /// The number of the first event that is missing or was changed; `None` if the verification itself is missing.
    pub event: Option<u64>,
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
    /// Chains are missing, and a purge may explain it.
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

/// Checks the chains of a store, one after the other, in little memory. For stores: read all in one snapshot.
#[derive(Debug)]
pub struct Auditor {
    audit: Audit,
    chain: Option<Chain>,
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
        Self { audit, chain: None, all: Heads::new(last), earlier: earlier.map(Heads::new) }
    }

    /// Begins the next chain, in the order of the ids. `head` is what the verification itself says: the number of its events and
    /// the hash of the last one; `None` if that cannot be read.
    pub fn verification(&mut self, id: VerificationId, head: Option<(u64, Digest)>) {
        self.end();
        self.chain = Some(Chain {
            id,
            claimed: head,
            head: ChainHead::new(&id),
            broken: None,
            began: None,
            at_last: None,
            at_earlier: None,
        });
    }

    /// Takes the next event of the chain, with its place in the sequence; `None` if it cannot be read.
    pub fn event(&mut self, event: Option<(Cursor, &Event)>) {
        self.audit.events += 1;
        let (last, earlier) = (self.all.cursor, self.earlier.as_ref().map(|heads| heads.cursor));
        if let Some(chain) = &mut self.chain {
            chain.take(event, last, earlier);
        }
    }

    /// Notes events whose verification is missing.
    pub fn orphans(&mut self, id: VerificationId) {
        self.end();
        self.broken(id, None);
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
        let Some(chain) = self.chain.take() else { return };
        self.audit.chains += 1;
        let mut problem = chain.first_problem();
        if let Some(began) = chain.began {
            let mut fits = self.all.add(&chain.id, began, chain.at_last);
            if let Some(earlier) = &mut self.earlier {
                fits &= earlier.add(&chain.id, began, chain.at_earlier);
            }
            // Too many days: the times are not those of a store.
            problem = problem.or((!fits).then_some(1));
        }
        if problem.is_some() {
            self.broken(chain.id, problem);
        }
    }

    fn broken(&mut self, id: VerificationId, event: Option<u64>) {
        self.audit.broken += 1;
        if self.audit.named.len() < NAMED {
            self.audit.named.push(BrokenVerification { id, event });
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

/// The chain that is read.
#[derive(Debug)]
struct Chain {
    id: VerificationId,
    claimed: Option<(u64, Digest)>,
    head: ChainHead,
    broken: Option<u64>,
    began: Option<UnixTime>,
    /// The number and the hash of the last event up to the place of the new checkpoint. Later ones are in its successor.
    at_last: Option<(u64, Digest)>,
    /// Those of the last event up to the place of the earlier checkpoint.
    at_earlier: Option<(u64, Digest)>,
}

impl Chain {
    fn take(&mut self, event: Option<(Cursor, &Event)>, last: Cursor, earlier: Option<Cursor>) {
        let Some((at, event)) = event else {
            self.broken = self.broken.or(Some(self.head.n.saturating_add(1)));
            return;
        };
        self.began.get_or_insert(event.at);
        let head = Some((event.n, event.hash));
        if at <= last {
            self.at_last = head;
        }
        if earlier.is_some_and(|earlier| at <= earlier) {
            self.at_earlier = head;
        }
        if self.broken.is_none() {
            match self.head.follow(event) {
                Ok(next) => self.head = next,
                Err(broken) => self.broken = Some(broken.event()),
            }
        }
    }

    /// The first event that does not fit, or the one after the last if the verification knows of another end.
    fn first_problem(&self) -> Option<u64> {
        let is_whole = self.claimed == Some((self.head.n, self.head.hash));
        self.broken.or((!is_whole).then_some(self.head.n.saturating_add(1)))
    }
}

/// A day since 1970-01-01 as `yyyy-MM-dd`.
fn date(day: u64) -> String {
    let time = UnixTime::from_secs(day.saturating_mul(DAY)).to_string();
    time.split('T').next().unwrap_or_default().to_owned()
}
