//! Reads the envelope of a response: a product answer, or an error.

use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::error::{GatewayError, Malformation, MalformedReply, ProductError, ReplyError};
use super::lenient::{LenientString, Object};
use super::vendor::{RequestId, VendorMessage};
use super::xml;
use crate::codes::{Code, GatewayCode};
use crate::grammar;
use crate::json;
use crate::wire::body::Body;

/// The largest body that is read, in bytes. An ID_PRO result has about two thousand.
const LARGEST_BODY: usize = grammar::LARGEST_REPLY;

/// A successful response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply<T> {
    /// The vendor's identifier of this call. Quote it in support requests.
    pub request_id: Option<RequestId>,
    /// The output of the operation.
    pub output: T,
}

/// A response that is being read.
pub struct Answer<'a> {
    status: StatusCode,
    body: &'a [u8],
    headers: &'a HeaderMap,
}

impl std::fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// The envelope of every JSON response. The vendor's SDKs also accept the spelling `code`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Envelope<'a, T> {
    #[serde(borrow, default, rename = "Code", alias = "code")]
    code: LenientString<'a>,
    #[serde(borrow, default, rename = "Message", alias = "message")]
    message: LenientString<'a>,
    #[serde(borrow, default, rename = "RequestId", alias = "requestId")]
    request_id: LenientString<'a>,
    #[serde(default = "nothing", rename = "ResultObject", alias = "resultObject")]
    result: Object<T>,
}

fn nothing<T>() -> Object<T> {
    Object(None)
}

impl<'a> Answer<'a> {
    /// A response of limited size.
    ///
    /// # Errors
    /// If the body is larger than 1 MiB.
    pub(crate) fn new(response: &'a Response<Body>) -> Result<Self, ReplyError> {
        let answer =
            Self { status: response.status(), body: response.body().as_bytes(), headers: response.headers() };
        if answer.body.len() > LARGEST_BODY {
            return Err(answer.malformed(Malformation::TooLarge));
        }
        Ok(answer)
    }

    /// Reads the envelope of a product answer. The product's code may be any number; see
    /// [`Product::code`].
    ///
    /// # Errors
    /// If this is a gateway error, or has no valid envelope with a code.
    pub fn product<T: Deserialize<'a>>(&self) -> Result<Product<'a, T>, ReplyError> {
        self.read_product(false)
    }

