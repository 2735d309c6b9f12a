//! The start pages of the store in memory.

use std::collections::BTreeMap;

use cloudauth_protocol::UnixTime;

use crate::machine::commit::{Commit, Sealed};
use crate::machine::ids::{CapabilityHash, IdempotencyKey, OrderRef};
use crate::store::pages::{NewPage, PAGE_LIFETIME, PAGE_REMEMBERED, Page, SealedPage};

/// The pages, under their order and key.
#[derive(Debug, Default)]
pub(super) struct PageTable(BTreeMap<(OrderRef, IdempotencyKey), Row>);

#[derive(Clone, Debug)]
struct Row {
    capability: CapabilityHash,
    state: State,
    /// What is sealed, with the request.
    sealed: Option<(Box<str>, Sealed)>,
    /// When it is erased; without a sealed text, when the row is deleted.
    until: UnixTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Linked,
    Used,
    Expired,
}

impl Row {
    fn is_over(&self, now: UnixTime) -> bool {
        self.until <= now || self.until > now.plus(PAGE_LIFETIME)
    }

    fn end(&mut self, now: UnixTime) {
        self.state = if self.state == State::Waiting { State::Expired } else { State::Used };
        self.sealed = None;
        self.until = now.plus(PAGE_REMEMBERED);
    }
}

impl PageTable {
    /// Ends the page of a commit, and the pages of the order of a final verification.
    pub(super) fn end(&mut self, commit: &Commit) {
        let verification = commit.verification();
        let (now, is_final) = (verification.head.at, verification.state.is_final());
        for ((order, key), row) in &mut self.0 {
            if *order != verification.order || row.sealed.is_none() {
                continue;
            }
            let ended = commit.page().filter(|end| end.key == *key && row.state == State::Waiting);
            let link = ended.and_then(|end| end.link.as_ref()).filter(|link| link.page == row.capability);
            if let (Some(link), Some((_, sealed))) = (link, &mut row.sealed) {
                *sealed = link.sealed.clone();
                (row.state, row.until) = (State::Linked, now.plus(PAGE_LIFETIME));
            } else if ended.is_some() || is_final {
                row.state = State::Used;
                row.end(now);
            }
        }
    }

    /// Whether a page waits with its identity.
    pub(super) fn waits(&self, capability: &CapabilityHash, now: UnixTime) -> bool {
        let row = self.0.values().find(|row| row.capability == *capability);
        row.is_some_and(|row| row.state == State::Waiting && row.sealed.is_some() && row.until > now)
    }

    pub(super) fn end_all(&mut self, of: &OrderRef, now: UnixTime) {
        for ((order, _), row) in &mut self.0 {
            if order == of && row.sealed.is_some() {
                row.state = State::Used;
                row.end(now);
            }
        }
    }

    pub(super) fn open(&mut self, page: &NewPage, now: UnixTime) -> bool {
        let of = (page.order.clone(), page.key.clone());
        if self.0.get(&of).is_some_and(|row| matches!(row.state, State::Linked | State::Used)) {
            return false;
        }
        let row = Row {
            capability: page.capability,
            state: State::Waiting,
            sealed: Some((page.request.clone(), page.sealed.clone())),
            until: now.plus(page.lifetime.min(PAGE_LIFETIME)),
        };
        self.0.insert(of, row);
        true
    }

    pub(super) fn find(&self, capability: &CapabilityHash, now: UnixTime) -> Option<Page> {
        let row = self.0.values().find(|row| row.capability == *capability)?;
        let sealed = row.sealed.clone().filter(|_| !row.is_over(now));
        let sealed =
            sealed.map(|(request, sealed)| SealedPage { capability: row.capability, request, sealed });
        Some(match (row.state, sealed) {
            (State::Waiting, Some(sealed)) => Page::Waiting(sealed),
            (State::Linked, Some(sealed)) => Page::Linked(sealed),
            (State::Waiting | State::Expired, _) => Page::Expired,
            (State::Linked | State::Used, _) => Page::Used,
        })
    }

    pub(super) fn erase(&mut self, now: UnixTime, limit: usize) -> usize {
        let before = self.0.len();
        let ended = |row: &&mut Row| row.sealed.is_some() && row.is_over(now);
        let erased = self.0.values_mut().filter(ended).take(limit).map(|row| row.end(now)).count();
        self.0.retain(|_, row| row.sealed.is_some() || row.until > now);
        erased + before - self.0.len()
    }
}
