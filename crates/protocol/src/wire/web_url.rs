//! The check of the URLs that a caller gives: the page to return to, the receiver of callbacks, a server.

use std::fmt;
use std::net::Ipv6Addr;

use http::Uri;
use http::uri::Authority;

/// Parses an absolute `http` or `https` URL. Unlike [`Uri`], it rejects a port that is not 1 to 65535, for which some HTTP clients
/// take the scheme's default port, and a host that is neither a name nor an IP address.
///
/// ```
/// use cloudauth_protocol::web_url;
///
/// assert_eq!(web_url("https://shop.example:8443/back?a=1")?.host(), Some("shop.example"));
/// assert_eq!(web_url("http://127.0.0.1:99999").unwrap_err().problem(), "the port must be a number from 1 to 65535");
/// # Ok::<(), cloudauth_protocol::WebUrlError>(())
/// ```
///
/// # Errors
/// If the text is not such a URL. The error does not quote it.
pub fn web_url(text: &str) -> Result<Uri, WebUrlError> {
    let Some((scheme, rest)) = text.split_once("://") else { return Err(NOT_ABSOLUTE) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains(char::is_whitespace) {
        return Err(WebUrlError("the host must not contain white space"));
    }
    if text.contains(char::is_whitespace) {
        return Err(WebUrlError("must not contain white space; write it as %20"));
    }
    if !text.is_ascii() {
        return Err(WebUrlError(
            "must be ASCII: write an international host name in its xn-- form, and the rest percent-encoded",
        ));
    }
    if !["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web)) {
        return Err(NOT_ABSOLUTE);
    }
    if authority.is_empty() {
        return Err(WebUrlError(NO_HOST));
    }
    check_authority(&authority.parse().map_err(|_| WebUrlError(BAD_HOST))?).map_err(WebUrlError)?;
    text.parse().map_err(|_| NOT_ABSOLUTE)
}

/// Checks the host and the port of a URL. Returns the problem.
pub(crate) fn check_authority(authority: &Authority) -> Result<(), &'static str> {
    let host = authority.host();
    let address = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, address)| address);
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let is_ipv6 = |inside: &str| inside.parse::<Ipv6Addr>().is_ok();
    let inside = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if host.is_empty() {
        Err(NO_HOST)
    } else if !inside.map_or_else(|| host.bytes().all(is_name), is_ipv6) {
        Err(BAD_HOST)
    } else if address != host && !authority.port().is_some_and(|port| is_plain(port.as_str())) {
        Err("the port must be a number from 1 to 65535")
    } else {
        Ok(())
    }
}

/// Returns whether a port has only digits and no leading zero. [`Authority`] reads `+443` and `0443` as 443. A client that sends `443`
/// would name another host than the signed one.
fn is_plain(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && !port.starts_with('0')
}

const NO_HOST: &str = "the host is missing";
const BAD_HOST: &str = "the host must be a name or an IP address";
const NOT_ABSOLUTE: WebUrlError = WebUrlError("must be an absolute http or https URL");

/// The error of a text that is not a URL of the web. It never quotes the text, which could contain a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebUrlError(&'static str);

impl WebUrlError {
    /// Returns the problem in English. It quotes no value.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for WebUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid URL: {}", self.0)
    }
}

impl std::error::Error for WebUrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_and_addresses_with_a_port_of_their_own() {
        for good in [
            "HTTPS://shop.example",
            "https://shop.example",
            "http://Shop.Example:65535/a%20b?c=d",
            "http://127.0.0.1:1",
            "http://[::1]:8080/",
            "http://emulator_1:8080",
            "https://user:planted@shop.example:8443/",
        ] {
            assert!(web_url(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn names_the_problem_and_not_the_url() {
        for (bad, problem) in [
            ("", "must be an absolute http or https URL"),
            ("shop.example:443", "must be an absolute http or https URL"),
            ("javascript://planted", "must be an absolute http or https URL"),
            ("https://", "the host is missing"),
            ("https://:443/", "the host is missing"),
            ("https://shop example/", "the host must not contain white space"),
            ("https://shop.example/a b", "must not contain white space; write it as %20"),
            ("https://shop%20example/", "the host must be a name or an IP address"),
            ("https://shop*example/", "the host must be a name or an IP address"),
            ("https://[planted]/", "the host must be a name or an IP address"),
            ("https://shop.example:0/", "the port must be a number from 1 to 65535"),
            ("https://shop.example:99999/", "the port must be a number from 1 to 65535"),
            ("https://shop.example:/", "the port must be a number from 1 to 65535"),
            ("https://user:planted@shop.example:0/", "the port must be a number from 1 to 65535"),
            ("https://shop.example:+443/", "the port must be a number from 1 to 65535"),
            ("https://shop.example:0443/", "the port must be a number from 1 to 65535"),
            ("http://[::1]:65536/", "the port must be a number from 1 to 65535"),
        ] {
            assert_eq!(web_url(bad).map_err(|error| error.problem()), Err(problem), "{bad}");
        }
    }
}
