//! Reads the result of [`Lab::sql`] into a tally. Counts that do not add up are refused, because a missing line would be read
//! as zero.

mod read;

use std::collections::BTreeMap;

use cloudauth_policy::{Input, Verdict};
use cloudauth_protocol::mask_digits;

use crate::error::{CountsProblem, LabError, LabProblem};
use crate::input::mapping::MOST_SEGMENTS;
use crate::input::row::LONGEST_KEY;
use crate::input::row::Label;
use crate::input::source::Source;
use crate::input::timezone::TimeZone;
use crate::run::Lab;
use crate::tally::issues::IssueKind;
use crate::tally::{Decider, MOST_MONTHS, Scales, Tally, Values, is_code_shown};
use cloudauth_stats::Grid;
use cloudauth_stats::grid::{NO_SCORE, Scale};
use read::{Line, LineProblem, MOST_EXACT, lines};

/// All lines of a score have the scale of the policy.
const OTHER_SCALE: &str = "has a score of another scale";

/// The version of the query's result.
pub(crate) const FORMAT: u32 = 4;

/// The names of the parts.
pub(crate) mod part {
    use super::{Input, IssueKind, MOST_SEGMENTS};

    pub(crate) const ABOUT: &str = "about";
    pub(crate) const DECISIONS: &str = "decisions";
    pub(crate) const DAYS: &str = "days";
    pub(crate) const SEGMENTS: &str = "segments";
    pub(crate) const SCORES: &str = "scores";
    pub(crate) const MONTHS: &str = "months";
    pub(crate) const ATTACKS: &str = "attacks";
    pub(crate) const BONA_FIDE: &str = "bona_fide";
    pub(crate) const OTHERS: &str = "others";
    pub(crate) const NOTES: &str = "notes";

    /// Returns the name of a data issue that a warehouse can count.
    pub(crate) fn note(what: IssueKind) -> Option<String> {
        Some(match what {
            IssueKind::Callback => "callback".to_owned(),
            IssueKind::Label => "label".to_owned(),
            IssueKind::GenuineAttack => "genuine_attack".to_owned(),
            IssueKind::Attack => "attack".to_owned(),
            IssueKind::Segment(number) => format!("segment:{number}"),
            IssueKind::Time => "time".to_owned(),
            IssueKind::NotUnderstood(input) => format!("not_understood:{input}"),
            IssueKind::Missing(input) => format!("missing:{input}"),
            _ => return None,
        })
    }

    pub(super) fn noted(name: &str) -> Option<IssueKind> {
        let alone = [
            IssueKind::Callback,
            IssueKind::Label,
            IssueKind::GenuineAttack,
            IssueKind::Attack,
            IssueKind::Time,
        ];
        let of_inputs = Input::ALL
            .into_iter()
            .flat_map(|input| [IssueKind::NotUnderstood(input), IssueKind::Missing(input)]);
        let of_segments = (0..MOST_SEGMENTS).map(IssueKind::Segment);
        alone
            .into_iter()
            .chain(of_inputs)
            .chain(of_segments)
            .find(|what| note(*what).as_deref() == Some(name))
    }
}

