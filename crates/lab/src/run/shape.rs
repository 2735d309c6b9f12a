//! The shape of the data, from its first JSON object.

use std::io::{BufRead, BufReader, Read};

use crate::error::LabError;
use crate::input::bounded::LONGEST;
use crate::input::json::{Bad, Found, Wanted, only_in_responses};
use crate::input::mapping::Shape;
use crate::input::source::{Format, Source};

/// The lines of a file in which the first JSON object is looked for.
const FIRST_LINES: usize = 100;

/// Returns whether the first JSON object of the data looks like a response of the service.
pub(super) fn shape(sources: &[Source]) -> Result<Shape, LabError> {
    let wanted = Wanted::new(only_in_responses());
    let mut found = Found::new(&wanted);
    let mut line = Vec::new();
    for source in sources.iter().filter(|source| source.format == Format::Json) {
        let wrong = |error| LabError::file(source.path(), error);
        let mut from = BufReader::new(source.peek().map_err(wrong)?.take(LONGEST as u64));
        for _ in 0..FIRST_LINES {
            line.clear();
            if from.read_until(b'\n', &mut line).map_err(wrong)? == 0 {
                break;
            }
            if matches!(found.read(&wanted, &line), Ok(()) | Err(Bad::Twice)) {
                let is_reply = only_in_responses().enumerate().any(|(slot, _)| found.is_there(slot));
                return Ok(if is_reply { Shape::Reply } else { Shape::Flat });
            }
        }
    }
    Ok(Shape::Flat)
}
