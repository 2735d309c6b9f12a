//! Values for the browser and the callback: MetaInfo, ReturnUrl, CallbackUrl and its token.

use std::collections::BTreeMap;
use std::fmt;

use http::Uri;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::{InvalidValue, text};
use crate::redact::{mask_digits, personal};
use crate::wire::endpoint::is_loopback;
use crate::wire::web_url::web_url;

personal! {
    /// `MetaInfo`: the JSON text that the vendor's script `getMetaInfo()` returns in the browser that will film the face. It must
    /// be fresh: for a copied one the service answers `200` without a `CertifyUrl`.
    MetaInfo
}

impl MetaInfo {
    /// Checks the text.
    ///
    /// # Errors
    /// If the text is not a JSON object.
    pub fn new(json: &str) -> Result<Self, InvalidValue> {
        match serde_json::from_str::<BTreeMap<String, IgnoredAny>>(json) {
            Ok(_) => Ok(Self::hold(json)),
            Err(_) => {
                Err(InvalidValue::new("MetaInfo", "must be the JSON object that getMetaInfo() returned"))
            }
        }
    }
}

/// `ReturnUrl`: the page to which the browser returns when the person is done. It may have its own query and fragment; the
/// service adds a parameter `response` (see [`ReturnHint`](crate::ReturnHint)).
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnUrl(Box<str>);

impl ReturnUrl {
    /// Checks the URL.
    ///
    /// # Errors
    /// If it is not an `http` or `https` URL with a valid host and port.
    pub fn new(url: &str) -> Result<Self, InvalidValue> {
        checked("ReturnUrl", url)?;
        Ok(Self(url.into()))
    }