impl Lab<'_> {
    /// Reads the result of the query of [`Lab::sql`], as CSV with a header or JSON Lines, with columns in any order. The
    /// results of several tables without common rows can be passed together.
    ///
    /// The tally equals that of [`Lab::run`], except for what needs the rows: examples, locations, people.
    ///
    /// # Errors
    /// If a file cannot be read, a line is invalid, it belongs to another policy or candidate, or the counts do not add up.
    pub fn finish(&self, sources: &[Source]) -> Result<Tally, LabError> {
        if sources.iter().any(Source::is_standard_input) {
            return Err(LabProblem::StandardInputCounts.into_error());
        }
        let (first, second) = (Decider::of(self.policy), self.candidate.map(Decider::of));
        let mut counts = Counts {
            policies: (
                first.content_hash.clone(),
                second.as_ref().map_or("", |b| &b.content_hash).to_owned(),
            ),
            segments: BTreeMap::new(),
            has_format: true,
            whole: None,
            lines: (0, 0),
            of_attacks: 0,
            all_rows: 0,
            tally: Tally {
                skipped: self.skipped.clone(),
                failing_examples: self.failing_examples(),
                ..Tally::new(self.policy, self.candidate, &[])
            },
            scales: Scales::of(self.policy)?,
            of_scores: 0,
            approved: 0,
            of_segments: BTreeMap::new(),
            of_days: 0,
            of_months: BTreeMap::new(),
        };
        // The names of the segments come first, in any order of the result.
        let mut seen: BTreeMap<[u64; 4], &Source> = BTreeMap::new();
        for is_about in [true, false] {
            for source in sources {
                counts.has_format &= !is_about;
                let (mut sum, before) = ([0; 4], counts.all_rows);
                lines(source, &mut |line| {
                    if !is_about {
                        line.add_to(&mut sum);
                    }
                    if (line.part == part::ABOUT) == is_about { counts.line(line) } else { Ok(()) }
                })?;
                // Any number of tables may be empty.
                let same = if counts.all_rows > before { seen.insert(sum, source) } else { None };
                if let Some(same) = same {
                    return Err(
                        LabProblem::SameCounts(source.path().to_owned(), same.path().to_owned()).into_error()
                    );
                }
                if !counts.has_format {
                    return Err(LabProblem::IncompleteCounts(source.path().to_owned()).into_error());
                }
            }
        }
        counts.add_up()
    }
}

struct Counts {
    /// The content hashes.
    policies: (String, String),
    segments: BTreeMap<usize, String>,
    has_format: bool,
    /// The parts that depend on the mapping, and the number of segments.
    whole: Option<(String, i64, TimeZone)>,
    /// The expected number of lines of data issues, and the actual number.
    lines: (i64, i64),
    tally: Tally,
    /// The slots that the query uses for scores.
    scales: Scales,
    // Sums that must match between parts.
    of_scores: u64,
    approved: u64,
    of_segments: BTreeMap<usize, u64>,
    of_days: u64,
    of_months: BTreeMap<Input, u64>,
    of_attacks: u64,
    /// The rows of all lines, which is the upper bound of every other sum. At most 2^53, so that ten times a sum is an integer of
    /// 64 bits, and each is exact as a double.
    all_rows: u64,
}

impl Counts {
    fn line(&mut self, line: &Line) -> Result<(), LineProblem> {
        let sum = self.all_rows.checked_add(line.rows);
        self.all_rows = sum.filter(|rows| *rows <= MOST_EXACT).ok_or("takes the number of rows over 2^53")?;
        if line.value.len() > LONGEST_KEY {
            return Err("has a value longer than 1 KiB".into());
        }
        match line.part.as_str() {
            part::ABOUT => self.about(line),
            part::DECISIONS => self.decisions(line),
            part::DAYS => {
                let (a, b, label) = self.verdicts(line)?;
                self.of_days += line.rows;
                // Rows without a day have a line too, so that missing days are detected.
                if !line.value.is_empty() {
                    let day = crate::input::time::day_of_date(&line.value).ok_or("has an invalid day")?;
                    self.tally.days.entry(day).or_default().add(a, b, label, line.rows);
                }
                self.check()
            }
            part::SEGMENTS => {
                let (a, b, label) = self.verdicts(line)?;
                let found = self.tally.segment_names.iter().position(|name| *name == line.name);
                let number = found.ok_or("is of a segment that the counts do not name")?;
                if let Some(values) = self.tally.segments.get_mut(number) {
                    values.change(&line.value, |rows| rows.verdicts.add(a, b, label, line.rows));
                }
                *self.of_segments.entry(number).or_default() += line.rows;
                Ok(())
            }
            part::SCORES => self.scores(line),
            part::MONTHS => self.months(line),
            part::OTHERS => {
                self.of_attacks += line.rows;
                Ok(())
            }
            part::ATTACKS => {
                self.of_attacks += line.rows;
                let scale = self.scales.scale(Input::FaceAttackScore);
                let slot = slot(line, scale)?;
                let mut is_added = true;
                let add = |grid: &mut Grid| is_added = grid.add_slot(scale, slot, line.rows);
                self.tally.attacks.change(&mask_digits(&line.value), add);
                if is_added { Ok(()) } else { Err(OTHER_SCALE.into()) }
            }
            part::BONA_FIDE => {
                self.of_attacks += line.rows;
                add(&mut self.tally.bona_fide, line, self.scales.scale(Input::FaceAttackScore))
            }
            part::NOTES => {
                let what = part::noted(&line.name).ok_or("has an unknown data issue")?;
                self.tally.issues.add_rows(what, line.rows);
                self.lines.1 += 1;
                Ok(())
            }
            _ => Err("has an unknown part".into()),
        }
    }

