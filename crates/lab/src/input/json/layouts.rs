//! Reads a line whose layout was seen before: the same members in the same order, with the same bytes between their values. No
//! name is read or looked up, and names and punctuation are compared up to 32 bytes at a time. `docs/performance.md` has the
//! gain.
//!
//! A layout is learnt from a line that the careful reader accepted. Another line with these bytes, and with strings and numbers
//! in the same places, is valid JSON with the same members, so nothing else has to be checked. Every other line, valid or not,
//! is left to the careful reader.
//!
//! A layout keeps the names of members, also of those that no mapping names, until the worker ends or learns too many: a name may be
//! personal, so `Debug` hides it.

mod learn;
mod literal;
#[cfg(test)]
mod tests;

use super::cursor::Cursor;
use super::scan::end_of_text;
use super::{Found, Place, Value, Wanted};
use literal::Literal;

/// The layouts seen so far: a tree of their steps, since many layouts begin alike.
#[derive(Debug)]
pub(crate) struct Layouts {
    steps: Vec<Step>,
    /// The step that is tried first.
    first: usize,
    /// Longer lines are left to the careful reader, because a response in them could be larger than the client reads.
    longest: usize,
    /// Lines of unknown layouts use it up.
    credit: u32,
    /// The number of lines that are left to the careful reader.
    pause: u32,
}

/// A part of a layout: the bytes before a value, and the value.
#[derive(Debug)]
struct Step {
    before: Literal,
    /// The slots of the objects that begin in these bytes.
    objects: Vec<usize>,
    kind: Kind,
    /// The slots of the value.
    slots: Vec<usize>,
    /// The next step.
    then: usize,
    /// The step to try if this one does not match.
    otherwise: usize,
}

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A string without escapes. Its quotes belong to the bytes around it.
    Text,
    /// The same in a document inside a string.
    TextInText,
    Number,
    /// Any value, for the careful reader: that of a member, or one that is skipped. `deep` is its nesting.
    Any {
        member: Option<usize>,
        deep: usize,
    },
    /// The same in a document inside a string.
    AnyInText {
        member: Option<usize>,
        deep: usize,
    },
    /// No value: the line ends.
    End,
}

/// No step.
const NONE: usize = usize::MAX;
const MOST_CREDIT: u32 = 64;
/// A line of an unknown layout is read almost twice, and then learnt.
const COST: u32 = 4;
/// The number of lines after which layouts are tried again.
const PAUSE: u32 = 1024;

impl Layouts {
    pub(crate) fn new(wanted: &Wanted) -> Self {
        Self {
            steps: Vec::new(),
            first: NONE,
            longest: wanted.smallest_limit(),
            credit: MOST_CREDIT,
            pause: 0,
        }
    }

    /// Reads the line at the start of these bytes, which must be UTF-8. Returns its length; `None` if its layout is not known, and then
    /// `found` must be read again.
    #[inline]
    pub(crate) fn read(&mut self, found: &mut Found, wanted: &Wanted, bytes: &[u8]) -> Option<usize> {
        if self.pause > 0 {
            self.pause -= 1;
            if self.pause == 0 {
                // They helped too seldom.
                self.forget();
            }
            return None;
        }
        found.begin();
        let length = self.follow(found, wanted, bytes).filter(|length| *length <= self.longest);
        if length.is_some() {
            self.credit = MOST_CREDIT.min(self.credit + 1);
            found.read_kept_documents(wanted);
            return length;
        }
        self.credit = self.credit.saturating_sub(COST);
        if self.credit == 0 {
            (self.credit, self.pause) = (MOST_CREDIT, PAUSE);
        }
        None
    }

    fn forget(&mut self) {
        self.steps.clear();
        self.first = NONE;
    }

    fn follow(&self, found: &mut Found, wanted: &Wanted, bytes: &[u8]) -> Option<usize> {
        let (mut number, mut at) = (self.first, 0);
        // Only the careful reader needs to know where the line ends.
        let mut line = None;
        let mut whole_line = || *line.get_or_insert_with(|| first_line(bytes));
        loop {
            let step = self.steps.get(number)?;
            let Some((end, value)) = step.match_at(bytes, at) else {
                number = step.otherwise;
                continue;
            };
            found.put(&step.objects, Value::Object);
            found.put(&step.slots, value);
            at = match step.kind {
                Kind::Text | Kind::TextInText | Kind::Number => end,
                Kind::Any { member, deep } => {
                    read_carefully::<false>(found, wanted, whole_line(), end, member, deep)?
                }
                Kind::AnyInText { member, deep } => {
                    read_carefully::<true>(found, wanted, whole_line(), end, member, deep)?
                }
                Kind::End => return Some(end),
            };
            number = step.then;
        }
    }
}

impl Step {
    /// Returns where this step ends, and the value, if the step matches here.
    #[inline]
    fn match_at(&self, bytes: &[u8], at: usize) -> Option<(usize, Value)> {
        let begin = self.before.end_if_here(bytes, at)?;
        let mut cursor = Cursor::<false> { bytes, at: begin };
        let value = match self.kind {
            Kind::Text | Kind::TextInText => {
                cursor.at = end_of_text(bytes, begin)?;
                let quote: &[u8] = if self.kind == Kind::Text { b"\"" } else { b"\\\"" };
                if !bytes.get(cursor.at..)?.starts_with(quote) {
                    return None;
                }
                Value::Text(Place::new(0, &(begin..cursor.at))?)
            }
            Kind::Number => {
                let number = cursor.value().ok()?;
                Value::Number(Place::new(0, &(begin..cursor.at))?, number)
            }
            Kind::End if !matches!(bytes.get(begin), None | Some(b'\n')) => return None,
            Kind::Any { .. } | Kind::AnyInText { .. } | Kind::End => Value::Missing,
        };
        Some((cursor.at, value))
    }
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let length = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    bytes.get(..length).unwrap_or_default()
}

/// Reads a value by the careful reader. Returns where it ends.
#[inline(never)]
fn read_carefully<const IN_TEXT: bool>(
    found: &mut Found,
    wanted: &Wanted,
    line: &[u8],
    at: usize,
    member: Option<usize>,
    deep: usize,
) -> Option<usize> {
    let mut cursor = Cursor::<IN_TEXT> { bytes: line, at };
    let read = match member {
        Some(member) => found.member(wanted, member, &mut cursor, 0, deep),
        None => cursor.pass(deep),
    };
    read.ok().map(|()| cursor.at)
}
