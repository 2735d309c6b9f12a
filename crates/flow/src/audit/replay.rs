//! Replays the events of a verification: what its document must say.
//!
//! The flow reads the document, and a chain alone says nothing of it. Every state, decision and state of an attempt comes with an
//! event, so that a document in which one of them was changed by hand differs from its events. No event has the times (except for
//! those of creation and consent), keys, digests, evidence, CertifyIds and regions, or the records of looks, callbacks and deletions:
//! a change there is not found, except that nothing which a redaction erases may be left after it.

use cloudauth_protocol::{Code, OuterOrderNo, SceneId, UnixTime};

use crate::audit::problem::DocumentPart;
use crate::machine::draft::decided;
use crate::machine::event::{Decided, Event, EventKind};
use crate::machine::finding::{DecisionRecord, VerdictRecord};
use crate::machine::ids::{OrderRef, Purpose, ReviewReason, Reviewer};
use crate::machine::rules::MOST_ATTEMPTS;
use crate::machine::state::{Attempt, AttemptState, Consent, DecidedBy, Redaction, State, Verification};

/// What the events say so far.
#[derive(Debug)]
pub(crate) struct Replay {
    created: Option<Created>,
    state: State,
    redaction: Redaction,
    attempts: Vec<Replayed>,
    decision: Option<Basis>,
    /// The state and the decision that the next event must bring: they are in one commit with the last event.
    pending: Option<(State, Basis)>,
}

/// The first event.
#[derive(Debug)]
struct Created {
    order: OrderRef,
    purpose: Purpose,
    scene: SceneId,
    at: UnixTime,
}

/// An attempt.
#[derive(Debug)]
struct Replayed {
    order_no: OuterOrderNo,
    consent: Consent,
    state: AttemptState,
    has_session: bool,
    refused: Option<Code>,
    result: Option<Decided>,
}

/// The origin of a decision.
#[derive(Clone, Debug)]
enum Basis {
    Policy(Decided),
    Reviewer(Reviewer, ReviewReason, Decided),
    /// Declined, because the last link was used: the decision on some attempt that asked for another try. The events do not say
    /// which attempts have the same identity.
    Retry,
}

/// The error of an event that no machine would have written here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Impossible;

impl Replay {
    pub(crate) const fn new() -> Self {
        Self {
            created: None,
            state: State::RequiresInput,
            redaction: Redaction::None,
            attempts: Vec::new(),
            decision: None,
            pending: None,
        }
    }

    /// Takes the next event.
    pub(crate) fn take(&mut self, event: &Event) -> Result<(), Impossible> {
        // Readers go by the type, and webhooks too.
        let kind = event.read().filter(|kind| kind.name() == &*event.kind).ok_or(Impossible)?;
        let is_first = self.created.is_none();
        if is_first != matches!(kind, EventKind::Created { .. })
            || self.pending.is_some() && !matches!(kind, EventKind::StateChanged { .. })
        {
            return Err(Impossible);
        }
        self.apply(kind, event.at)
    }