    fn about(&mut self, line: &Line) -> Result<(), LineProblem> {
        for (mine, other, is_candidate) in
            [(&self.policies.0, &line.policy, false), (&self.policies.1, &line.candidate, true)]
        {
            if mine != other {
                let told = |hash: &str| if hash.is_empty() { "none".to_owned() } else { hash.to_owned() };
                let (other, mine) = (told(&hash_alone(other)), told(mine));
                return Err(CountsProblem::OtherPolicy { is_candidate, found: other, wanted: mine }.into());
            }
        }
        if line.name.is_empty() {
            if line.value != FORMAT.to_string() {
                return Err(CountsProblem::OtherFormat(FORMAT).into());
            }
            if line.candidate_verdict != self.scales.hash() {
                return Err(CountsProblem::OtherScores.into());
            }
            self.has_format = true;
            let notes =
                u32::try_from(line.rule).ok().and_then(|notes| self.lines.0.checked_add(notes.into()));
            self.lines.0 = notes.ok_or("has a number of notes that is out of range")?;
            let zone: TimeZone = line.verdict.parse().map_err(|_| "has an unknown time zone")?;
            let whole = (line.label.clone(), line.candidate_rule, zone);
            self.tally.timezone = zone;
            return if *self.whole.get_or_insert_with(|| whole.clone()) == whole {
                Ok(())
            } else {
                Err(CountsProblem::OtherMapping.into())
            };
        }
        let number = usize::try_from(line.rule).ok().filter(|number| *number < MOST_SEGMENTS);
        let number = number.ok_or("has a segment without its number")?;
        let known = self.segments.entry(number).or_insert_with(|| line.name.clone());
        if *known != line.name {
            return Err(CountsProblem::OtherMapping.into());
        }
        let names: Vec<String> = self.segments.values().cloned().collect();
        self.tally.segments = vec![Values::default(); names.len()];
        self.tally.segment_names = names;
        Ok(())
    }

    fn decisions(&mut self, line: &Line) -> Result<(), LineProblem> {
        let (of_a, of_b) = self.tally.sizes();
        let rule = |number: i64, of: usize| {
            usize::try_from(number)
                .ok()
                .filter(|number| *number < of)
                .ok_or("has a rule that the policy does not have")
        };
        let a = rule(line.rule, of_a)?;
        let b = if self.tally.candidate.is_some() { rule(line.candidate_rule, of_b)? } else { 0 };
        let label = label(&line.label)?;
        if !is_code_shown(&line.value) {
            return Err("has a SubCode that no run counts".into());
        }
        if let Some(count) = self.tally.rules.get_mut((a * of_b + b) * 3 + label.number()) {
            *count += line.rows;
        }
        let counts = self.tally.sub_codes.entry(line.value.as_str().into()).or_default();
        counts.resize(of_a * 3, 0);
        if let Some(count) = counts.get_mut(a * 3 + label.number()) {
            *count += line.rows;
        }
        self.tally.rows += line.rows;
        Ok(())
    }

    fn scores(&mut self, line: &Line) -> Result<(), LineProblem> {
        let label = label(&line.label)?;
        let scale = self.scales.scale(Input::VerifyScore);
        if let Some(grid) = self.tally.scores.get_mut(label.number()) {
            add(grid, line, scale)?;
        }
        self.of_scores += line.rows;
        if line.verdict == Verdict::Approve.as_str() {
            self.approved += line.rows;
            let band = scale.point(slot(line, scale)?);
            if let Some(count) = band.and_then(|band| self.tally.approved.get_mut(band)) {
                *count += line.rows;
            }
        }
        Ok(())
    }

