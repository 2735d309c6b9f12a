//! Rows whose codes, flags and label are texts that were all seen before: most rows. What such a text means is looked up by
//! one comparison of numbers, and the policies take the classes of the texts, so that no text is read or compared. Any
//! other row, and each with a possible data issue, is for [`RowReader::row`] and [`Policy::decide`].

#[cfg(test)]
mod tests;

use cloudauth_policy::{Evidence, Flag, Input, Policy};

use crate::input::mapping::Shape;
use crate::input::row::{Cell, Label, Row, RowReader, slot};
use crate::input::word::{FREE, word};
use crate::run::task::Task;

/// The number of inputs that are codes or flags. They come first.
const TEXTS: usize = slot::FIRST_SCORE;
/// The maximum number of texts that are kept for an input. Codes and flags have fewer.
const MOST_TEXTS: usize = 32;

/// The texts seen so far.
pub(super) struct KnownTexts<'t> {
    task: &'t Task<'t>,
    texts: [Vec<Known>; TEXTS],
    labels: Vec<(u128, Label)>,
}

/// A text of an input, and its meaning. A row without a value has the word 0.
struct Known {
    word: u128,
    /// What the policies read: the code, or `T`, or `F`.
    text: Option<Box<str>>,
    flag: Flag,
    /// For each policy.
    classes: [u8; 2],
    is_missing: bool,
}

/// A row, read and decided.
pub(super) struct KnownRow<'k> {
    pub(super) row: Row<'k>,
    pub(super) rules: (usize, usize),
    /// The inputs that are missing, of those that a policy reads: a bit for each.
    missing: u16,
}

impl KnownRow<'_> {
    /// Returns the inputs that are missing, of those that a policy reads.
    pub(super) fn missing(&self) -> impl Iterator<Item = Input> + use<> {
        let missing = self.missing;
        Input::ALL.into_iter().filter(move |input| missing & bit(*input) != 0)
    }
}

const fn bit(input: Input) -> u16 {
    1 << input as u16
}

/// Returns the word of a cell. A number and a text with the same characters differ.
#[inline]
fn word_of(cell: Cell<'_>) -> Option<u128> {
    match cell {
        Cell::Missing => Some(0),
        Cell::Text(text) => word(text.as_bytes()),
        Cell::Number(text, _) => word(text.as_bytes()).map(|word| word | FREE),
        _ => None,
    }
}

impl<'t> KnownTexts<'t> {
    pub(super) fn new(task: &'t Task<'t>) -> Self {
        Self { task, texts: Default::default(), labels: Vec::new() }
    }

