//! What must hold at the end of a simulation.

use std::collections::BTreeSet;

use cloudauth_flow::testing::MemoryStore;
use cloudauth_flow::{
    Attempt, AttemptState, Cursor, DecidedBy, Event, EventKind, Flow, IdentityRef, Redaction, State, Store,
    Verification, verify_document,
};
use cloudauth_protocol::OuterOrderNo;
use pollster::block_on;

use crate::faulty::Faulty;
use crate::vendor::{Issued, Vendor};
use crate::{Link, order_ref, person, refs};

/// The transitions of verifications, and the types of the other events.
pub(crate) type Reached = BTreeSet<String>;

/// Every transition of a verification in the README, and every type of event but `verification.redaction_failed`: no service here
/// refuses twelve deletions in a row.
pub(crate) fn transitions() -> Reached {
    let readme = include_str!("../../README.md");
    let table =
        readme.split("| verification from |").nth(1).unwrap().split("| attempt from |").next().unwrap();
    let rows = table.lines().skip(2).map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let changes =
        rows.filter(|row| row.len() > 3 && row[1] != "(new)").map(|row| format!("{} -> {}", row[1], row[2]));
    let kinds = [
        "verification.created",
        "attempt.reserved",
        "attempt.opened",
        "attempt.link_dropped",
        "attempt.refused",
        "attempt.orphaned",
        "attempt.superseded",
        "attempt.expired",
        "attempt.settled",
        "attempt.late_evidence",
        "verification.reviewed",
        "verification.redaction_requested",
        "verification.redacted",
    ];
    changes.chain(kinds.map(str::to_owned)).chain(["a page led to a link".to_owned()]).collect()
}

fn transition(event: &Event) -> Option<String> {
    Some(match event.read()? {
        EventKind::StateChanged { from, to } => format!("{} -> {}", from.as_str(), to.as_str()),
        kind => kind.name().to_owned(),
    })
}

/// The identity of the latest attempt that may have a session.
fn latest(found: &Verification) -> Option<IdentityRef> {
    found.attempts.iter().rfind(|attempt| attempt.state != AttemptState::Refused)?.identity
}

/// Each reference is that of the person who was sent, and no one is decided by the face of another person.
fn check_people(found: &Verification, issued: &Issued) -> Result<(), String> {
    if found.redaction != Redaction::None {
        return Ok(());
    }
    for attempt in &found.attempts {
        let sent = issued.people.get(attempt.order_no.as_str());
        let of = |number| attempt.identity == Some(refs().of(&person(number)));
        let right = sent.is_none_or(|name| of(u64::from(name != "%E5%BC%A0%E4%B8%89")));
        if !right {
            return Err("a reference to a person is not that of the identity that was sent".to_owned());
        }
    }
    let decided = match &found.decision {
        Some(DecidedBy::Policy { attempt, .. } | DecidedBy::Reviewer { attempt, .. }) => {
            found.attempt(attempt)
        }
        _ => None,
    };
    match decided {
        Some(attempt) if attempt.identity != latest(found) => Err("another person decided".to_owned()),
        _ => Ok(()),
    }
}

/// Checks everything at the end, and returns the transitions that happened.
pub(crate) fn check(
    flow: &Flow<Faulty>,
    store: &MemoryStore,
    vendor: &Vendor,
    links: &[Link],
) -> Result<Reached, String> {
    let issued = vendor.issued.lock().unwrap();
    if let Some(complaint) = issued.complaints.first() {
        return Err(complaint.clone());
    }
    let logged = block_on(store.events_after(Cursor::default(), 100_000)).unwrap();
    let mut reached = BTreeSet::new();
    for order in 0..3 {
        let Some(found) = block_on(flow.get(&order_ref(order))).unwrap() else { continue };
        if !found.state.is_final() {
            return Err(format!("order {order} is stuck: {:?}", found.state));
        }
        if found.redaction == Redaction::Requested {
            return Err(format!("order {order} waits for its deletion"));
        }
        let kept = |id: &str| found.redaction == Redaction::Done && !issued.deleted.contains(id);
        if found.attempts.iter().filter_map(|attempt| attempt.certify_id.as_ref()).any(|id| kept(id.as_str()))
        {
            return Err(format!("order {order} is redacted, and the service has its data"));
        }
        let events = block_on(store.history(&found.id)).unwrap();
        reached.extend(events.iter().filter_map(transition));
        verify_document(&found, &events).map_err(|problem| format!("order {order}: {problem}"))?;
        let own: Vec<_> = logged.iter().filter(|event| event.verification == found.id).collect();
        if own.iter().map(|event| &event.event).ne(&events) {
            return Err(format!("the events of order {order} are not those of its chain"));
        }
        let ends = ["approved", "declined", "expired", "canceled"];
        let ended = |kind: &str| ends.iter().any(|end| kind == format!("verification.{end}"));
        let decided = events.iter().filter(|event| ended(&event.kind)).count();
        if decided != usize::from(found.state.is_final()) {
            return Err(format!("order {order} ended {decided} times"));
        }
        check_people(&found, &issued).map_err(|problem| format!("order {order}: {problem}"))?;
        let result = |attempt: &OuterOrderNo| issued.results.get(&format!("sha{attempt}")).copied().flatten();
        match (&found.decision, found.state) {
            (Some(DecidedBy::Policy { attempt, .. }), State::Approved) if result(attempt) != Some("200") => {
                return Err(format!("order {order} is approved without a pass"));
            }
            (None, State::Approved | State::Declined) => {
                return Err(format!("order {order} has no decision"));
            }
            _ => {}
        }
        let late = |order_no: &str| {
            let is_late =
                |event: &Event| &*event.kind == "attempt.late_evidence" && event.body.contains(order_no);
            events.iter().any(is_late)
        };
        // The pass of another person, or one that came while another person was being started, does not count.
        let passed = links.iter().filter(|link| link.order == order && !late(&link.order_no)).any(|link| {
            let attempt = found.attempt(&OuterOrderNo::new(&link.order_no).unwrap());
            attempt.is_some_and(|attempt| attempt.identity == latest(&found))
                && issued.results.get(&format!("sha{}", link.order_no)) == Some(&Some("200"))
        });
        if passed && found.state == State::Expired && found.decision.is_none() {
            let kinds: Vec<_> = events
                .iter()
                .map(|event| format!("{} {} {}", event.at.as_secs(), event.kind, event.body))
                .collect();
            return Err(format!("order {order} expired, and a person passed:\n{}", kinds.join("\n")));
        }
        for link in links.iter().filter(|link| link.order == order) {
            let known = OuterOrderNo::new(&link.order_no).unwrap();
            // Also if another attempt decided: its result is then late evidence.
            let is_kept = |attempt: &Attempt| attempt.state == AttemptState::Settled;
            let is_lost = result(&known).is_some() && !found.attempt(&known).is_some_and(is_kept);
            if is_lost && found.redaction == Redaction::None {
                return Err(format!("a result of order {order} was lost, which ended as {:?}", found.state));
            }
            if found.attempt(&known).is_none_or(|attempt| attempt.certify_id.is_none()) {
                return Err(format!("a link of order {order} has no CertifyId"));
            }
        }
    }
    Ok(reached)
}
