//! Reads a few members from a line of JSON, including members of documents inside strings, and skips the rest.
//!
//! This parser is our own because replay spends most of its time here (`docs/performance.md`), and because it reads a document
//! inside a string in place, which no general parser does. It is strict: skipped parts must be valid JSON too, and a wanted
//! member may appear only once. Its tests compare it with serde_json.

mod cursor;
mod layouts;
mod scan;
#[cfg(test)]
mod tests;
mod wanted;

use std::ops::Range;

use cloudauth_protocol::grammar::DEEPEST;
pub(crate) use cursor::Bad;
use cursor::{Cursor, unescape};
pub(crate) use layouts::Layouts;
use wanted::{Holds, Node};
pub(crate) use wanted::{Wanted, only_in_responses};

/// The value of a member. Strings and numbers are in one of the buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Value {
    /// Absent, or `null`.
    #[default]
    Missing,
    /// A string with its escapes resolved.
    Text(Place),
    /// A number, as written and as the nearest double, which is infinite if the number is out of range.
    Number(Place, f64),
    /// `true` or `false`.
    Truth(bool),
    /// An object with wanted members.
    Object,
    /// A list, as written.
    List(Place),
    /// Another object, or a string with an unpaired surrogate.
    Other,
}

/// A range of a buffer. Buffer 0 is the line, followed by one buffer for each depth of nested documents; the last one has the
/// unescaped strings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Place {
    buffer: u32,
    begin: u32,
    end: u32,
}

impl Place {
    fn new(buffer: usize, range: &Range<usize>) -> Option<Self> {
        let [buffer, begin, end] = [buffer, range.start, range.end].map(u32::try_from);
        Some(Self { buffer: buffer.ok()?, begin: begin.ok()?, end: end.ok()? })
    }

    const fn range(self) -> Range<usize> {
        self.begin as usize..self.end as usize
    }
}

/// The maximum nesting of documents inside strings.
const DOCUMENTS: usize = 3;
const UNESCAPED: usize = DOCUMENTS + 1;

/// The values of one line. It is reused for the next line, so reading a line allocates nothing.
#[derive(Debug)]
pub(crate) struct Found {
    values: Vec<Value>,
    /// The line in which each member was last seen.
    seen: Vec<u64>,
    line: u64,
    /// The documents inside strings, by depth from 1; then the unescaped strings.
    buffers: [Vec<u8>; UNESCAPED + 1],
    /// Documents that are still to be read: the member, the depth and the range.
    documents: Vec<(usize, usize, Range<usize>)>,
    /// The number of strings that should hold a document and do not.
    pub(crate) broken: u32,
}

impl Found {
    pub(crate) fn new(wanted: &Wanted) -> Self {
        Self {
            values: vec![Value::default(); wanted.slots],
            seen: vec![0; wanted.nodes.len()],
            line: 0,
            buffers: Default::default(),
            documents: Vec::new(),
            broken: 0,
        }
    }

    /// Returns the value of a slot.
    pub(crate) fn value(&self, slot: usize) -> &Value {
        self.values.get(slot).unwrap_or(&Value::Missing)
    }

    /// Returns whether a slot has a value.
    pub(crate) fn is_there(&self, slot: usize) -> bool {
        *self.value(slot) != Value::Missing
    }

