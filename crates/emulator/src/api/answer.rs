//! The answer of an action, which comes with HTTP 200.

use cloudauth_protocol::Code;
use serde_json::{Map, Value};

use crate::http::Message;

/// The answer of an action: `Code`, `Message`, and on success `ResultObject`.
pub(crate) struct ActionReply {
    pub(crate) code: String,
    message: &'static str,
    result: Option<Value>,
    /// The emulator's own hint. It is appended to the message in parentheses, and recorded in the journal.
    pub(crate) hint: Option<Message>,
}

impl ActionReply {
    pub(super) fn success(result: Value) -> Self {
        Self { result: Some(result), ..Self::with_code("200") }
    }

    /// Creates an answer with this Code and the vendor's message.
    pub(super) fn with_code(code: &str) -> Self {
        let message = Code::from_wire(code).manual().map_or("", |entry| entry.vendor_text);
        Self { code: code.to_owned(), message, result: None, hint: None }
    }

    /// Creates an answer with this Code, the vendor's message and a hint.
    pub(super) fn with_hint(code: &str, hint: impl Into<Message>) -> Self {
        Self { hint: Some(hint.into()), ..Self::with_code(code) }
    }

    /// Creates the answer to a call without these required parameters.
    pub(super) fn without(parameters: &str) -> Self {
        Self::with_hint("400", Message::new(parameters, parameters))
    }

    pub(crate) fn certify_id(&self) -> Option<&str> {
        self.result.as_ref()?.get("CertifyId")?.as_str()
    }

    /// Returns the fields of the vendor's answer document.
    pub(crate) fn fields(&self, request_id: &str) -> Map<String, Value> {
        let hint = self.hint.as_ref().map(|hint| format!(" ({})", hint.en)).unwrap_or_default();
        let mut fields = Map::new();
        fields.insert("RequestId".into(), request_id.into());
        fields.insert("Message".into(), format!("{}{hint}", self.message).into());
        fields.insert("Code".into(), self.code.clone().into());
        if let Some(result) = &self.result {
            fields.insert("ResultObject".into(), result.clone());
        }
        fields
    }
}
