//! Counts rows in tables, one set for each thread, which are added to the thread's tally at the end. Counting a row takes a few
//! steps, and no lookup of a string or a day in a tree.

use std::collections::BTreeMap;

use cloudauth_policy::{Input, Policy, Verdict};
use cloudauth_protocol::mask_digits;

use super::segment::{CutCounter, crossed};
use super::{
    EXAMPLES, Example, MOST_MONTHS, Room, Scales, SubjectScore, SweepCounter, Tally, VerdictMatrix,
    hash_of_subject, too_many_months, verdict_number,
};
use crate::error::LabError;
use crate::input::row::{Label, Row, three_digits};
use crate::tally::issues::{Issues, RowLocation};
use cloudauth_stats::grid::{NO_SCORE, Quick};

/// A row, reduced to what is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    /// The rules that decide it.
    pub(crate) rules: (usize, usize),
    pub(crate) label: Label,
    /// The number that [`code_number`] returns.
    pub(crate) code: u16,
    /// The position that [`Counter::day`] returns.
    pub(crate) day: Option<u32>,
    /// The slots of its scores: verify, quality, attack.
    pub(crate) slots: [u16; 3],
}

/// The counts of a thread.
#[derive(Debug)]
pub(crate) struct Counter {
    tally: Tally,
    scales: Scales,
    /// The verdict of each rule.
    says: [Vec<u8>; 2],
    /// By code in the order of first appearance, rule of the first policy, rule of the second, label.
    cells: Vec<u64>,
    /// The start of the counts of each code.
    codes: Vec<usize>,
    days: Vec<Day>,
    /// The position of a day in `days`: the most recent ones, and all.
    last_days: Vec<(i32, u32)>,
    all_days: BTreeMap<i32, u32>,
    months: Vec<(i32, [Quick; 3])>,
    scores: [Quick; 3],
    bona_fide: Quick,
    sweep: Option<SweepCounter>,
    cuts: Option<CutCounter>,
    /// The numbers of two segments that are crossed.
    crossed: Option<(usize, usize)>,
    /// Whether segments keep rows of people.
    keep_segment_people: bool,
    /// The room for rows of people, for those of segments, and for those of two matchers.
    room: [Room; 3],
    /// The rows since the last flush.
    rows: u64,
}

#[derive(Debug)]
struct Day {
    day: i32,
    month: usize,
    share: VerdictMatrix,
}

const CODES: usize = 1002;
/// Flushes before any table can overflow.
const MOST_ROWS: u64 = 1 << 31;
const LAST_DAYS: usize = 512;

/// Returns the number of a SubCode. A string that does not look like a code may be personal data in the wrong column.
pub(crate) fn code_number(code: Option<&str>) -> u16 {
    code.map_or(1001, |code| three_digits(code).unwrap_or(1000))
}

/// Returns whether a string is what [`code_shown`] returns for some number.
pub(crate) fn is_code_shown(text: &str) -> bool {
    matches!(text, "(no code)" | "(missing)") || three_digits(text).is_some()
}

fn code_shown(number: usize) -> String {
    match number {
        1000 => "(no code)".to_owned(),
        1001 => "(missing)".to_owned(),
        code => format!("{code:03}"),
    }
}

impl Counter {
    pub(crate) fn new(
        policy: &Policy,
        candidate: Option<&Policy>,
        segments: &[String],
        crossed: Option<(usize, usize)>,
        scales: &Scales,
    ) -> Self {
        let tally = Tally::new(policy, candidate, segments);
        let (of_a, of_b) = tally.sizes();
        let number = |verdict| u8::try_from(verdict_number(verdict)).unwrap_or_default();
        let says = [
            (0..of_a).map(|rule| number(tally.verdicts(rule, 0).0)).collect(),
            (0..of_b).map(|rule| number(tally.verdicts(0, rule).1)).collect(),
        ];
        Self {
            cuts: CutCounter::new(&tally.decider, !segments.is_empty(), scales),
            crossed,
            keep_segment_people: false,
            room: Default::default(),
            tally,
            scales: scales.clone(),
            says,
            cells: Vec::new(),
            codes: vec![usize::MAX; CODES],
            days: Vec::new(),
            last_days: vec![(0, u32::MAX); LAST_DAYS],
            all_days: BTreeMap::new(),
            months: Vec::new(),
            scores: Default::default(),
            bona_fide: Quick::default(),
            sweep: SweepCounter::new(scales),
            rows: 0,
        }
    }