    /// Returns the text of a string or number. It is valid UTF-8 if the line is.
    pub(crate) fn text<'f>(&'f self, line: &'f [u8], place: Place) -> &'f str {
        let buffer = if place.buffer == 0 {
            line
        } else {
            self.buffers.get(place.buffer as usize).map_or(line, |b| b)
        };
        buffer.get(place.range()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Returns the same for a line that is known to be UTF-8.
    pub(crate) fn text_in<'f>(&'f self, line: &'f str, place: Place) -> &'f str {
        if place.buffer == 0 {
            return line.get(place.range()).unwrap_or_default();
        }
        self.text(line.as_bytes(), place)
    }

    /// Reads a line, which must be one JSON object.
    pub(crate) fn read(&mut self, wanted: &Wanted, line: &[u8]) -> Result<(), Bad> {
        self.begin();
        if wanted.nodes.first().is_some_and(|line_node| line.len() > line_node.longest) {
            return Err(Bad::TooLarge);
        }
        self.document(wanted, 0, line, 0..line.len(), 0)?;
        self.read_kept_documents(wanted);
        Ok(())
    }

    /// Forgets the last line.
    fn begin(&mut self) {
        self.values.fill(Value::Missing);
        self.buffers.iter_mut().for_each(Vec::clear);
        self.documents.clear();
        self.broken = 0;
        self.line += 1;
    }

    /// Reads the documents inside strings that are still to be read.
    fn read_kept_documents(&mut self, wanted: &Wanted) {
        while let Some((node, depth, range)) = self.documents.pop() {
            // The buffer is taken out while it is read, because strings in it can go to the buffers behind it.
            let buffer = self.buffers.get_mut(depth).map(std::mem::take).unwrap_or_default();
            if self.document(wanted, node, &buffer, range, depth).is_err() {
                self.forget(wanted, node);
                self.documents.retain(|(_, other, _)| *other <= depth);
                self.broken += 1;
            }
            if let Some(place) = self.buffers.get_mut(depth) {
                *place = buffer;
            }
        }
    }

    /// Clears all values of a document. A document counts as a whole or not at all, so that half of one never affects a
    /// decision.
    fn forget(&mut self, wanted: &Wanted, node: usize) {
        wanted.below(node, &mut |node, Node { slots, .. }| {
            if let Some(seen) = self.seen.get_mut(node) {
                *seen = 0;
            }
            for slot in slots {
                if let Some(value) = self.values.get_mut(*slot) {
                    *value = Value::Missing;
                }
            }
        });
    }

    fn document(
        &mut self,
        wanted: &Wanted,
        node: usize,
        bytes: &[u8],
        range: Range<usize>,
        depth: usize,
    ) -> Result<(), Bad> {
        let bytes = bytes.get(..range.end).unwrap_or_default();
        let mut cursor = Cursor::<false> { bytes, at: range.start };
        cursor.demand(b'{')?;
        self.object(wanted, node, &mut cursor, depth, 1)?;
        cursor.blank();
        if cursor.at == range.end { Ok(()) } else { Err(Bad::NotJson) }
    }

    /// Reads a document inside a string in place, if its quotes are its only escapes. Returns the position after the string's
    /// closing quote.
    fn document_in_text(
        &mut self,
        wanted: &Wanted,
        node: usize,
        bytes: &[u8],
        at: usize,
        depth: usize,
    ) -> Option<usize> {
        let mut cursor = Cursor::<true> { bytes, at };
        if cursor.peek() != Some(b'{') {
            return None;
        }
        cursor.at += 1;
        let broken = self.broken;
        let read = self.object(wanted, node, &mut cursor, depth, 1);
        let is_long = wanted.nodes.get(node).is_some_and(|node| cursor.at - at > node.longest);
        if read.is_ok() && !is_long && cursor.next() == Some(b'"') {
            return Some(cursor.at);
        }
        self.forget(wanted, node);
        self.broken = broken;
        None
    }

    /// Reads the rest of an object after its opening brace.
    fn object<const IN_TEXT: bool>(
        &mut self,
        wanted: &Wanted,
        node: usize,
        cursor: &mut Cursor<'_, IN_TEXT>,
        depth: usize,
        deep: usize,
    ) -> Result<(), Bad> {
        cursor.blank();
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
            return Ok(());
        }
        loop {
            cursor.blank();
            let (name, escaped) = cursor.name()?;
            let name = cursor.bytes.get(name).unwrap_or_default();
            let member = if escaped {
                let mut plain = Vec::new();
                unescape(name, &mut plain).ok_or(Bad::NotJson)?;
                wanted.find(node, &plain)
            } else {
                wanted.find(node, name)
            };
            cursor.blank();
            match member {
                Some(member) => self.member(wanted, member, cursor, depth, deep)?,
                None => cursor.pass(deep)?,
            }
            if !cursor.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads the value of a wanted member.
    fn member<const IN_TEXT: bool>(
        &mut self,
        wanted: &Wanted,
        node: usize,
        cursor: &mut Cursor<'_, IN_TEXT>,
        depth: usize,
        deep: usize,
    ) -> Result<(), Bad> {
        match self.seen.get_mut(node) {
            Some(seen) if *seen == self.line => return Err(Bad::Twice),
            Some(seen) => *seen = self.line,
            None => {}
        }
        let Some(Node { slots, children, holds, longest, .. }) = wanted.nodes.get(node) else {
            return Err(Bad::NotJson);
        };
        if slots.is_empty() && children.is_empty() {
            return cursor.pass(deep);
        }
        let begin = cursor.at;
        let value = match cursor.peek() {
            Some(byte) if *holds == Holds::Text && byte != Cursor::<IN_TEXT>::QUOTE && byte != b'n' => {
                self.broken += 1;
                cursor.pass(deep).map(|()| Value::Other)?
            }
            Some(b'{') if !children.is_empty() && deep < DEEPEST => {
                cursor.at += 1;
                self.object(wanted, node, cursor, depth, deep + 1)?;
                if cursor.at - begin > *longest {
                    return Err(Bad::TooLarge);
                }
                Value::Object
            }
            Some(quote) if quote == Cursor::<IN_TEXT>::QUOTE => {
                cursor.quote()?;
                let is_document = !children.is_empty() && *holds != Holds::Object;
                if is_document && IN_TEXT {
                    return Err(Bad::NotJson);
                }
                if is_document
                    && slots.is_empty()
                    && let Some(end) = self.document_in_text(wanted, node, cursor.bytes, cursor.at, depth)
                {
                    cursor.at = end;
                    return Ok(());
                }
                let (range, escaped) = cursor.text()?;
                if is_document {
                    let escaped = cursor.bytes.get(range.clone()).unwrap_or_default();
                    self.keep_document(node, *longest, escaped, depth);
                }
                if slots.is_empty() {
                    Value::Missing
                } else {
                    self.kept(cursor.bytes, &range, escaped, depth)
                }
            }
            Some(b'-' | b'0'..=b'9') => match (cursor.value()?, Place::new(depth, &(begin..cursor.at))) {
                (number, Some(place)) => Value::Number(place, number),
                _ => return Err(Bad::NotJson),
            },
            // Strings inside it have escaped quotes.
            Some(b'[') if IN_TEXT => return Err(Bad::NotJson),
            Some(b'[') => {
                cursor.pass(deep)?;
                Place::new(depth, &(begin..cursor.at)).map_or(Value::Other, Value::List)
            }
            Some(b't') => cursor.word("true").map(|()| Value::Truth(true))?,
            Some(b'f') => cursor.word("false").map(|()| Value::Truth(false))?,
            Some(b'n') => cursor.word("null").map(|()| Value::Missing)?,
            _ => cursor.pass(deep).map(|()| Value::Other)?,
        };
        self.put(slots, value);
        Ok(())
    }

    #[inline]
    fn put(&mut self, slots: &[usize], value: Value) {
        for slot in slots {
            if let Some(place) = self.values.get_mut(*slot) {
                *place = value;
            }
        }
    }

    /// A string that should hold a document: it is read after this document.
    fn keep_document(&mut self, node: usize, longest: usize, escaped: &[u8], depth: usize) {
        let Some(buffer) = self.buffers.get_mut(depth + 1).filter(|_| depth < DOCUMENTS) else {
            self.broken += 1;
            return;
        };
        let begin = buffer.len();
        let whole = unescape(escaped, buffer).is_some() && buffer.len() - begin <= longest;
        let text = buffer.get(begin..).unwrap_or_default().trim_ascii();
        match text {
            // The service writes both for a missing value.
            b"" | b"null" if whole => {}
            _ if whole => self.documents.push((node, depth + 1, begin..buffer.len())),
            _ => self.broken += 1,
        }
    }

    /// Returns the place of a string in its buffer, or in the buffer of unescaped strings.
    #[inline]
    fn kept(&mut self, bytes: &[u8], range: &Range<usize>, escaped: bool, depth: usize) -> Value {
        let place = if escaped { self.unescaped(bytes, range) } else { Place::new(depth, range) };
        place.map_or(Value::Other, Value::Text)
    }

    #[inline(never)]
    fn unescaped(&mut self, bytes: &[u8], range: &Range<usize>) -> Option<Place> {
        let buffer = self.buffers.get_mut(UNESCAPED)?;
        let begin = buffer.len();
        unescape(bytes.get(range.clone())?, buffer)?;
        Place::new(UNESCAPED, &(begin..buffer.len()))
    }
}
