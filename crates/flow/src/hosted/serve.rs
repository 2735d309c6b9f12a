//! Answers the requests for the start page. It depends on no HTTP framework.

use std::fmt;

use cloudauth_protocol::MetaInfo;
use zeroize::Zeroizing;

use crate::driver::error::{FlowError, PageRefusal};
use crate::driver::flow::Flow;
use crate::driver::signals;
use crate::hosted::begin::Found;
use crate::hosted::html::{self, Language, Message};
use crate::hosted::settings::{BrowserUrl, StartPage};
use crate::store::contract::Store;

/// The largest body of a request. The MetaInfo of a browser has a few KiB.
pub const PAGE_BODY_LIMIT: usize = 64 * 1024;

/// A request for the start page. `Debug` shows its method only.
#[derive(Clone, Copy)]
pub struct PageRequest<'a> {
    /// The method, such as `GET`.
    pub method: &'a str,
    /// What follows the address of the start page and `/` in the path.
    pub capability: &'a str,
    /// The header `Origin`.
    pub origin: Option<&'a str>,
    /// The header `Accept-Language`.
    pub accept_language: Option<&'a str>,
    /// The body. Read at most [`PAGE_BODY_LIMIT`] bytes and one more: a longer one is refused.
    pub body: &'a [u8],
}

/// The response to a [`PageRequest`]. `Debug` shows its status only: the headers may have the link.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageResponse {
    /// The status code.
    pub status: u16,
    /// The headers: send all of them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl<S: Store> Flow<S> {
    /// Answers a request for the start page: the page, which collects the MetaInfo and posts it; then a redirect to the link. Run it to
    /// its end, in a task of its own, like [`start`](Self::start). It may take as long as a call of the client, or 20 seconds while
    /// another tab makes that call.
    ///
    /// Nothing fails: what went wrong is in the status, in the page, and in the counter `cloudauth_flow_pages_total`.
    pub async fn serve(&self, request: &PageRequest<'_>) -> PageResponse {
        let language = Language::of(request.accept_language);
        let Some(settings) = self.start_page.as_ref() else { return PageResponse::new(404, String::new()) };
        let respond = |message: &Message| {
            let mut response = PageResponse::page(settings, message.status, language.message(message));
            match message.status {
                405 => response.headers.push(("allow", "GET, HEAD, POST".to_owned())),
                503 => response.headers.push(("retry-after", "5".to_owned())),
                _ => {}
            }
            response
        };
        let result = match request.method {
            "GET" | "HEAD" => self.find(request.capability).await.map(|found| match found {
                Found::Linked(link) => PageResponse::redirect(&link),
                Found::Waiting(..) => PageResponse::page(settings, 200, language.start(&settings.script)),
            }),
            "POST" => match meta_info(settings, request) {
                Ok(meta_info) => {
                    let result = self.start_from_page(request.capability, &meta_info).await;
                    signals::paged(&result);
                    result.map(|link| PageResponse::redirect(&link))
                }
                Err(message) => return respond(message),
            },
            _ => return respond(&html::NOT_ALLOWED),
        };
        let mut response = result.unwrap_or_else(|error| respond(message(&error)));
        if request.method == "HEAD" {
            response.body.clear();
        }
        response
    }
}

/// Reads the MetaInfo of a form.
fn meta_info(settings: &StartPage, request: &PageRequest<'_>) -> Result<MetaInfo, &'static Message> {
    // The capability in the path is the secret. A browser also says which page sent the form.
    if request.origin.is_some_and(|origin| origin != settings.origin) {
        return Err(&html::OTHER_ORIGIN);
    }
    if request.body.len() > PAGE_BODY_LIMIT {
        return Err(&html::TOO_LARGE);
    }
    let text = request.body.strip_prefix(b"meta_info=").and_then(decode).ok_or(&html::BAD_REQUEST)?;
    MetaInfo::new(&text).map_err(|_| &html::BAD_REQUEST)
}

/// Decodes the value of a form's only field.
fn decode(value: &[u8]) -> Option<Zeroizing<String>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(value.len()));
    let mut rest = value.iter();
    while let Some(&byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        });
    }
    std::str::from_utf8(&decoded).ok().map(|text| Zeroizing::new(text.to_owned()))
}

fn message(error: &FlowError) -> &'static Message {
    match error {
        FlowError::Page(PageRefusal::Unknown) => &html::UNKNOWN,
        FlowError::Page(PageRefusal::Used) => &html::USED,
        FlowError::Page(PageRefusal::Expired) => &html::EXPIRED,
        FlowError::NoLink => &html::BROWSER,
        FlowError::Refused(_) | FlowError::LinkDropped | FlowError::Sealed => &html::REFUSED,
        FlowError::Call(error) if !error.is_transient() => &html::REFUSED,
        _ => &html::UNAVAILABLE,
    }
}

impl PageResponse {
    fn new(status: u16, body: String) -> Self {
        let headers =
            vec![("cache-control", "no-store".to_owned()), ("x-content-type-options", "nosniff".to_owned())];
        Self { status, headers, body }
    }

    /// `same-origin`: other sites get no referrer. With `no-referrer`, the form would have `Origin: null`.
    fn page(settings: &StartPage, status: u16, body: String) -> Self {
        let mut response = Self::new(status, body);
        response.headers.extend([
            ("content-type", "text/html; charset=utf-8".to_owned()),
            ("content-security-policy", settings.security_policy.clone()),
            ("referrer-policy", "same-origin".to_owned()),
        ]);
        response
    }

    fn redirect(link: &BrowserUrl) -> Self {
        let mut response = Self::new(303, String::new());
        response
            .headers
            .extend([("location", link.expose().to_owned()), ("referrer-policy", "no-referrer".to_owned())]);
        response
    }
}

impl fmt::Debug for PageRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageRequest({})", self.method)
    }
}

impl fmt::Debug for PageResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageResponse({})", self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_decoded_as_browsers_encode_it() {
        let text = |value: &str| decode(value.as_bytes()).map(|text| text.to_string());
        assert_eq!(text("%7B%22a%22%3A%22b+c%E5%BC%A0%22%7d").as_deref(), Some("{\"a\":\"b c张\"}"));
        for bad in ["%", "%4", "%zz", "%+1", "%FF"] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }
}
