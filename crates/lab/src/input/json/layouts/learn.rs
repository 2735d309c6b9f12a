//! Learns the layout of a line.

use cloudauth_protocol::grammar::DEEPEST;

use super::literal::Literal;
use super::{Kind, Layouts, NONE, Step};
use crate::input::json::cursor::Cursor;
use crate::input::json::wanted::{Holds, Wanted};

/// The maximum number of steps: of one layout, and of all.
const MOST_STEPS: usize = 256;
const MOST_STEPS_OF_ALL: usize = 2048;
/// The maximum number of steps that are tried at one place.
const MOST_CHOICES: usize = 16;
/// The maximum number of bytes between two values.
const MOST_BYTES: usize = 512;

impl Layouts {
    /// Learns the layout of a line that the careful reader accepted.
    #[cold]
    pub(crate) fn learn(&mut self, wanted: &Wanted, line: &[u8]) {
        if self.pause > 0 || line.len() > self.longest {
            return;
        }
        let mut learner =
            Learner { wanted, line, steps: Vec::new(), objects: Vec::new(), members: Vec::new(), begin: 0 };
        let mut cursor = Cursor::<false> { bytes: line, at: 0 };
        cursor.blank();
        cursor.at += 1;
        if learner.object(&mut cursor, Some(0), 1).is_none()
            || learner.step(line.len(), Kind::End, &[]).is_none()
        {
            return;
        }
        if self.steps.len() + learner.steps.len() > MOST_STEPS_OF_ALL {
            self.forget();
        }
        self.insert(learner.steps);
    }

    fn insert(&mut self, steps: Vec<Step>) {
        let (mut parent, mut number): (Option<usize>, _) = (None, self.first);
        for mut step in steps {
            // The step before a new one, and the one behind it: what matches less comes first, or it would never be tried.
            let (mut sibling, mut before): (Option<usize>, Option<usize>) = (None, None);
            let (mut behind, mut choices) = (NONE, 0);
            while let Some(known) = self.steps.get(number)
                && !known.is_like(&step)
            {
                if behind == NONE && step.matches_less_than(known) {
                    (before, behind) = (sibling, number);
                }
                (sibling, number) = (Some(number), known.otherwise);
                choices += 1;
            }
            if number == NONE {
                if choices == MOST_CHOICES {
                    return;
                }
                number = self.steps.len();
                step.otherwise = behind;
                self.steps.push(step);
                let before = if behind == NONE { sibling } else { before };
                if let Some(before) = before.and_then(|before| self.steps.get_mut(before)) {
                    before.otherwise = number;
                } else if let Some(parent) = parent.and_then(|parent| self.steps.get_mut(parent)) {
                    parent.then = number;
                } else {
                    self.first = number;
                }
            }
            parent = Some(number);
            number = self.steps.get(number).map_or(NONE, |step| step.then);
        }
    }
}

impl Step {
    fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.before.bytes() == other.before.bytes()
    }

    /// Whether the other step also matches values that this one matches.
    fn matches_less_than(&self, other: &Self) -> bool {
        let is_any = |step: &Self| matches!(step.kind, Kind::Any { .. } | Kind::AnyInText { .. });
        is_any(other) && (!is_any(self) || self.before.bytes().len() > other.before.bytes().len())
    }
}

/// Divides a line into steps. The line is known to be valid.
struct Learner<'l> {
    wanted: &'l Wanted,
    line: &'l [u8],
    steps: Vec<Step>,
    /// The slots of the objects since the last value.
    objects: Vec<usize>,
    /// The wanted members so far.
    members: Vec<usize>,
    /// The end of the last value.
    begin: usize,
}