    fn months(&mut self, line: &Line) -> Result<(), LineProblem> {
        let score = Input::SCORES.into_iter().find(|score| score.name() == line.name);
        let score = score.ok_or("has an unknown score")?;
        *self.of_months.entry(score).or_default() += line.rows;
        if line.value.is_empty() {
            return Ok(());
        }
        let day =
            crate::input::time::day_of_date(&format!("{}-01", line.value)).ok_or("has an invalid month")?;
        let month = self.tally.periods.entry(day).or_default();
        let grid = match score {
            Input::VerifyScore => &mut month.verify,
            Input::QualityScore => &mut month.quality,
            _ => &mut month.attack,
        };
        add(grid, line, self.scales.scale(score))?;
        self.check()
    }

    /// Checks the limits after each line: a month takes a quarter of a megabyte.
    fn check(&self) -> Result<(), LineProblem> {
        self.tally.check().map_err(|_| CountsProblem::TooManyMonths(MOST_MONTHS).into())
    }

    fn verdicts(&self, line: &Line) -> Result<(Verdict, Verdict, Label), LineProblem> {
        let verdict = |text: &str| {
            let found = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == text);
            found.ok_or("has an unknown verdict")
        };
        let a = verdict(&line.verdict)?;
        let b = if self.tally.candidate.is_some() { verdict(&line.candidate_verdict)? } else { a };
        Ok((a, b, label(&line.label)?))
    }

    /// Checks that all parts are present, as far as other parts can tell.
    fn add_up(mut self) -> Result<Tally, LabError> {
        let tally = &self.tally;
        let share = tally.share();
        let rows = tally.rows;
        let mut sums = vec![
            (part::SCORES, self.of_scores, rows),
            (part::SCORES, self.approved, share.sum(|a, _, _| a == Verdict::Approve)),
        ];
        for number in 0..tally.segment_names.len() {
            sums.push((part::SEGMENTS, self.of_segments.get(&number).copied().unwrap_or_default(), rows));
        }
        let (whole, segments, _) = self.whole.clone().unwrap_or_default();
        let is_there = |part: &str| whole.split(' ').any(|other| other == part);
        let sum_of = |part: &str| if is_there(part) { rows } else { 0 };
        sums.push((part::DAYS, self.of_days, sum_of(part::DAYS)));
        for score in Input::SCORES {
            let months = self.of_months.get(&score).copied().unwrap_or_default();
            sums.push((part::MONTHS, months, sum_of(part::MONTHS)));
        }
        sums.push((part::ATTACKS, self.of_attacks, sum_of(part::ATTACKS)));
        let genuine = share.sum(|_, _, label| label == Label::Genuine);
        sums.push((part::BONA_FIDE, tally.bona_fide.valid() + tally.bona_fide.invalid(), genuine));
        if self.lines.0 != self.lines.1 || usize::try_from(segments) != Ok(tally.segment_names.len()) {
            return Err(LabProblem::CountsLines.into_error());
        }
        if let Some((part, here, there)) = sums.into_iter().find(|(_, here, there)| here != there) {
            return Err(LabProblem::CountsDiffer(part, here, there).into_error());
        }
        self.tally.settle()?;
        Ok(self.tally)
    }
}

/// Returns a hash if it is well formed, and otherwise nothing of the cell.
fn hash_alone(text: &str) -> String {
    let is_hash = text
        .strip_prefix("sha256:")
        .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_hash || text.is_empty() { text.to_owned() } else { "something else".to_owned() }
}

fn label(text: &str) -> Result<Label, LineProblem> {
    Ok(match text {
        "genuine" => Label::Genuine,
        "impostor" => Label::Impostor,
        "unlabelled" => Label::Unlabelled,
        _ => return Err("has an unknown label".into()),
    })
}

fn add(grid: &mut Grid, line: &Line, scale: &Scale) -> Result<(), LineProblem> {
    if grid.add_slot(scale, slot(line, scale)?, line.rows) { Ok(()) } else { Err(OTHER_SCALE.into()) }
}

/// Returns the slot of a score, from its number in the query's result.
fn slot(line: &Line, scale: &Scale) -> Result<u16, LineProblem> {
    let found = match line.hundredth {
        -1 => Some(NO_SCORE),
        number => u16::try_from(number).ok().filter(|slot| *slot != NO_SCORE && scale.has(*slot)),
    };
    found.ok_or_else(|| "has a score that is not on the grid, nor at a threshold of the policy".into())
}