    /// Keeps rows of people in segments.
    pub(crate) const fn keeping_segment_people(mut self, is_wanted: bool) -> Self {
        self.keep_segment_people = is_wanted;
        self
    }

    /// Keeps the scores of two matchers.
    pub(crate) fn comparing_matchers(mut self, is_wanted: bool) -> Self {
        self.tally.matchers = is_wanted.then(Default::default);
        self
    }

    /// Shares the limits on kept rows with other threads.
    pub(crate) fn sharing(mut self, room: &[Room; 3]) -> Self {
        self.room = room.clone();
        self
    }

    /// Returns the function that hashes subjects for the segments; `None` if they keep no people. Where no more rows of people are
    /// kept, they are only counted, and their hashes do not matter.
    pub(crate) fn segment_hash(&self) -> Option<fn(&str) -> u64> {
        let [_, room, _] = &self.room;
        self.keep_segment_people.then_some(if room.is_left() { hash_of_subject } else { |_| 0 })
    }

    /// Counts a row of a person, whose hash [`Counter::segment_hash`] has made. Returns the hash if the segments keep it.
    #[inline]
    pub(crate) fn segment_person(&mut self, person: Option<u64>) -> Option<u64> {
        let person = person?;
        self.tally.people_rows += 1;
        let [_, room, _] = &mut self.room;
        room.take(self.tally.segments.len()).then_some(person)
    }

    /// Returns all counts.
    pub(crate) fn done(mut self, issues: Issues) -> Tally {
        self.pour();
        self.tally.issues = issues;
        self.tally
    }

    /// Checks that the counts stay within their limits.
    pub(crate) fn check(&mut self) -> Result<(), LabError> {
        if self.rows > MOST_ROWS {
            self.pour();
        }
        if self.months.len() > MOST_MONTHS { Err(too_many_months()) } else { self.tally.check() }
    }

    /// Returns the numbers of the verdicts of two rules.
    #[inline]
    pub(crate) fn says(&self, (a, b): (usize, usize)) -> (usize, usize) {
        let [of_a, of_b] = &self.says;
        let a = of_a.get(a).copied().unwrap_or(1);
        let b = if self.tally.candidate.is_none() { a } else { of_b.get(b).copied().unwrap_or(1) };
        (usize::from(a), usize::from(b))
    }

    /// Returns the number of cuts of the policy that a labelled score reaches.
    #[cfg(feature = "parquet")]
    #[inline]
    pub(crate) fn reached(&self, slot: u16, label: Label) -> Option<usize> {
        self.cuts.as_ref().and_then(|cuts| cuts.count(slot, label.number()))
    }

    /// Returns how many examples of a flip are still needed.
    #[cfg(feature = "parquet")]
    pub(crate) fn wants(&self, flip: (usize, usize)) -> usize {
        EXAMPLES - self.tally.examples.get(&flip).map_or(0, Vec::len).min(EXAMPLES)
    }

    /// Returns the position of a day in the tables.
    #[inline]
    pub(crate) fn day(&mut self, day: i32) -> u32 {
        let last = self.last_days.get((day as usize) % LAST_DAYS).copied();
        match last {
            Some((other, place)) if other == day && place != u32::MAX => place,
            _ => self.find_day(day),
        }
    }

    fn find_day(&mut self, day: i32) -> u32 {
        let place = match self.all_days.get(&day) {
            Some(place) => *place,
            None => {
                let (_, _, of_month) = crate::input::time::date(day);
                let first = day.saturating_add(1 - of_month);
                let month = self.months.iter().position(|(other, _)| *other == first);
                let month = match month {
                    Some(month) => month,
                    // Too many days end the run, and use no memory until then.
                    None if self.months.len() > MOST_MONTHS => return 0,
                    None => {
                        self.months.push((first, Default::default()));
                        self.months.len() - 1
                    }
                };
                let place = u32::try_from(self.days.len()).unwrap_or(u32::MAX);
                self.days.push(Day { day, month, share: VerdictMatrix::default() });
                self.all_days.insert(day, place);
                place
            }
        };
        if let Some(last) = self.last_days.get_mut((day as usize) % LAST_DAYS) {
            *last = (day, place);
        }
        place
    }