    /// Like [`product`](Self::product), for the legacy actions, which omit the code of a successful call.
    pub(crate) fn product_with_optional_code<T: Deserialize<'a>>(
        &self,
    ) -> Result<Product<'a, T>, ReplyError> {
        self.read_product(true)
    }

    fn read_product<T: Deserialize<'a>>(&self, code_is_optional: bool) -> Result<Product<'a, T>, ReplyError> {
        // One check of the whole text is cheaper than a check per field.
        let Ok(text) = std::str::from_utf8(self.body) else {
            return Err(self.malformed(Malformation::NotUtf8));
        };
        let envelope = match json::from_str::<Object<Envelope<'a, T>>>(text) {
            Ok(Object(Some(envelope))) => envelope,
            Ok(Object(None)) => return Err(self.malformed(Malformation::Lacks("Code"))),
            Err(json::Unreadable::TooDeep) => return Err(self.malformed(Malformation::TooDeep)),
            Err(json::Unreadable::Invalid(error)) => return Err(self.unreadable(text, &error)),
        };
        let request_id = envelope.request_id.filled().and_then(RequestId::new).or_else(|| self.id());
        let code = match envelope.code.code() {
            Some(code) if is_number(code) => Code::from_wire(code),
            Some(code) => return Err(self.gateway_error(code, envelope.message.filled(), request_id)),
            None if code_is_optional && self.status.is_success() && envelope.code.is_missing() => {
                Code::Success
            }
            None => return Err(self.malformed_with(Malformation::Lacks("Code"), request_id)),
        };
        if code == Code::Success && !self.status.is_success() {
            return Err(self.malformed_with(Malformation::StatusContradictsCode, request_id));
        }
        Ok(Product {
            code,
            result: envelope.result.0,
            message: envelope.message,
            request_id,
            status: self.status,
        })
    }

    /// The whole JSON document.
    pub(crate) fn document(&self) -> Result<Value, ReplyError> {
        serde_json::from_slice(self.body).map_err(|error| self.malformed(Malformation::of(&error)))
    }

    /// The error of an unreadable envelope. If only the result is invalid, code and RequestId are still read, and a refusal is
    /// still a refusal.
    fn unreadable(&self, text: &str, error: &serde_json::Error) -> ReplyError {
        if let Ok(Object(Some(envelope))) = serde_json::from_str::<Object<Envelope<'_, IgnoredAny>>>(text) {
            let request_id = envelope.request_id.filled().and_then(RequestId::new).or_else(|| self.id());
            return match envelope.code.code() {
                Some(code) if is_number(code) => match Code::from_wire(code) {
                    Code::Success => self.malformed_with(Malformation::Lacks("ResultObject"), request_id),
                    code => ReplyError::Refused(Box::new(ProductError {
                        code,
                        message: VendorMessage::new(envelope.message.filled()),
                        request_id,
                        status: self.status,
                    })),
                },
                Some(code) => self.gateway_error(code, envelope.message.filled(), request_id),
                None => self.malformed_with(Malformation::Lacks("Code"), request_id),
            };
        }
        if let Some(xml) = xml::read_error(text) {
            let request_id = xml.request_id.as_deref().and_then(RequestId::new).or_else(|| self.id());
            return self.gateway_error(&xml.code, xml.message.as_deref(), request_id);
        }
        self.malformed(match text.trim_start().chars().next() {
            None => Malformation::Empty,
            Some('<') => Malformation::Markup,
            Some(_) => Malformation::of(error),
        })
    }

    fn gateway_error(&self, code: &str, message: Option<&str>, request_id: Option<RequestId>) -> ReplyError {
        ReplyError::Gateway(Box::new(GatewayError {
            code: GatewayCode::from_wire(code),
            message: VendorMessage::new(message),
            request_id,
            status: self.status,
        }))
    }

    fn malformed(&self, what: Malformation) -> ReplyError {
        self.malformed_with(what, self.id())
    }

    fn malformed_with(&self, what: Malformation, request_id: Option<RequestId>) -> ReplyError {
        ReplyError::Malformed(Box::new(MalformedReply { what, request_id, status: self.status }))
    }

    /// The RequestId of the headers, or one found in the bytes of the body.
    fn id(&self) -> Option<RequestId> {
        let header = self.headers.get("x-acs-request-id").and_then(|value| value.to_str().ok());
        header.and_then(RequestId::new).or_else(|| RequestId::salvage(self.body))
    }
}

fn is_number(code: &str) -> bool {
    code.bytes().all(|b| b.is_ascii_digit())
}

/// A product answer: a response whose `Code` is a number.
pub struct Product<'a, T> {
    /// The product's code: [`Code::Success`], or the code of a refusal.
    pub code: Code,
    /// `ResultObject`, if present.
    pub result: Option<T>,
    message: LenientString<'a>,
    request_id: Option<RequestId>,
    status: StatusCode,
}

impl<T> Product<'_, T> {
    /// A reply with this output and the RequestId of this answer.
    pub fn reply<U>(self, output: U) -> Reply<U> {
        Reply { request_id: self.request_id, output }
    }

    /// The error of a refused call, with its code.
    pub fn refused(self) -> ReplyError {
        let Self { code, message, request_id, status, .. } = self;
        let message = VendorMessage::new(message.filled());
        ReplyError::Refused(Box::new(ProductError { code, message, request_id, status }))
    }

    /// The error of a response without a valid `field`.
    pub fn lacks(self, field: &'static str) -> ReplyError {
        let what = Malformation::Lacks(field);
        ReplyError::Malformed(Box::new(MalformedReply {
            what,
            request_id: self.request_id,
            status: self.status,
        }))
    }
}