impl Learner<'_> {
    /// Ends a step: its value begins here.
    fn step(&mut self, at: usize, kind: Kind, slots: &[usize]) -> Option<()> {
        let before = self.line.get(self.begin..at).filter(|before| before.len() <= MOST_BYTES)?;
        if self.steps.len() >= MOST_STEPS {
            return None;
        }
        self.steps.push(Step {
            before: Literal::new(before),
            objects: std::mem::take(&mut self.objects),
            kind,
            slots: slots.to_vec(),
            then: NONE,
            otherwise: NONE,
        });
        Some(())
    }

    /// Follows the rest of an object after its opening brace; `None` if its layout cannot be learnt.
    fn object<const IN_TEXT: bool>(
        &mut self,
        cursor: &mut Cursor<'_, IN_TEXT>,
        node: Option<usize>,
        deep: usize,
    ) -> Option<()> {
        cursor.blank();
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
            return Some(());
        }
        loop {
            cursor.blank();
            let (name, escaped) = cursor.name().ok()?;
            if escaped {
                return None;
            }
            let name = self.line.get(name)?;
            let member = node.and_then(|node| self.wanted.find(node, name));
            if let Some(member) = member {
                // Only a document inside a string can have it twice: it is broken, and the line is valid.
                if self.members.contains(&member) {
                    return None;
                }
                self.members.push(member);
            }
            cursor.blank();
            self.value(cursor, member, deep)?;
            if !cursor.goes_on(b'}').ok()? {
                return Some(());
            }
        }
    }

    fn value<const IN_TEXT: bool>(
        &mut self,
        cursor: &mut Cursor<'_, IN_TEXT>,
        member: Option<usize>,
        deep: usize,
    ) -> Option<()> {
        let wanted = self.wanted;
        let node = member.and_then(|member| wanted.nodes.get(member));
        let node = node.filter(|node| !node.slots.is_empty() || !node.children.is_empty());
        let slots = node.map_or(&[][..], |node| &node.slots);
        let has_children = node.is_some_and(|node| !node.children.is_empty());
        let holds = node.map_or(Holds::Either, |node| node.holds);
        match cursor.peek()? {
            b'{' if deep < DEEPEST && holds != Holds::Text && (has_children || slots.is_empty()) => {
                self.objects.extend_from_slice(slots);
                cursor.at += 1;
                return self.object(cursor, member, deep + 1);
            }
            b'-' | b'0'..=b'9' if holds != Holds::Text => {
                self.step(cursor.at, Kind::Number, slots)?;
                cursor.number().ok()?;
                self.begin = cursor.at;
                return Some(());
            }
            quote if quote == Cursor::<IN_TEXT>::QUOTE && !(has_children && holds != Holds::Object) => {
                let at = cursor.at;
                cursor.quote().ok()?;
                let begin = cursor.at;
                let (text, escaped) = cursor.text().ok()?;
                if !escaped {
                    self.step(begin, if IN_TEXT { Kind::TextInText } else { Kind::Text }, slots)?;
                    self.begin = text.end;
                    return Some(());
                }
                cursor.at = at;
            }
            quote if quote == Cursor::<IN_TEXT>::QUOTE && !IN_TEXT && slots.is_empty() => {
                let (steps, begin, members) = (self.steps.len(), self.begin, self.members.len());
                let objects = self.objects.clone();
                if let Some(end) = self.document(cursor.at + 1, member) {
                    cursor.at = end;
                    return Some(());
                }
                self.steps.truncate(steps);
                self.members.truncate(members);
                (self.begin, self.objects) = (begin, objects);
            }
            _ => {}
        }
        let kind = if IN_TEXT { Kind::AnyInText { member, deep } } else { Kind::Any { member, deep } };
        self.step(cursor.at, kind, &[])?;
        match node {
            // The careful reader does not read these in place.
            Some(_) if IN_TEXT && matches!(cursor.peek(), Some(b'[' | b'\\')) => return None,
            _ => cursor.pass(deep).ok()?,
        }
        self.begin = cursor.at;
        Some(())
    }

    /// Follows a document in a string. Returns the position after the string's closing quote.
    fn document(&mut self, at: usize, member: Option<usize>) -> Option<usize> {
        let mut cursor = Cursor::<true> { bytes: self.line, at };
        if cursor.next() != Some(b'{') {
            return None;
        }
        self.object(&mut cursor, member, 1)?;
        (cursor.next() == Some(b'"')).then_some(cursor.at)
    }
}