    /// Counts the values that every row has. A row labelled genuine is not an attack, so its attack score is a bona fide one.
    #[inline]
    pub(crate) fn count(&mut self, row: &Counted) {
        self.rows += 1;
        let (a_says, b_says) = self.says(row.rules);
        let label = row.label.number();
        let (_, of_b) = (self.says[0].len(), self.says[1].len());
        let begin = match self.codes.get(usize::from(row.code)) {
            Some(begin) if *begin != usize::MAX => *begin,
            _ => self.begin_code(row.code),
        };
        if let Some(count) = self.cells.get_mut(begin + (row.rules.0 * of_b + row.rules.1) * 3 + label) {
            *count += 1;
        }
        let [verify, quality, attack] = row.slots;
        if let Some(scores) = self.scores.get_mut(label) {
            scores.bump(verify);
        }
        if row.label == Label::Genuine {
            self.bona_fide.bump(attack);
        }
        if a_says == 0
            && let [scale, ..] = self.scales.all()
            && let Some(band) = scale.point(verify).and_then(|point| self.tally.approved.get_mut(point))
        {
            *band += 1;
        }
        if let Some(sweep) = &mut self.sweep {
            sweep.count(&row.slots, (a_says, b_says), label);
        }
        if let Some(day) = row.day.and_then(|day| self.days.get_mut(day as usize)) {
            day.share.bump(a_says, b_says, label);
            if let Some((_, month)) = self.months.get_mut(day.month) {
                month[0].bump(verify);
                month[1].bump(quality);
                month[2].bump(attack);
            }
        }
    }

    /// Counts a row that was decided again with a value of the sweep, by its index. `low` is the rule with the lowest value.
    fn count_again(&mut self, value: usize, low: usize, verdict: Verdict, label: Label) {
        let (low, _) = self.says((low, 0));
        if let Some(sweep) = &mut self.sweep {
            sweep.count_again(value, low, verdict, label);
        }
    }

    #[cold]
    fn begin_code(&mut self, code: u16) -> usize {
        let begin = self.cells.len();
        self.cells.resize(begin + self.tally.rules.len(), 0);
        if let Some(place) = self.codes.get_mut(usize::from(code)) {
            *place = begin;
        }
        begin
    }

    /// Counts a row that is left out because its subject is known.
    pub(crate) const fn leave_out(&mut self) {
        self.tally.known_people += 1;
    }

    /// Adds rows of a segment's value.
    #[cfg(feature = "parquet")]
    pub(crate) fn add_segment(&mut self, number: usize, value: &str, rows: &super::SegmentRows) {
        if let Some(values) = self.tally.segments.get_mut(number) {
            values.change(value, |mine| mine.merge(rows));
        }
    }