    fn apply(&mut self, kind: EventKind, at: UnixTime) -> Result<(), Impossible> {
        use AttemptState::{Expired, Open, Orphaned, Refused, Reserved, Superseded};
        match kind {
            EventKind::Created { order, purpose, scene } => {
                self.created = Some(Created { order, purpose, scene, at });
                Ok(())
            }
            EventKind::Reserved { attempt, consent, consent_at } => {
                self.reserve(attempt, Consent { at: consent_at, text: consent })
            }
            EventKind::Opened { attempt } => {
                let is_awaited = self.state == State::Processing;
                let attempt = self.change(&attempt, &[Reserved], Open)?;
                attempt.has_session = true;
                ensure(is_awaited)
            }
            EventKind::LinkDropped { attempt } => self.drop_link(&attempt),
            EventKind::Refused { attempt, code } => {
                self.change(&attempt, &[Reserved], Refused)?.refused = code;
                Ok(())
            }
            EventKind::Orphaned { attempt } => self.change(&attempt, &[Reserved], Orphaned).map(drop),
            EventKind::Superseded { attempt } => self.change(&attempt, &[Open], Superseded).map(drop),
            EventKind::AttemptExpired { attempt } => {
                self.change(&attempt, &[Open, Superseded], Expired).map(drop)
            }
            EventKind::Settled(decided) => {
                ensure(matches!(self.state, State::RequiresInput | State::Processing))?;
                self.settle(&decided)?;
                let to = match decided.verdict {
                    VerdictRecord::Approve => State::Approved,
                    VerdictRecord::Review => State::InReview,
                    VerdictRecord::Reject => State::Declined,
                    VerdictRecord::Retry => return Ok(()),
                };
                self.pending = Some((to, Basis::Policy(decided)));
                Ok(())
            }
            EventKind::LateEvidence(decided) => {
                // Evidence that comes back during an erasure is not kept.
                ensure(self.redaction == Redaction::None)?;
                self.settle(&decided)
            }
            EventKind::StateChanged { from, to } => self.enter(from, to),
            EventKind::Reviewed { reviewer, reason, approved } => {
                let (State::InReview, Some(Basis::Policy(asked))) = (self.state, &self.decision) else {
                    return Err(Impossible);
                };
                let to = if approved { State::Approved } else { State::Declined };
                self.pending = Some((to, Basis::Reviewer(reviewer, reason, asked.clone())));
                Ok(())
            }
            EventKind::RedactionRequested => {
                ensure(
                    self.state.is_final() && matches!(self.redaction, Redaction::None | Redaction::Failed),
                )?;
                self.redaction = Redaction::Requested;
                Ok(())
            }
            EventKind::Redacted => self.end_redaction(Redaction::Done),
            EventKind::RedactionFailed => self.end_redaction(Redaction::Failed),
        }
    }

    fn attempt(&mut self, order_no: &OuterOrderNo) -> Result<&mut Replayed, Impossible> {
        self.attempts.iter_mut().find(|attempt| attempt.order_no == *order_no).ok_or(Impossible)
    }

    fn change(
        &mut self,
        order_no: &OuterOrderNo,
        from: &[AttemptState],
        to: AttemptState,
    ) -> Result<&mut Replayed, Impossible> {
        let attempt = self.attempt(order_no)?;
        ensure(from.contains(&attempt.state))?;
        attempt.state = to;
        Ok(attempt)
    }

    fn reserve(&mut self, order_no: OuterOrderNo, consent: Consent) -> Result<(), Impossible> {
        let is_busy = |state| matches!(state, AttemptState::Reserved | AttemptState::Open);
        ensure(
            matches!(self.state, State::RequiresInput | State::Processing)
                && self.attempts.len() < MOST_ATTEMPTS
                && self
                    .attempts
                    .iter()
                    .all(|attempt| !is_busy(attempt.state) && attempt.order_no != order_no),
        )?;
        let state = AttemptState::Reserved;
        let (has_session, refused, result) = (false, None, None);
        self.attempts.push(Replayed { order_no, consent, state, has_session, refused, result });
        Ok(())
    }

    fn drop_link(&mut self, order_no: &OuterOrderNo) -> Result<(), Impossible> {
        let is_redacted = self.redaction != Redaction::None;
        let attempt = self.attempt(order_no)?;
        ensure(!attempt.has_session)?;
        attempt.has_session = true;
        attempt.state = match attempt.state {
            AttemptState::Reserved | AttemptState::Orphaned => AttemptState::Orphaned,
            AttemptState::Refused => AttemptState::Refused,
            _ => return Err(Impossible),
        };
        if is_redacted {
            self.redaction = Redaction::Requested;
        }
        Ok(())
    }

    fn settle(&mut self, decided: &Decided) -> Result<(), Impossible> {
        use AttemptState::{Expired, Open, Settled, Superseded};
        self.change(&decided.attempt, &[Open, Superseded, Expired], Settled)?.result = Some(decided.clone());
        Ok(())
    }

    fn enter(&mut self, from: State, to: State) -> Result<(), Impossible> {
        ensure(from == self.state && to != from && !from.is_final())?;
        match self.pending.take() {
            Some((state, basis)) => {
                ensure(to == state)?;
                self.decision = Some(basis);
            }
            None if matches!(to, State::Approved | State::InReview) => return Err(Impossible),
            // A review ends by a reviewer, by time, or by a cancellation.
            None if self.state == State::InReview => {
                ensure(matches!(to, State::Expired | State::Canceled))?;
            }
            None if to == State::Declined => {
                let asks = |decided: &Decided| decided.verdict == VerdictRecord::Retry;
                ensure(self.attempts.iter().any(|attempt| attempt.result.as_ref().is_some_and(asks)))?;
                self.decision = Some(Basis::Retry);
            }
            None => {}
        }
        self.state = to;
        Ok(())
    }

