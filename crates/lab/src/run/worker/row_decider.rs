//! Decides and counts rows, one at a time.

use std::path::Path;

use cloudauth_policy::Policy;

use super::known::KnownTexts;
use crate::input::row::{Cell, RowReader, slot};
use crate::input::source::Source;
use crate::run::task::Task;
use crate::tally::issues::RowLocation;
use crate::tally::{Counter, Tally};

/// Decides the rows of one thread.
pub(crate) struct RowDecider<'t> {
    task: &'t Task<'t>,
    pub(crate) rows: RowReader<'t>,
    known: KnownTexts<'t>,
    pub(crate) counter: Counter,
    /// The lines of the decision file.
    pub(crate) decisions: Vec<u8>,
}

impl<'t> RowDecider<'t> {
    pub(crate) fn new(task: &'t Task<'t>) -> Self {
        let rows = RowReader::new(task.mapping, |input| task.asks(input))
            .naming(task.names_people(), task.names_rows())
            .reading_second_score(task.compares_matchers);
        Self {
            task,
            rows,
            known: KnownTexts::new(task),
            counter: Counter::new(task.policy, task.candidate, &task.segments(), task.crossed, &task.scales)
                .keeping_segment_people(task.keep_segment_people)
                .comparing_matchers(task.compares_matchers)
                .sharing(&task.room),
            decisions: Vec::new(),
        }
    }

    /// Returns the counts.
    pub(crate) fn done(self) -> Tally {
        self.counter.done(self.rows.issues)
    }

    /// Decides a row and counts it, if the run counts. Returns the number of the first policy's rule; `None` if there is nothing to decide.
    pub(crate) fn decide<'a>(&mut self, at: RowLocation, cell: impl Fn(usize) -> Cell<'a>) -> Option<usize> {
        let Self { task, rows, known, counter, decisions } = self;
        let (row, rules) = match known.row(rows, &cell) {
            Some(known) => {
                known.missing().for_each(|input| rows.issues.add_missing(input, 1));
                (known.row, known.rules)
            }
            None => {
                known.learn(rows, &cell);
                let row = rows.row(at, &cell)?;
                let rule = |policy: &Policy| policy.decide(&row.evidence).rule_number();
                let rules = (rule(task.policy), task.candidate.map_or(0, rule));
                (row, rules)
            }
        };
        if task.only_decides {
            return Some(rules.0);
        }
        if !task.is_wanted(row.day) {
            return None;
        }
        if task.knows(row.subject) {
            counter.leave_out();
            return None;
        }
        let again = task.sweep.and_then(|sweep| sweep.again(&row.evidence));
        let again = again.map(|(value, policy)| (value, policy.decide(&row.evidence).verdict()));
        let segment = |number: usize| cell(slot::SEGMENTS + number).key().ok().flatten();
        let example = task.has_examples().then_some(at);
        let counted = counter.add(&row, example, rules, again, segment);
        if task.keeps_rows() {
            let (again, subject) =
                (again.map(|(_, verdict)| verdict), row.subject.filter(|_| task.keep_people));
            counter.keep(&counted, row.evidence.verify_score, row.second_score, again, subject);
        }
        if let Some(writer) = task.writer {
            let source = task.sources.get(at.source).map_or(Path::new(""), Source::path);
            let first = task.policy.decide(&row.evidence);
            let second = task.candidate.map(|candidate| candidate.decide(&row.evidence));
            // Writing to memory does not fail.
            drop(writer.write(decisions, (source, at), &row, &first, second.as_ref()));
        }
        Some(rules.0)
    }
}
