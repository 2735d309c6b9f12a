//! A verification during a step: changes are collected here, and become one commit.

use cloudauth_protocol::{OuterOrderNo, UnixTime};

use crate::machine::commit::{Block, Commit, CommitOutcome, PageEnd, Refund, Stored, Take};
use crate::machine::event::{Decided, Event, EventKind};
use crate::machine::finding::{DecisionRecord, VerdictRecord};
use crate::machine::ids::{CapabilityHash, IdentityRef};
use crate::machine::refusal::Refusal;
use crate::machine::rules::{MOST_ATTEMPTS, Rules};
use crate::machine::state::{Attempt, AttemptState, DecidedBy, Redaction, State, Verification};

/// The changes of one step.
pub(crate) struct Draft<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) now: UnixTime,
    pub(crate) verification: Verification,
    pub(crate) take: Option<Take>,
    pub(crate) refund: Option<Refund>,
    pub(crate) page: Option<PageEnd>,
    pub(crate) needs_page: Option<CapabilityHash>,
    pub(crate) release: bool,
    block: Option<Block>,
    before: Option<&'a Stored>,
    events: Vec<Event>,
}

impl<'a> Draft<'a> {
    /// Changes to a stored verification.
    pub(crate) fn of(rules: &'a Rules, before: &'a Stored, now: UnixTime) -> Self {
        let verification = before.verification.clone();
        Self { before: Some(before), ..Self::new(rules, verification, now) }
    }

    /// A new verification.
    pub(crate) const fn new(rules: &'a Rules, verification: Verification, now: UnixTime) -> Self {
        let events = Vec::new();
        let (take, refund, page, needs_page) = (None, None, None, None);
        let (release, block, before) = (false, None, None);
        Self { rules, now, verification, take, refund, page, needs_page, release, block, before, events }
    }

    /// The attempt with this number.
    pub(crate) fn attempt(&mut self, order_no: &OuterOrderNo) -> Result<&mut Attempt, Refusal> {
        let found = self.verification.attempts.iter_mut().find(|attempt| attempt.order_no == *order_no);
        found.ok_or(Refusal::NotFound)
    }

    pub(crate) fn event(&mut self, kind: &EventKind) {
        let event = Event::after(&self.verification.head, kind, self.now);
        let head = &mut self.verification.head;
        (head.n, head.at, head.hash) = (event.n, event.at, event.hash);
        self.events.push(event);
    }

    /// Gives all attempts in a state another one, with an event for each.
    pub(crate) fn move_attempts(
        &mut self,
        moves: impl Fn(&Attempt) -> bool,
        to: AttemptState,
        event: impl Fn(OuterOrderNo) -> EventKind,
    ) {
        let mut moved = Vec::new();
        for attempt in self.verification.attempts.iter_mut().filter(|attempt| moves(attempt)) {
            attempt.state = to;
            moved.push(attempt.order_no.clone());
        }
        for order_no in moved {
            self.event(&event(order_no));
        }
    }

    /// Orphans the attempts whose `InitFaceVerify` was not answered in time.
    pub(crate) fn end_leases(&mut self) {
        let now = self.now;
        let over = |attempt: &Attempt| attempt.state == AttemptState::Reserved && attempt.lease_until <= now;
        for attempt in self.verification.attempts.iter_mut().filter(|attempt| over(attempt)) {
            attempt.maybe_executed = true;
        }
        self.move_attempts(over, AttemptState::Orphaned, |attempt| EventKind::Orphaned { attempt });
    }

    pub(crate) fn block(&mut self, identity: Option<IdentityRef>, until: UnixTime) {
        self.block = identity.map(|identity| Block { identity, until });
    }

    pub(crate) fn set_state(&mut self, to: State, decision: Option<DecidedBy>) {
        let from = self.verification.state;
        // Final states are absorbing.
        if from == to || from.is_final() {
            return;
        }
        self.verification.state = to;
        self.verification.review_by = (to == State::InReview).then(|| self.now.plus(self.rules.review_time));
        if decision.is_some() {
            self.verification.decision = decision;
        }
        if to.is_final() {
            self.verification.purge_at = Some(self.now.plus(self.rules.retention.get()));
        }
        self.event(&EventKind::StateChanged { from, to });
    }

    /// Whether the person can start now.
    pub(crate) fn can_start(&self) -> bool {
        let links = u32::try_from(self.verification.links_used()).unwrap_or(u32::MAX);
        links < self.rules.attempts
            && self.verification.attempts.len() < MOST_ATTEMPTS
            && self.now < self.verification.expires_at
    }

    /// Sets the state of a verification without a decision, from its attempts and the time.
    pub(crate) fn rest(&mut self) {
        let state = self.verification.state;
        if state.is_final() || state == State::InReview {
            return;
        }
        if self.verification.is_busy() {
            self.set_state(State::Processing, None);
        } else if self.can_start() {
            self.set_state(State::RequiresInput, None);
        } else if self.verification.is_awaited() {
            self.set_state(State::Processing, None);
        } else {
            let exhausted = self.now < self.verification.expires_at;
            match self.last_retry().filter(|_| exhausted) {
                Some(decision) => self.set_state(State::Declined, Some(decision)),
                None => self.set_state(State::Expired, None),
            }
        }
    }

    /// The last decision on the current identity that asked the person to try again.
    fn last_retry(&self) -> Option<DecidedBy> {
        let identity = self.verification.identity()?;
        let own = self.verification.attempts.iter().filter(|attempt| attempt.identity == Some(identity));
        own.rev().find_map(|attempt| {
            let record = attempt.finding.as_ref()?.decision();
            (record.verdict == VerdictRecord::Retry)
                .then(|| DecidedBy::Policy { attempt: attempt.order_no.clone(), record: record.clone() })
        })
    }

    pub(crate) fn finish(mut self, outcome: CommitOutcome) -> Commit {
        self.verification.due_at = self.due_at();
        let unchanged = self.events.is_empty()
            && self.before.is_some_and(|before| before.verification == self.verification);
        Commit {
            expected: self.before.map(|before| before.version),
            release: self.release,
            verification: self.verification,
            events: self.events,
            take: self.take,
            refund: self.refund,
            block: self.block,
            page: self.page,
            needs_page: self.needs_page,
            outcome,
            unchanged,
        }
    }

    fn due_at(&self) -> Option<UnixTime> {
        let verification = &self.verification;
        let leases = verification
            .attempts
            .iter()
            .filter(|attempt| attempt.state == AttemptState::Reserved)
            .map(|attempt| attempt.lease_until);
        let looks = verification.attempts.iter().filter_map(|attempt| attempt.next_look_at);
        let own = (verification.state == State::RequiresInput).then_some(verification.expires_at);
        let review = verification.review_by;
        let delete = verification.delete_at.filter(|_| verification.redaction == Redaction::Requested);
        leases.chain(looks).chain(own).chain(review).chain(delete).min()
    }
}

/// The decision on an attempt, as an event has it.
pub(crate) fn decided(attempt: &OuterOrderNo, record: &DecisionRecord) -> Decided {
    Decided {
        attempt: attempt.clone(),
        verdict: record.verdict,
        policy: record.policy.clone(),
        policy_hash: record.policy_hash.clone(),
        rule: record.rule.clone(),
        reason: record.reason.clone(),
    }
}
