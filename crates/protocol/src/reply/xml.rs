//! The gateway's errors in XML, which it sends before it has read `Format`.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::wipe::WipedString;

/// The fields of an XML error.
#[derive(Default)]
pub(super) struct XmlError {
    pub(super) code: String,
    pub(super) message: Option<WipedString>,
    pub(super) request_id: Option<String>,
}

/// Reads `<Error><Code>..</Code><Message>..</Message><RequestId>..</RequestId>..</Error>`; `None` for
/// anything else, a second `Code` included.
pub(super) fn read_error(document: &str) -> Option<XmlError> {
    let mut reader = Reader::from_str(document);
    let mut error = XmlError::default();
    let mut codes = 0;
    // The names of the open elements.
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push(start.name().as_ref().to_owned());
                codes += usize::from(open.len() == 2 && open.last().is_some_and(|name| name == "Code"));
            }
            Event::End(_) => {
                open.pop()?;
                if open.is_empty() {
                    break;
                }
            }
            Event::Text(text) => {
                append(&mut error, &open, &text)?;
            }
            Event::GeneralRef(entity) => {
                let character = match entity.resolve_char_ref().ok()? {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&entity)?.to_owned(),
                };
                append(&mut error, &open, &character)?;
            }
            Event::Eof => return None,
            _ => {}
        }
    }
    (codes == 1 && !error.code.is_empty()).then_some(error)
}

/// Appends text to the open field. `None` if the root is not `Error`.
fn append(error: &mut XmlError, open: &[String], piece: &str) -> Option<()> {
    let mut names = open.iter().map(String::as_str);
    match (names.next(), names.next(), names.next()) {
        (Some("Error"), Some("Code"), None) => error.code.push_str(piece),
        (Some("Error"), Some("Message"), None) => error.message.get_or_insert_default().push_str(piece),
        (Some("Error"), Some("RequestId"), None) => error.request_id.get_or_insert_default().push_str(piece),
        (None | Some("Error"), ..) => {}
        _ => return None,
    }
    Some(())
}
