//! Any other action of the API, with raw parameters and response.
//!
//! Vendor's list: <https://api.aliyun.com/document/Cloudauth/2019-03-07/overview>

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::codes::Code;
use crate::operation::{Effect, LONGEST_ACTION, Operation};
use crate::redact::is_plain_identifier;
use crate::reply::{Answer, Reply, ReplyError};
use crate::values::InvalidValue;
use crate::wire::params::{ExtraParams, ParamLocation, Params};

/// An action without a type in this crate.
/// Under V3 each parameter has a location, documented in the API metadata: `ContrastFaceVerify`, for example, takes `CertNo` in
/// the body, `InitFaceVerify` in the query. Under V1 the location does not matter. All values are treated as personal data.
/// The output is the whole JSON document. A `Code` other than `200` is a refusal, as for every operation; the legacy actions
/// respond without a `Code`.
///
/// ```
/// use cloudauth_protocol::{Effect, ParamLocation, RawOperation};
///
/// let op = RawOperation::new("Id2MetaVerify", Effect::Write)?
///     .param(ParamLocation::Body, "ParamType", "normal")
///     .param(ParamLocation::Body, "IdentifyNum", "999999199001012003");
/// assert!(!format!("{op:?}").contains("999999199001012003"));
/// # Ok::<(), cloudauth_protocol::InvalidValue>(())
/// ```
#[derive(Clone, Debug)]
pub struct RawOperation {
    action: Box<str>,
    effect: Effect,
    params: ExtraParams,
}

impl RawOperation {
    /// An action; `effect` decides whether the call may be retried.
    ///
    /// # Errors
    /// If the action is not 1 to 64 ASCII letters, digits, `.`, `-` or `_`. It is part of the signature, and of every
    /// error and log line of the call.
    pub fn new(action: &str, effect: Effect) -> Result<Self, InvalidValue> {
        if !is_plain_identifier(action, LONGEST_ACTION) {
            let problem = "must be 1 to 64 ASCII letters, digits, `.`, `-` or `_`";
            return Err(InvalidValue::new("Action", problem));
        }
        Ok(Self { action: action.into(), effect, params: ExtraParams::default() })
    }

    /// Adds a parameter. An empty value is sent as `name=`.
    #[must_use]
    pub fn param(mut self, location: ParamLocation, name: &str, value: &str) -> Self {
        self.params.push(location, name, value);
        self
    }
}

impl Operation for RawOperation {
    type Output = RawAnswer;

    fn action(&self) -> &str {
        &self.action
    }

    fn effect(&self) -> Effect {
        self.effect
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        self.params.params(params);
    }

    fn read(answer: &Answer<'_>) -> Result<Reply<RawAnswer>, ReplyError> {
        let product = answer.product_with_optional_code::<IgnoredAny>()?;
        if product.code != Code::Success {
            return Err(product.refused());
        }
        let document = RawAnswer(answer.document()?);
        Ok(product.reply(document))
    }
}

/// The whole JSON document of a response. It can contain names, ID numbers and picture URLs, so `Debug` does not show it.
#[derive(Clone, PartialEq)]
pub struct RawAnswer(Value);

impl RawAnswer {
    /// The document.
    #[must_use]
    pub const fn expose(&self) -> &Value {
        &self.0
    }

    /// The document, by value.
    #[must_use]
    pub fn into_inner(self) -> Value {
        self.0
    }
}

impl std::fmt::Debug for RawAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawAnswer([redacted])")
    }
}