    fn end_redaction(&mut self, to: Redaction) -> Result<(), Impossible> {
        ensure(self.redaction == Redaction::Requested)?;
        self.redaction = to;
        Ok(())
    }

    /// Whether the last event must have a successor.
    pub(crate) const fn is_unfinished(&self) -> bool {
        self.pending.is_some() || self.created.is_none()
    }

    /// Returns the first part of a document that is not what the events say.
    pub(crate) fn difference(&self, document: &Verification) -> Option<DocumentPart> {
        let is_own = self.created.as_ref().is_some_and(|created| {
            created.order == document.order
                && created.purpose == document.purpose
                && created.scene == document.scene
                && created.at == document.created_at
        });
        let attempts = &document.attempts;
        let same_attempts = attempts.len() == self.attempts.len()
            && self.attempts.iter().zip(attempts).all(|(replayed, attempt)| replayed.is(attempt));
        let parts = [
            (is_own, DocumentPart::Request),
            (self.state == document.state, DocumentPart::State),
            (same_attempts, DocumentPart::Attempts),
            (self.same_decision(document), DocumentPart::Decision),
            (self.redaction == document.redaction && is_erased(document), DocumentPart::Redaction),
        ];
        parts.into_iter().find(|(is_same, _)| !is_same).map(|(_, part)| part)
    }

    fn same_decision(&self, document: &Verification) -> bool {
        let (attempt, record) = match (&self.decision, &document.decision) {
            (None, None) => return true,
            (Some(Basis::Policy(decided)), Some(DecidedBy::Policy { attempt, record }))
                if is_of(decided, attempt, record) =>
            {
                (attempt, record)
            }
            (
                Some(Basis::Reviewer(reviewer, reason, asked)),
                Some(DecidedBy::Reviewer { reviewer: by, reason: because, attempt, record }),
            ) if reviewer == by && reason == because && is_of(asked, attempt, record) => (attempt, record),
            (Some(Basis::Retry), Some(DecidedBy::Policy { attempt, record }))
                if record.verdict == VerdictRecord::Retry =>
            {
                (attempt, record)
            }
            _ => return false,
        };
        // The attempt's own record was compared with the events; it also has what those leave out, such as the hint.
        let finding = document.attempt(attempt).and_then(|attempt| attempt.finding.as_ref());
        finding.is_some_and(|finding| finding.decision() == record)
    }
}

impl Replayed {
    fn is(&self, attempt: &Attempt) -> bool {
        let same_result = match (&self.result, &attempt.finding) {
            (None, None) => true,
            (Some(decided), Some(finding)) => {
                attempt.certify_id.as_ref() == Some(finding.certify_id())
                    && is_of(decided, &attempt.order_no, finding.decision())
            }
            _ => false,
        };
        // An attempt without an answer may have a code too, which its event leaves out.
        let same_code = self.state != AttemptState::Refused || self.refused == attempt.refused;
        self.order_no == attempt.order_no
            && self.consent == attempt.consent
            && self.state == attempt.state
            && self.has_session == attempt.certify_id.is_some()
            && same_code
            && same_result
    }
}

/// Whether a redaction, if there was one, left nothing that it erases.
fn is_erased(document: &Verification) -> bool {
    let is_empty = |attempt: &Attempt| {
        let finding = attempt.finding.as_ref();
        attempt.identity.is_none()
            && attempt.capability.is_none()
            && attempt.next_look_at.is_none()
            && attempt.callbacks.is_empty()
            && finding.is_none_or(|finding| finding.evidence().is_none() && finding.request_id().is_none())
    };
    document.redaction == Redaction::None
        || document.subject.is_none() && document.attempts.iter().all(is_empty)
}

/// Whether an event is about this decision.
fn is_of(event: &Decided, attempt: &OuterOrderNo, record: &DecisionRecord) -> bool {
    *event == decided(attempt, record)
}

const fn ensure(holds: bool) -> Result<(), Impossible> {
    if holds { Ok(()) } else { Err(Impossible) }
}