    /// Reads and decides a row; `None` if a text is not known, or if the row may have a data issue.
    pub(super) fn row<'k, 'a: 'k>(
        &'k self,
        by: &mut RowReader<'_>,
        cell: &impl Fn(usize) -> Cell<'a>,
    ) -> Option<KnownRow<'k>> {
        let day = by.days.of(cell(slot::TIME))?;
        let Self { task, texts, labels } = self;
        let mut missing = 0;
        let mut known = [None; TEXTS];
        for ((input, texts), place) in Input::ALL.into_iter().zip(texts).zip(&mut known) {
            let word = word_of(cell(input as usize))?;
            let found = texts.iter().find(|known| known.word == word)?;
            missing |= if found.is_missing { bit(input) } else { 0 };
            *place = Some(found);
        }
        let [code, sub_code, passed, face_attack, face_occlusion] = known;
        let text = |known: Option<&'k Known>| known.and_then(|known| known.text.as_deref());
        let is_result = || text(code) == Some("200") && cell(slot::RESULT) == Cell::Object;
        if task.mapping.shape == Shape::Reply && !is_result() {
            return None;
        }
        let word = word_of(cell(slot::LABEL))?;
        let (_, label) = *labels.iter().find(|(other, _)| *other == word)?;
        if cell(slot::ATTACK) != Cell::Missing
            || !is_without_labels(cell(Input::DeviceRisk as usize), by.asks(Input::DeviceRisk))
        {
            return None;
        }
        let mut scores = [None; 3];
        for (input, score) in Input::SCORES.into_iter().zip(&mut scores) {
            *score = match cell(input as usize) {
                Cell::Missing => {
                    missing |= if by.asks(input) { bit(input) } else { 0 };
                    None
                }
                cell => Some(cell.score()?),
            };
        }
        let second_score = if task.compares_matchers { second_score(cell)? } else { None };
        for number in 0..task.mapping.segments.len() {
            cell(slot::SEGMENTS + number).key().ok()?;
        }
        let key = |is_wanted: bool, slot| if is_wanted { cell(slot).key().ok() } else { Some(None) };
        let [verify_score, quality_score, face_attack_score] = scores;
        let rule = |policy: &Policy, number: usize| {
            let class = |input: Input| {
                let known = known.get(input as usize).copied().flatten();
                known.and_then(|known| known.classes.get(number)).copied().unwrap_or_default()
            };
            policy.rule_of_row(class, |input| scores.get(input as usize - TEXTS).copied().flatten())
        };
        let flag = |known: Option<&Known>| known.map_or(Flag::Invalid, |known| known.flag);
        let mut evidence = Evidence::default();
        (evidence.code, evidence.sub_code, evidence.passed) = (text(code), text(sub_code), flag(passed));
        (evidence.face_attack, evidence.face_occlusion) = (flag(face_attack), flag(face_occlusion));
        (evidence.verify_score, evidence.quality_score) = (verify_score, quality_score);
        evidence.face_attack_score = face_attack_score;
        let row = Row {
            evidence,
            label,
            attack: None,
            day,
            subject: key(task.names_people(), slot::SUBJECT)?,
            id: key(task.names_rows(), slot::ID)?,
            second_score,
        };
        let rules = (rule(task.policy, 0), task.candidate.map_or(0, |candidate| rule(candidate, 1)));
        Some(KnownRow { row, rules, missing })
    }

    /// Keeps the meanings of a row's texts, unless they are data issues.
    #[cold]
    pub(super) fn learn<'a>(&mut self, by: &RowReader<'_>, cell: &impl Fn(usize) -> Cell<'a>) {
        let policies = self.task.policies();
        for (input, texts) in Input::ALL.into_iter().zip(&mut self.texts) {
            let cell = cell(input as usize);
            let Some(word) = word_of(cell).filter(|word| is_new(texts.iter().map(|known| known.word), *word))
            else {
                continue;
            };
            let entry = by.entry(input, cell);
            let class = |policy: Option<&Policy>| match policy
                .filter(|policy| policy.inputs().any(|other| other == input))
            {
                Some(policy) => policy.class(input, entry.text),
                None => Some(0),
            };
            if let (false, [Some(first), Some(second)]) = (entry.is_odd, policies.map(class)) {
                let flag = entry.text.map_or(Flag::Invalid, Flag::from_wire);
                let (text, is_missing) = (entry.text.map(Box::from), entry.is_missing);
                texts.push(Known { word, text, flag, classes: [first, second], is_missing });
            }
        }
        let label = cell(slot::LABEL);
        if let Some(word) =
            word_of(label).filter(|word| is_new(self.labels.iter().map(|(word, _)| *word), *word))
            && let Some(label) = by.label(label)
        {
            self.labels.push((word, label));
        }
    }
}

/// Returns whether a text is to be kept.
fn is_new(mut known: impl ExactSizeIterator<Item = u128>, word: u128) -> bool {
    known.len() < MOST_TEXTS && known.all(|other| other != word)
}

/// Returns the score of a second matcher, if there is one; `None` if it is malformed. Few runs compare matchers: inlined, it would make
/// the others slower.
#[inline(never)]
fn second_score<'a>(cell: &impl Fn(usize) -> Cell<'a>) -> Option<Option<f64>> {
    match cell(slot::SECOND_SCORE) {
        Cell::Missing => Some(None),
        cell => cell.score().map(Some),
    }
}

/// Returns whether the labels of a device make no difference: the cell is missing, or no policy reads labels and the cell is a
/// text in which every label is valid.
fn is_without_labels(cell: Cell<'_>, is_asked: bool) -> bool {
    match cell {
        Cell::Missing => true,
        // As long as there can be no more of them than a reader accepts.
        Cell::Text(text) => !is_asked && text.len() < 256 && !text.contains('['),
        _ => false,
    }
}