    /// The word `iframe`: the page runs inside your frame and posts its message to the parent. Use it with
    /// [`CertifyUrlStyle::Long`](crate::CertifyUrlStyle::Long).
    #[must_use]
    pub fn iframe() -> Self {
        Self("iframe".into())
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `CallbackUrl`: the URL to which the service reports that a verification is finished. It adds `certifyId`, `passed` (which
/// carries the SubCode) and `callbackToken` to the query. The URL must answer 200 from the public internet when the
/// verification starts; otherwise `InitFaceVerify` answers 401.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackUrl(Box<str>);

impl CallbackUrl {
    /// Checks the URL.
    ///
    /// # Errors
    /// If it is not an `https` URL with a host and without a fragment.
    pub fn new(url: &str) -> Result<Self, InvalidValue> {
        let uri = checked("CallbackUrl", url)?;
        if uri.scheme_str() != Some("https") {
            return Err(InvalidValue::new("CallbackUrl", "must begin with https"));
        }
        Self::without_fragment(url)
    }

    /// An `http` URL on this machine, for the emulator. The real service refuses it.
    ///
    /// # Errors
    /// If it is not an `http` URL whose host is loopback.
    pub fn loopback(url: &str) -> Result<Self, InvalidValue> {
        let uri = checked("CallbackUrl", url)?;
        if uri.scheme_str() != Some("http") || !uri.host().is_some_and(is_loopback) {
            return Err(InvalidValue::new("CallbackUrl", "must be http on a loopback host"));
        }
        Self::without_fragment(url)
    }

    fn without_fragment(url: &str) -> Result<Self, InvalidValue> {
        if url.contains('#') {
            return Err(InvalidValue::new("CallbackUrl", "must not have a fragment"));
        }
        Ok(Self(url.into()))
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `UiCustomUrl`: the address of a file that styles the vendor's page.
#[derive(Clone, PartialEq, Eq)]
pub struct UiCustomUrl(Box<str>);

impl UiCustomUrl {
    /// Checks the URL.
    ///
    /// # Errors
    /// If it is not an `http` or `https` URL with a valid host and port.
    pub fn new(url: &str) -> Result<Self, InvalidValue> {
        checked("UiCustomUrl", url)?;
        Ok(Self(url.into()))
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(parameter: &'static str, url: &str) -> Result<Uri, InvalidValue> {
    let url = text(parameter, url)?;
    web_url(url).map_err(|error| InvalidValue::new(parameter, error.problem()))
}

/// Shows the scheme and the host alone: the path of a URL may have a capability or an order number, its user part a password.
macro_rules! debug_without_path {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match web_url(&self.0) {
                    Ok(url) => {
                        let (scheme, host) = (url.scheme_str(), url.host());
                        let (scheme, host) = (scheme.unwrap_or_default(), host.unwrap_or_default());
                        write!(f, "{}({scheme}://{})", stringify!($name), mask_digits(host))
                    }
                    Err(_) => write!(f, "{}(iframe)", stringify!($name)),
                }
            }
        }
    )*};
}

debug_without_path!(ReturnUrl, CallbackUrl, UiCustomUrl);

/// `CallbackToken`: the text that the service echoes in the callback, its only protection against forgery. Create and verify it
/// with [`CallbackKeys`](crate::CallbackKeys), which compares in constant time; the type has no `==`.
#[derive(Clone)]
pub struct CallbackToken(Zeroizing<Box<str>>);

impl CallbackToken {
    /// Checks the token. The vendor documents no form; its sample has 27 letters and digits. This type accepts 1 to 128 characters
    /// that need no encoding in a query.
    ///
    /// # Errors
    /// If it has another form.
    pub fn new(token: &str) -> Result<Self, InvalidValue> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        if !(1..=128).contains(&token.len()) || !token.bytes().all(plain) {
            return Err(InvalidValue::new("CallbackToken", "must be 1 to 128 of A-Z a-z 0-9 - . _ ~"));
        }
        Ok(Self(Zeroizing::new(token.into())))
    }

    /// The token itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallbackToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackToken([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_a_callback_url_without_https() {
        assert!(CallbackUrl::new("https://shop.example/cb/17?x=1").is_ok());
        assert_eq!(
            CallbackUrl::new("http://shop.example/cb").unwrap_err().to_string(),
            "CallbackUrl: must begin with https"
        );
        assert!(CallbackUrl::new("https://shop.example/#cb").is_err());
        assert!(CallbackUrl::loopback("http://127.0.0.1:8080/cb").is_ok());
        assert!(CallbackUrl::loopback("http://shop.example/cb").is_err());
        for port in ["0", "99999", ""] {
            assert!(CallbackUrl::new(&format!("https://shop.example:{port}/cb")).is_err(), "{port}");
            assert!(CallbackUrl::loopback(&format!("http://127.0.0.1:{port}/cb")).is_err(), "{port}");
        }
    }

    #[test]
    fn a_return_url_keeps_its_query_and_fragment() {
        let url = "https://shop.example/back?a=1&b=2#/done?x";
        assert_eq!(ReturnUrl::new(url).unwrap().as_str(), url);
        for bad in
            ["", "/back", "shop.example", "javascript:alert(1)", "https://", "https://a b/", "https://a:0/"]
        {
            assert!(ReturnUrl::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_shows_the_scheme_and_the_host_of_a_url() {
        let url = "https://user:planted@shop.example:8443/planted?planted#planted";
        assert_eq!(format!("{:?}", ReturnUrl::new(url).unwrap()), "ReturnUrl(https://shop.example)");
        assert_eq!(format!("{:?}", ReturnUrl::iframe()), "ReturnUrl(iframe)");
        let url = url.trim_end_matches("#planted");
        assert_eq!(format!("{:?}", CallbackUrl::new(url).unwrap()), "CallbackUrl(https://shop.example)");
        assert_eq!(format!("{:?}", UiCustomUrl::new(url).unwrap()), "UiCustomUrl(https://shop.example)");
        let number = ReturnUrl::new("https://13800000000.shop.example/").unwrap();
        assert_eq!(format!("{number:?}"), "ReturnUrl(https://[digits].shop.example)");
    }

    #[test]
    fn names_the_invalid_part_of_a_url() {
        let reason = |url| ReturnUrl::new(url).unwrap_err().to_string();
        assert_eq!(
            reason("https://a.example/b c"),
            "ReturnUrl: must not contain white space; write it as %20"
        );
        assert_eq!(reason("https://a b.example/"), "ReturnUrl: the host must not contain white space");
        assert!(reason("https://商店.example/").starts_with("ReturnUrl: must be ASCII"));
        assert!(CallbackUrl::new("https://a.example/完成").is_err());
    }

    #[test]
    fn meta_info_is_a_json_object() {
        assert!(MetaInfo::new(r#"{"zimVer":"3.0.0","deviceType":"h5"}"#).is_ok());
        for bad in ["", "MetaInfo环境参数", "[]", "\"{}\"", "{", "null"] {
            assert!(MetaInfo::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_survives_a_query() {
        assert!(CallbackToken::new("NMjvQanQgplBSaEI0sL86WnQplB").is_ok());
        assert!(CallbackToken::new("a&b").is_err() && CallbackToken::new("").is_err());
    }
}
