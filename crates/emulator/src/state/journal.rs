//! The journal: the latest thousand requests and their results, without personal data.

use std::collections::VecDeque;
use std::sync::Arc;

use cloudauth_protocol::UnixTime;
use serde::Serialize;

use crate::faults::FaultKind;
use crate::gateway::ApiRequest;
use crate::http::Message;

/// The maximum number of entries.
const MAX_ENTRIES: usize = 1000;

/// The number of refused requests that are kept for explanations.
pub(crate) const MAX_REFUSED_REQUESTS: usize = 32;

/// The source of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntrySource {
    /// A call of the Cloudauth API.
    Call,
    /// The end user, on the page.
    Page,
    /// The admin API, or the library.
    Admin,
}

/// An entry of the journal. It contains names of actions and ids, but no other values of parameters.
#[derive(Debug, Serialize)]
pub(crate) struct JournalEntry {
    pub(crate) number: u64,
    #[serde(serialize_with = "as_text")]
    pub(crate) at: UnixTime,
    #[serde(rename = "what")]
    pub(crate) source: EntrySource,
    pub(crate) action: String,
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) certify_id: Option<String>,
    pub(crate) outer_order_no: Option<String>,
    pub(crate) signature: Option<SignatureVersion>,
    /// The injected fault.
    pub(crate) fault: Option<FaultKind>,
    pub(crate) hint: Option<String>,
    /// The hint in Chinese.
    pub(crate) hint_zh: Option<String>,
    /// Whether the signature did not match.
    pub(crate) refused: bool,
    /// The request with the refused signature, while it is kept.
    #[serde(skip)]
    pub(crate) refused_request: Option<Arc<ApiRequest>>,
}

/// The signature version of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum SignatureVersion {
    V1,
    V3,
}

fn as_text<S: serde::Serializer>(time: &UnixTime, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

impl JournalEntry {
    pub(crate) fn new(at: UnixTime, source: EntrySource, action: &str, status: u16) -> Self {
        Self {
            number: 0,
            at,
            source,
            action: action.to_owned(),
            status,
            code: None,
            request_id: None,
            certify_id: None,
            outer_order_no: None,
            signature: None,
            fault: None,
            hint: None,
            hint_zh: None,
            refused: false,
            refused_request: None,
        }
    }

    /// Sets the hint in both languages.
    pub(crate) fn hinted(self, hint: Option<Message>) -> Self {
        let (hint, hint_zh) = hint.map(|hint| (hint.en, hint.zh)).unzip();
        Self { hint, hint_zh, ..self }
    }
}

/// The latest entries.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    written: u64,
    entries: VecDeque<JournalEntry>,
}

impl Journal {
    /// Adds an entry, and assigns its number.
    pub(crate) fn write(&mut self, entry: JournalEntry) {
        self.written += 1;
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        let is_kept = entry.refused_request.is_some();
        self.entries.push_back(JournalEntry { number: self.written, ..entry });
        if is_kept {
            let kept = self.entries.iter_mut().rev().filter(|entry| entry.refused_request.is_some());
            kept.skip(MAX_REFUSED_REQUESTS).for_each(|entry| entry.refused_request = None);
        }
    }

    /// Iterates over the entries, newest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &JournalEntry> {
        self.entries.iter().rev()
    }

    pub(crate) fn get(&self, number: u64) -> Option<&JournalEntry> {
        self.entries.iter().find(|entry| entry.number == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_the_latest_refused_requests() {
        let mut journal = Journal::default();
        for _ in 0..MAX_REFUSED_REQUESTS + 2 {
            let (parts, ()) = axum::http::Request::new(()).into_parts();
            let request = ApiRequest::new(parts, axum::body::Bytes::new()).unwrap();
            let entry = JournalEntry::new(UnixTime::from_secs(0), EntrySource::Call, "x", 400);
            journal.write(JournalEntry { refused: true, refused_request: Some(Arc::new(request)), ..entry });
        }
        let kept = journal.latest().map(|entry| entry.refused_request.is_some());
        let kept: Vec<_> = kept.collect();
        assert_eq!(kept.iter().filter(|kept| **kept).count(), MAX_REFUSED_REQUESTS);
        assert!(kept[0] && !kept[MAX_REFUSED_REQUESTS]);
        assert!(journal.latest().all(|entry| entry.refused), "the entries are still marked as refused");
    }

    #[test]
    fn keeps_the_latest_thousand_entries_with_their_numbers() {
        let mut journal = Journal::default();
        for _ in 0..MAX_ENTRIES + 2 {
            journal.write(JournalEntry::new(UnixTime::from_secs(0), EntrySource::Call, "x", 200));
        }
        assert_eq!(journal.latest().count(), MAX_ENTRIES);
        assert_eq!(journal.latest().next().unwrap().number, 1002);
        assert!(journal.get(2).is_none() && journal.get(3).is_some());
    }
}
