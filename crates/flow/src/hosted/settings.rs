//! The settings of the start page, and the addresses that it gives out.

use std::fmt;

use http::Uri;
use zeroize::Zeroizing;

use crate::driver::settings::https_or_loopback;
use crate::hosted::html;
use crate::hosted::seal::SealingKeys;
use crate::machine::ids::InvalidId;

/// The vendor's script.
const SCRIPT: &str = "https://o.alicdn.com/yd-cloudauth/cloudauth-cdn/jsvm_all.js";

/// A start page: where it is, and the keys that seal identities.
#[derive(Clone, Debug)]
pub struct StartPage {
    pub(super) address: Box<str>,
    /// The origin of the address, as browsers send it.
    pub(super) origin: String,
    pub(super) script: Box<str>,
    /// The Content-Security-Policy of all pages.
    pub(super) security_policy: String,
    pub(super) keys: SealingKeys,
}

/// An address for one browser: who has it can continue. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct BrowserUrl(Zeroizing<String>);

impl StartPage {
    /// A start page at an address such as `https://shop.example/start`. The flow appends `/` and the browser's capability.
    ///
    /// # Errors
    /// If it is not an `https` URL, or has a query or a fragment. Plain `http` is for loopback.
    pub fn new(address: &str, keys: SealingKeys) -> Result<Self, InvalidId> {
        let invalid = InvalidId::new("the start page's address", "an https URL without query");
        let address = address.trim_end_matches('/');
        let origin = origin(address).filter(|_| !address.contains(['?', '#'])).ok_or(invalid)?;
        let page = Self {
            address: address.into(),
            origin,
            script: SCRIPT.into(),
            security_policy: String::new(),
            keys,
        };
        page.script(SCRIPT)
    }

    /// Loads the vendor's script, which collects the MetaInfo of the browser, from another address. The default is
    /// `https://o.alicdn.com/yd-cloudauth/cloudauth-cdn/jsvm_all.js`; an emulator has one at `/jsvm_all.js`.
    ///
    /// # Errors
    /// If it is not an `https` URL. Plain `http` is for loopback.
    pub fn script(mut self, url: &str) -> Result<Self, InvalidId> {
        let origin = origin(url).ok_or(InvalidId::new("the script's address", "an https URL"))?;
        self.security_policy = html::security_policy(&origin);
        self.script = url.into();
        Ok(self)
    }
}

impl BrowserUrl {
    pub(super) const fn new(url: Zeroizing<String>) -> Self {
        Self(url)
    }

    /// Returns the address. Keep it out of logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BrowserUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserUrl([redacted])")
    }
}

/// The origin of a URL that is `https`, or on this machine. It is part of a header, which has no room for other characters.
fn origin(url: &str) -> Option<String> {
    https_or_loopback(url)?;
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?.as_str();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    authority.bytes().all(fits).then(|| format!("{}://{authority}", uri.scheme_str().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_page_and_its_script_are_https_or_on_this_machine() {
        let page = |address| StartPage::new(address, SealingKeys::new(&[1; 32]).unwrap());
        let good = page("https://shop.example:8443/start/").unwrap();
        assert_eq!(
            (&*good.address, &*good.origin),
            ("https://shop.example:8443/start", "https://shop.example:8443")
        );
        let allows =
            |page: &StartPage, origin| page.security_policy.contains(&format!("connect-src {origin};"));
        assert!(allows(&good, "https://o.alicdn.com"), "{}", good.security_policy);
        let local =
            page("http://127.0.0.1:80/start").unwrap().script("http://127.0.0.1:81/jsvm_all.js").unwrap();
        assert!(allows(&local, "http://127.0.0.1:81"), "{}", local.security_policy);
        for bad in ["http://shop.example/start", "/start", "", "https://a.example/?b", "https://a.example/#b"]
        {
            assert!(page(bad).is_err(), "{bad}");
        }
        for bad in ["http://shop.example/a.js", "a.js", "https://a;script-src *.example/a.js"] {
            assert!(good.clone().script(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_hides_an_address() {
        let url = BrowserUrl::new(Zeroizing::new("https://shop.example/start/planted".to_owned()));
        assert_eq!(format!("{url:?}"), "BrowserUrl([redacted])");
    }
}
