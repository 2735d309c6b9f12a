//! The proxy of a transport.

use std::fmt;

use cloudauth_protocol::web_url;
use http::uri::{Authority, Uri};
use percent_encoding::percent_decode_str;

/// An HTTP proxy for `https` requests. It uses `CONNECT`, so it sees the host and port of the endpoint, never
/// the request.
///
/// Plain `http` never uses the proxy. Clients use plain `http` only for an emulator on this machine and for
/// the metadata service of an instance, which returns credentials.
///
/// ```
/// use cloudauth_transport::Proxy;
///
/// let proxy: Proxy = "http://user:secret@proxy.example:3128".parse()?;
/// assert_eq!(proxy.to_string(), "http://proxy.example:3128");
/// # Ok::<(), cloudauth_transport::ProxyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    uri: Uri,
    credentials: Option<(Box<str>, Box<str>)>,
}

impl Proxy {
    /// The environment variable that enables [`from_environment`](Self::from_environment), with the value `1`.
    pub const SWITCH: &'static str = "CLOUDAUTH_USE_ENV_PROXY";

    /// Returns the proxy in `HTTPS_PROXY` (or `https_proxy`), but only if
    /// [`CLOUDAUTH_USE_ENV_PROXY`](Self::SWITCH) is `1`. Otherwise no proxy from the environment is used.
    ///
    /// # Errors
    /// If the switch is on and the variable is set but is not the URL of a proxy.
    pub fn from_environment() -> Result<Option<Self>, ProxyError> {
        // A value that is not UTF-8 must be rejected, not ignored.
        Self::from_variables(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ProxyError> {
        let filled = |name| variable(name).filter(|value| !value.is_empty());
        match filled(Self::SWITCH).as_deref() {
            None | Some("0") => return Ok(None),
            Some("1") => {}
            Some(_) => return Err(ProxyError("CLOUDAUTH_USE_ENV_PROXY must be 0 or 1")),
        }
        filled("HTTPS_PROXY").or_else(|| filled("https_proxy")).map(|url| url.parse()).transpose()
    }

    /// Returns the URL of the proxy, `http://host:port`, without user and password.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the host.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(80)
    }

    /// Returns the user and password of the proxy. Keep them out of logs.
    #[must_use]
    pub fn expose_credentials(&self) -> Option<(&str, &str)> {
        self.credentials.as_ref().map(|(user, password)| (&**user, &**password))
    }
}

impl std::str::FromStr for Proxy {
    type Err = ProxyError;

    /// Parses `http://[user:password@]host[:port]`. The scheme is optional, and the default port is 80. User
    /// and password are percent-encoded.
    fn from_str(url: &str) -> Result<Self, ProxyError> {
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some(_) => return Err(ProxyError("only http:// proxies are supported")),
            None => url,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, address) =
            rest.rsplit_once('@').map_or((None, rest), |(login, rest)| (Some(login), rest));
        let address: Authority = address.parse().map_err(|_| EXPECTED)?;
        web_url(&format!("http://{address}")).map_err(|error| ProxyError(error.problem()))?;
        let address = match address.port() {
            Some(_) => address,
            None => format!("{address}:80").parse().map_err(|_| EXPECTED)?,
        };
        let uri = Uri::builder().scheme("http").authority(address).path_and_query("/").build();
        let credentials = login.map(|login| {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            Ok((decoded(user)?, decoded(password)?))
        });
        Ok(Self { uri: uri.map_err(|_| EXPECTED)?, credentials: credentials.transpose()? })
    }
}

const EXPECTED: ProxyError = ProxyError("expected http://[user:password@]host:port, without a path");

fn decoded(text: &str) -> Result<Box<str>, ProxyError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| ProxyError("user and password must be UTF-8"))?;
    if decoded.chars().any(char::is_control) {
        return Err(ProxyError("user and password must not hold control characters"));
    }
    Ok(decoded.into())
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host(), self.port())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = if self.credentials.is_some() { ", user and password redacted" } else { "" };
        write!(f, "Proxy({self}{login})")
    }
}

/// The error for a text that is not a proxy URL. It never quotes the text, which can contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyError(&'static str);

impl ProxyError {
    /// Returns the problem in English. It quotes no value.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid proxy: {}", self.0)
    }
}

impl std::error::Error for ProxyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_address_user_and_password() {
        let proxy: Proxy = "http://us%40er:p%3Ass@proxy.example:3128/".parse().unwrap();
        assert_eq!((proxy.host(), proxy.port()), ("proxy.example", 3128));
        assert_eq!(proxy.expose_credentials(), Some(("us@er", "p:ss")));
        let plain: Proxy = "[::1]:8080".parse().unwrap();
        assert_eq!((plain.host(), plain.port(), plain.expose_credentials()), ("[::1]", 8080, None));
        assert_eq!("proxy.example".parse::<Proxy>().unwrap().port(), 80);
    }

    #[test]
    fn shows_neither_user_nor_password() {
        let proxy: Proxy = "http://planted-user:planted-secret@proxy.example:3128".parse().unwrap();
        assert_eq!(format!("{proxy}"), "http://proxy.example:3128");
        assert!(!format!("{proxy:?} {proxy:#?}").contains("planted"));
        for bad in [
            "ftp://planted:planted@x",
            "http://planted:planted@x:99999",
            "http://planted@",
            "http://x/planted",
        ] {
            let error = bad.parse::<Proxy>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("planted"), "{error}");
        }
    }

    #[test]
    fn rejects_what_is_not_a_proxy() {
        for bad in [
            "",
            "http://",
            "socks5://x:1",
            "https://x:1",
            "x:0",
            "x:65536",
            "x:",
            "x:+1",
            "x:01",
            "x%20y:1",
            "x/y",
            "u:%ff@x",
            "u:%0a@x",
            "a b",
        ] {
            assert!(bad.parse::<Proxy>().is_err(), "{bad}");
        }
    }

    #[test]
    fn uses_the_environment_only_when_switched_on() {
        let read = |switch: &str, url: &str| {
            Proxy::from_variables(|name| match name {
                Proxy::SWITCH => Some(switch.to_owned()),
                "https_proxy" => Some(url.to_owned()),
                _ => None,
            })
        };
        assert_eq!(read("", "x:1"), Ok(None));
        assert_eq!(read("0", "x:1"), Ok(None));
        assert_eq!(read("1", ""), Ok(None));
        assert_eq!(read("1", "x:1"), Ok(Some("x:1".parse().unwrap())));
        assert!(read("yes", "x:1").is_err(), "a switch that is not understood is not ignored");
        assert!(read("1", "socks5://x:1").is_err(), "a proxy that is set and unusable is not skipped");
        assert_eq!(Proxy::from_variables(|_| None), Ok(None));
    }
}
