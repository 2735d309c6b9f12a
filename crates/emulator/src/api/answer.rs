//! A product answer: what an action says beside HTTP 200.

use cloudauth_protocol::Code;
use serde_json::{Map, Value};

/// A product answer: `Code`, `Message`, and perhaps `ResultObject`.
pub(crate) struct Answer {
    pub(crate) code: String,
    message: &'static str,
    result: Option<Value>,
    /// What the emulator has to add: it stands in parentheses behind the message, and in the journal.
    pub(crate) hint: Option<String>,
}

impl Answer {
    pub(super) fn success(result: Value) -> Self {
        Self { result: Some(result), ..Self::code("200") }
    }

    /// A code with the vendor's message.
    pub(super) fn code(code: &str) -> Self {
        let message = Code::from_wire(code).manual().map_or("", |entry| entry.vendor_text);
        Self { code: code.to_owned(), message, result: None, hint: None }
    }

    pub(super) fn hint(code: &str, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::code(code) }
    }

    pub(crate) fn certify_id(&self) -> Option<&str> {
        self.result.as_ref()?.get("CertifyId")?.as_str()
    }

    /// The fields of the vendor's answer.
    pub(crate) fn fields(&self, request_id: &str) -> Map<String, Value> {
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
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
