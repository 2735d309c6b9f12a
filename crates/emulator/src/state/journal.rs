//! What came in, and what became of it: the last thousand, without anybody's data.

use std::collections::VecDeque;
use std::sync::Arc;

use cloudauth_protocol::UnixTime;
use serde::Serialize;
use serde_json::Value;

use crate::gateway::Incoming;

/// How many entries are kept.
const KEPT: usize = 1000;

/// How many refused requests are kept, so that their signatures can be explained.
pub(crate) const KEPT_REQUESTS: usize = 32;

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// A call of the API.
    Call,
    /// The person, on the page.
    Page,
    /// Somebody who looks after the emulator.
    Admin,
}

/// One thing that happened. It holds names of actions and ids, never what a parameter said.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    #[serde(serialize_with = "as_text")]
    pub(crate) at: UnixTime,
    pub(crate) what: What,
    pub(crate) action: String,
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) certify_id: Option<String>,
    pub(crate) outer_order_no: Option<String>,
    /// `V1` or `V3`.
    pub(crate) signature: Option<&'static str>,
    /// What went wrong with it, as somebody wished.
    pub(crate) fault: Option<Value>,
    pub(crate) hint: Option<String>,
    /// Whether its signature was refused.
    pub(crate) refused: bool,
    /// The refused request, while it is kept.
    #[serde(skip)]
    pub(crate) refused_request: Option<Arc<Incoming>>,
}

fn as_text<S: serde::Serializer>(time: &UnixTime, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

impl Entry {
    pub(crate) fn new(at: UnixTime, what: What, action: &str, status: u16) -> Self {
        Self {
            number: 0,
            at,
            what,
            action: action.to_owned(),
            status,
            code: None,
            request_id: None,
            certify_id: None,
            outer_order_no: None,
            signature: None,
            fault: None,
            hint: None,
            refused: false,
            refused_request: None,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    written: u64,
    entries: VecDeque<Entry>,
}

impl Journal {
    pub(crate) fn write(&mut self, entry: Entry) {
        self.written += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        let is_kept = entry.refused_request.is_some();
        self.entries.push_back(Entry { number: self.written, ..entry });
        if is_kept {
            let kept = self.entries.iter_mut().rev().filter(|entry| entry.refused_request.is_some());
            kept.skip(KEPT_REQUESTS).for_each(|entry| entry.refused_request = None);
        }
    }

    /// The latest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.number == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_refused_requests_are_kept() {
        let mut journal = Journal::default();
        for _ in 0..KEPT_REQUESTS + 2 {
            let (parts, ()) = axum::http::Request::new(()).into_parts();
            let request = Incoming::new(parts, axum::body::Bytes::new()).unwrap();
            let entry = Entry::new(UnixTime::from_secs(0), What::Call, "x", 400);
            journal.write(Entry { refused: true, refused_request: Some(Arc::new(request)), ..entry });
        }
        let kept = journal.latest().map(|entry| entry.refused_request.is_some());
        let kept: Vec<_> = kept.collect();
        assert_eq!(kept.iter().filter(|kept| **kept).count(), KEPT_REQUESTS);
        assert!(kept[0] && !kept[KEPT_REQUESTS]);
        assert!(journal.latest().all(|entry| entry.refused), "that it was refused is still told");
    }

    #[test]
    fn the_last_thousand_are_kept_under_their_numbers() {
        let mut journal = Journal::default();
        for _ in 0..KEPT + 2 {
            journal.write(Entry::new(UnixTime::from_secs(0), What::Call, "x", 200));
        }
        assert_eq!(journal.latest().count(), KEPT);
        assert_eq!(journal.latest().next().unwrap().number, 1002);
        assert!(journal.get(2).is_none() && journal.get(3).is_some());
    }
}
