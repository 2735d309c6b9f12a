//! One verification, the clock, and what the person has used: everything that the next step depends on.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;
use std::time::Duration;

use cloudauth_flow::testing::samples::{self, BEGIN};
use cloudauth_flow::{
    AttemptState, CapabilityHash, CheckedCallback, Commit, Deleted, Event, Fence, Finding, IdempotencyKey,
    IdentityRef, Input, Look, LookError, Looked, Machine, Opened, PageLink, Refusal, Review, ReviewReason,
    Reviewer, Sealed, Snapshot, StartFailed, Stored, Usage, day,
};
use cloudauth_protocol::{CallbackKeys, CertifyId, Code, OuterOrderNo, SceneId, UnixTime};

/// The fence of every claim in the model. Zero is a stale one.
pub(crate) const FENCE: Fence = Fence(1);

/// The most attempts in the exploration, and in the random walks.
pub(crate) const FEW: u8 = 2;
pub(crate) const MANY: u8 = 8;

const DAY: Duration = Duration::from_secs(86_400);

pub(crate) static MACHINE: LazyLock<Machine> = LazyLock::new(|| {
    let mut rules = samples::rules();
    (rules.attempts, rules.starts_per_day) = (2, 3);
    rules.looks = vec![Duration::from_secs(5)];
    rules.look_until = Duration::from_secs(600);
    Machine::new(rules)
});

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) stored: Option<Stored>,
    pub(crate) events: Vec<Event>,
    pub(crate) now: UnixTime,
    pub(crate) starts_today: u32,
    pub(crate) blocked: Vec<IdentityRef>,
}

/// A move of the world.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    Step(&'static str, Box<Input>),
    /// The clock advances to the next timer.
    Wait,
    /// The clock advances by a day.
    Day,
}

/// The answers to a look: SubCode, and whether the policy is the one that rejects 204.
static FINDINGS: LazyLock<Vec<(CertifyId, Vec<Finding>)>> = LazyLock::new(|| {
    (1..=12)
        .map(|attempt| {
            let id = samples::opened(1, attempt).unwrap().certify_id;
            let soft = ["200", "205", "204", "201"].map(|code| samples::finding(&id, code).unwrap());
            let strict = samples::strict_finding(&id, "204").unwrap();
            (id, soft.into_iter().chain([strict]).collect())
        })
        .collect()
});

impl World {
    pub(crate) const fn new() -> Self {
        Self { stored: None, events: Vec::new(), now: BEGIN, starts_today: 0, blocked: Vec::new() }
    }

    pub(crate) fn step(&self, input: &Input) -> Result<Commit, Refusal> {
        let mut usage = Usage::default();
        if let Input::Start(start) = input {
            usage.starts_today = self.starts_today;
            usage.blocked_until = self.blocked.contains(&start.identity).then(|| self.now.plus(DAY));
        }
        MACHINE.step(&Snapshot { stored: self.stored.as_ref(), usage }, input.clone(), self.now)
    }

    pub(crate) fn after(&self, commit: &Commit) -> Self {
        let mut next = self.clone();
        let version = commit.expected().unwrap_or_default() + 1;
        let verification = commit.verification().clone();
        next.stored = Some(Stored { version, fence: FENCE.0, lease_until: None, verification });
        next.events.extend_from_slice(commit.events());
        next.starts_today += u32::from(commit.take().is_some());
        if commit.refund().is_some_and(|refund| refund.day == day(self.now)) {
            next.starts_today = next.starts_today.checked_sub(1).expect("a refund without a start");
        }
        if let Some(block) = commit.block().filter(|block| !self.blocked.contains(&block.identity)) {
            next.blocked.push(block.identity);
            next.blocked.sort();
        }
        next
    }

    pub(crate) fn later(&self, by: &Move) -> Option<Self> {
        let mut next = self.clone();
        match by {
            Move::Step(..) => return None,
            Move::Wait => {
                next.now = self.stored.as_ref()?.verification.due_at.filter(|at| *at > self.now)?;
            }
            Move::Day => (next.now, next.starts_today) = (self.now.plus(DAY), 0),
        }
        Some(next)
    }