    /// Adds a row that the policies decide by the rules with these numbers. `again` is the value of a sweep that the row was
    /// decided with again, and its verdict. `segment` returns the values of its segments. With a location, the row becomes an
    /// example if its verdict changes. Returns what was counted.
    pub(crate) fn add<'a>(
        &mut self,
        row: &Row<'a>,
        at: Option<RowLocation>,
        rules: (usize, usize),
        again: Option<(usize, Verdict)>,
        segment: impl Fn(usize) -> Option<&'a str>,
    ) -> Counted {
        let score = row.evidence.verify_score.unwrap_or(f64::NAN);
        let slots = self.slots([
            score,
            row.evidence.quality_score.unwrap_or(f64::NAN),
            row.evidence.face_attack_score.unwrap_or(f64::NAN),
        ]);
        let label = row.label;
        let counted = Counted {
            rules,
            label,
            code: code_number(row.evidence.sub_code),
            day: row.day.map(|day| self.day(day)),
            slots,
        };
        self.count(&counted);
        let (a_says, b_says) = self.says(rules);
        if let Some((value, verdict)) = again {
            self.count_again(value, rules.0, verdict, label);
        }
        let person = self.segment_hash().zip(row.subject).map(|(hash, subject)| hash(subject));
        let person = self.segment_person(person);
        let tally = &mut self.tally;
        let [verify, ..] = slots;
        let reached = self.cuts.as_ref().and_then(|cuts| cuts.count(verify, label.number()));
        let value = |number: usize| segment(number).unwrap_or_default();
        // The crossed segments come after those of the mapping.
        let both = self.crossed.map(|(first, second)| crossed(value(first), value(second)));
        let last = tally.segments.len().saturating_sub(usize::from(both.is_some()));
        for (number, values) in tally.segments.iter_mut().enumerate() {
            let value = if number < last { value(number) } else { both.as_deref().unwrap_or_default() };
            values.change(value, |rows| rows.bump((a_says, b_says), label.number(), reached, person));
        }
        if let Some(kind) = row.attack {
            let scale = self.scales.scale(Input::FaceAttackScore);
            let [.., attack] = slots;
            let mut is_added = true;
            tally.attacks.change(&mask_digits(kind), |scores| is_added = scores.add_slot(scale, attack, 1));
            debug_assert!(is_added, "a score has one scale");
        }
        if let Some(at) = at.filter(|_| a_says != b_says) {
            let examples = tally.examples.entry((a_says, b_says)).or_default();
            if examples.len() < EXAMPLES {
                examples.push(Example { at, id: row.id.map(Into::into), rules });
            }
        }
        counted
    }

    /// Keeps a labelled row of a person, with its score and that of a second matcher. In a sweep, `again` is the verdict with the value
    /// that the row was decided with again, and a row without a subject is kept too.
    pub(crate) fn keep(
        &mut self,
        row: &Counted,
        score: Option<f64>,
        second_score: Option<f64>,
        again: Option<Verdict>,
        subject: Option<&str>,
    ) {
        if row.label == Label::Unlabelled {
            return;
        }
        let says = self.says(row.rules);
        let [room, _, room_of_matchers] = &mut self.room;
        let has_room = subject.is_none() || room.take(1);
        let subject = subject.map(hash_of_subject);
        let [verify, ..] = row.slots;
        let score = score.filter(|_| verify != NO_SCORE);
        if let Some(matchers) = &mut self.tally.matchers {
            matchers.keep(row.label, [score, second_score], subject, room_of_matchers);
        }
        if let Some(sweep) = &mut self.sweep {
            sweep.keep(&row.slots, says, again, row.label == Label::Genuine, subject, has_room);
        } else if let Some(subject) = subject {
            let tally = &mut self.tally;
            tally.kept_all &= has_room;
            if has_room {
                tally.kept.push(SubjectScore::new(subject, score, row.label, says));
            }
        }
    }

    /// Returns the slots of verify, quality and attack score.
    #[inline]
    fn slots(&self, [verify, quality, attack]: [f64; 3]) -> [u16; 3] {
        let [of_verify, of_quality, of_attack] = self.scales.all();
        [of_verify.slot(verify), of_quality.slot(quality), of_attack.slot(attack)]
    }

    #[cfg(feature = "parquet")]
    pub(crate) const fn scales(&self) -> &Scales {
        &self.scales
    }

    /// Adds the tables to the tally, and clears them.
    fn pour(&mut self) {
        let Self { tally, scales, .. } = self;
        let [of_verify, of_quality, of_attack] = scales.all();
        let (of_a, of_b) = tally.sizes();
        tally.rows += self.rows;
        self.rows = 0;
        for (number, begin) in self.codes.iter().enumerate().filter(|(_, begin)| **begin != usize::MAX) {
            let Some(cells) = self.cells.get_mut(*begin..*begin + of_a * of_b * 3) else { continue };
            if cells.iter().all(|count| *count == 0) {
                continue;
            }
            super::add_all(&mut tally.rules, cells);
            let counts = tally.sub_codes.entry(code_shown(number).into()).or_default();
            counts.resize(of_a * 3, 0);
            for (place, count) in cells.iter().enumerate() {
                if let Some(sum) = counts.get_mut(place / (of_b * 3) * 3 + place % 3) {
                    *sum += count;
                }
            }
            cells.fill(0);
        }
        for day in &mut self.days {
            tally.days.entry(day.day).or_default().merge(&day.share);
            day.share = VerdictMatrix::default();
        }
        let mut is_poured = true;
        for (month, [verify, quality, attack]) in &mut self.months {
            let period = tally.periods.entry(*month).or_default();
            is_poured &= verify.pour(of_verify, &mut period.verify);
            is_poured &= quality.pour(of_quality, &mut period.quality);
            is_poured &= attack.pour(of_attack, &mut period.attack);
        }
        for (scores, to) in self.scores.iter_mut().zip(&mut tally.scores) {
            is_poured &= scores.pour(of_verify, to);
        }
        is_poured &= self.bona_fide.pour(of_attack, &mut tally.bona_fide);
        debug_assert!(is_poured, "a score has one scale");
        if let Some(sweep) = &mut self.sweep {
            tally.sweep.merge(&sweep.take());
        }
    }
}