    /// Every move that can matter here, with at most this number of attempts.
    pub(crate) fn moves(&self, most: u8) -> Vec<Move> {
        let ended = self.stored.as_ref().is_some_and(|stored| stored.verification.state.is_final());
        let attempts = self.stored.as_ref().map_or(&[][..], |stored| &stored.verification.attempts);
        let number = u8::try_from(attempts.len() + 1).unwrap();
        let mut moves = vec![Move::Wait, Move::Day];
        let mut add = |name, input| moves.push(Move::Step(name, Box::new(input)));
        if number <= most {
            for (name, key, identity) in [("start a", "a", 1), ("start b", "b", 2), ("key reused", "a", 2)] {
                let mut start = samples::start(1, number).unwrap();
                start.key = IdempotencyKey::new(key).unwrap();
                start.identity = IdentityRef::from_hmac([identity; 32]);
                start.consent.at = BEGIN;
                start.page = (name == "start a").then(|| CapabilityHash::new([9; 32]));
                add(name, Input::Start(start));
            }
        }
        for (at, attempt) in attempts.iter().enumerate() {
            let sample = samples::opened(1, u8::try_from(at + 1).unwrap()).unwrap();
            let order_no = attempt.order_no.clone();
            if matches!(attempt.state, AttemptState::Reserved | AttemptState::Orphaned) {
                let (certify_id, region) = (sample.certify_id.clone(), sample.region.clone());
                let order_no = order_no.clone();
                let link = PageLink { page: CapabilityHash::new([9; 32]), sealed: Sealed::new([9; 9]) };
                add("opened", Input::Opened(Opened { order_no, certify_id, region, link: Some(link) }));
            }
            if attempt.state == AttemptState::Reserved {
                let mut start = samples::start(1, u8::try_from(at + 1).unwrap()).unwrap();
                start.key = attempt.key.clone();
                add("start repeated", Input::Start(start));
                for (name, maybe_executed, code) in [
                    ("not sent", false, None),
                    ("no answer", true, None),
                    ("refused", false, Some(Code::CannotUseFace)),
                ] {
                    let order_no = order_no.clone();
                    add(name, Input::StartFailed(StartFailed { order_no, maybe_executed, code }));
                }
            }
            if matches!(attempt.state, AttemptState::Refused) {
                continue;
            }
            add("callback", callback(&order_no, &sample.certify_id));
            add(
                "returned",
                Input::Returned(CapabilityHash::new(
                    *samples::start(1, u8::try_from(at + 1).unwrap()).unwrap().capability.as_bytes(),
                )),
            );
            if attempt.certify_id.is_some() {
                for (name, answer) in looks(at, ended) {
                    let order_no = order_no.clone();
                    add(name, Input::Looked(Looked { order_no, fence: FENCE, answer }));
                }
                for (name, done) in [("deleted", true), ("not deleted", false)] {
                    let order_no = order_no.clone();
                    add(name, Input::Deleted(Deleted { order_no, fence: FENCE, done }));
                }
            }
        }
        let seen = self.stored.as_ref().map_or(0, |stored| stored.verification.head.n);
        for (name, approve) in [("reviewer approves", true), ("reviewer declines", false)] {
            let (reviewer, reason) = (Reviewer::new("r.lee").unwrap(), ReviewReason::new("seen").unwrap());
            add(name, Input::Review(Review { reviewer, reason, approve, seen }));
        }
        add("cancel", Input::Cancel);
        add("redact", Input::Redact);
        add("tick", Input::Tick(FENCE));
        moves
    }

    /// What the next steps depend on, as a hash. Of a time it has what the machine asks: whether it has come, and which planned
    /// look is the next. The chain, the version and the counters of looks do not matter.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        if self.stored.as_ref().is_none_or(|stored| !stored.verification.state.is_final()) {
            (self.starts_today, &self.blocked).hash(&mut hasher);
        }
        if let Some(stored) = &self.stored {
            let verification = &stored.verification;
            let over = |at: UnixTime| at <= self.now;
            let decided = verification.decision.is_some();
            (verification.state, verification.redaction, decided, over(verification.expires_at))
                .hash(&mut hasher);
            (verification.delete_at.map(over), verification.review_by.map(over)).hash(&mut hasher);
            for attempt in &verification.attempts {
                let ended = verification.state.is_final();
                let (called_back, id) = (!attempt.callbacks.is_empty(), attempt.certify_id.is_some());
                (attempt.state, id, attempt.deleted).hash(&mut hasher);
                if !ended {
                    let verdict = attempt.finding.as_ref().map(|finding| finding.decision().verdict);
                    (&attempt.key, attempt.identity, verdict).hash(&mut hasher);
                }
                match attempt.state {
                    AttemptState::Reserved => (called_back, over(attempt.lease_until)).hash(&mut hasher),
                    AttemptState::Open | AttemptState::Superseded | AttemptState::Expired => {
                        let age = attempt.opened_at.map(|opened| self.now.since(opened).as_secs());
                        let planned = age.map(|age| [5, 31 * 60, 41 * 60].map(|at| age >= at));
                        (planned, attempt.next_look_at.map(over)).hash(&mut hasher);
                    }
                    _ => {}
                }
            }
        }
        hasher.finish()
    }
}

/// The answers to a look. After the end all results are alike.
fn looks(attempt: usize, ended: bool) -> Vec<(&'static str, Look)> {
    let names = ["approved", "to review", "again", "blocked", "rejected"];
    let findings = FINDINGS[attempt].1.iter().cloned().map(|finding| Look::Finished(Box::new(finding)));
    let mut looks: Vec<_> = names.into_iter().zip(findings).take(if ended { 1 } else { 5 }).collect();
    looks.push(("pending", Look::Pending));
    let region = samples::opened(1, 1).unwrap().region;
    looks.push(("look unknown", Look::Unknown { region }));
    looks.push(("look elsewhere", Look::Unknown { region: None }));
    for (name, transient) in [("look failed", true), ("look refused", false)] {
        looks.push((name, Look::Failed { transient, error: LookError::new("Throttling").unwrap() }));
    }
    looks
}

fn callback(order_no: &OuterOrderNo, certify_id: &CertifyId) -> Input {
    static KEYS: LazyLock<CallbackKeys> = LazyLock::new(|| CallbackKeys::new(&[1; 32]).unwrap());
    let scene = SceneId::new(1_000_000_006).unwrap();
    let token = KEYS.token(scene, order_no);
    let query = format!("certifyId={certify_id}&passed=200&callbackToken={}", token.expose());
    Input::Callback(CheckedCallback::check(&KEYS, scene, order_no, &query).unwrap())
}

/// A callback with the right token that names another CertifyId.
pub(crate) fn foreign_callback(order_no: &OuterOrderNo) -> Input {
    callback(order_no, &CertifyId::new("sha0").unwrap())
}
