//! The endpoint of a request.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::uri::{Authority, Scheme};

use super::web_url::check_authority;

/// A Cloudauth endpoint: `https` and a host. Plain `http` is accepted only for a loopback host, where the emulator listens.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    scheme: Scheme,
    authority: Authority,
}

impl Endpoint {
    /// `cloudauth.cn-shanghai.aliyuncs.com`, the main endpoint of the vendor's failover sample.
    #[must_use]
    pub fn cn_shanghai() -> Self {
        Self::vendor("cloudauth.cn-shanghai.aliyuncs.com")
    }

    /// `cloudauth.cn-beijing.aliyuncs.com`, the spare endpoint of the vendor's failover sample.
    #[must_use]
    pub fn cn_beijing() -> Self {
        Self::vendor("cloudauth.cn-beijing.aliyuncs.com")
    }

    /// `cloudauth.aliyuncs.com`, the global endpoint that the product page names.
    #[must_use]
    pub fn global() -> Self {
        Self::vendor("cloudauth.aliyuncs.com")
    }

    fn vendor(host: &'static str) -> Self {
        Self { scheme: Scheme::HTTPS, authority: Authority::from_static(host) }
    }

    /// The scheme: `https`, or `http` for a loopback host.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Host and port, without the scheme's default port: the value of the `Host` header, which V3 signs.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host()
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Reads `https://host[:port]`, or `host[:port]` for https. A loopback host must be written with its scheme,
    /// because the emulator usually listens there without TLS.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Scheme::HTTPS, rest),
            Some(("http", rest)) => (Scheme::HTTP, rest),
            Some(_) => return Err(EndpointError("the scheme must be https")),
            None => (Scheme::HTTPS, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(EndpointError("an endpoint carries no user or password"));
        }
        let default_port = if scheme == Scheme::HTTPS { ":443" } else { ":80" };
        let rest = rest.strip_suffix(default_port).unwrap_or(rest);
        let authority = Authority::from_str(rest)
            .map_err(|_| EndpointError("expected https://host or https://host:port, without a path"))?;
        check_authority(&authority).map_err(EndpointError)?;
        if !text.contains("://") && is_loopback(authority.host()) {
            return Err(EndpointError("a loopback host needs its scheme: http:// for an emulator"));
        }
        if scheme == Scheme::HTTP && !is_loopback(authority.host()) {
            return Err(EndpointError("plain http is for a loopback host alone; use https"));
        }
        Ok(Self { scheme, authority })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// Whether a URL's host names this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The error of a text that is not an endpoint. It never quotes the text, which could contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointError(&'static str);

impl EndpointError {
    /// Returns the problem in English. It quotes no value.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a Cloudauth endpoint: {}", self.0)
    }
}

impl std::error::Error for EndpointError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assumes_https_and_drops_the_default_port() {
        let endpoint: Endpoint = "cloudauth.aliyuncs.com:443".parse().unwrap();
        assert_eq!(endpoint, Endpoint::global());
        assert_eq!(endpoint.to_string(), "https://cloudauth.aliyuncs.com");
    }

    #[test]
    fn accepts_plain_http_only_for_loopback() {
        for good in ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9", "http://127.9.9.9/"] {
            assert!(good.parse::<Endpoint>().is_ok(), "{good}");
        }
        for bad in ["http://cloudauth.aliyuncs.com", "http://10.0.0.1", "http://localhost.evil.example"] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rejects_a_loopback_host_without_a_scheme() {
        let error = "127.0.0.1:1".parse::<Endpoint>().unwrap_err();
        assert!(error.to_string().ends_with("needs its scheme: http:// for an emulator"), "{error}");
        assert!("localhost:8080".parse::<Endpoint>().is_err());
        assert!("https://localhost:8443".parse::<Endpoint>().is_ok());
    }

    #[test]
    fn rejects_a_port_that_is_not_one() {
        for bad in [
            "127.0.0.1:65536",
            "127.0.0.1:",
            "127.0.0.1:abc",
            "localhost:0",
            "localhost:+80",
            "localhost:080",
            "[::1]:99999",
        ] {
            let error = format!("http://{bad}").parse::<Endpoint>().unwrap_err();
            assert!(error.to_string().contains("port"), "{bad}: {error}");
        }
        assert_eq!(
            "https://a.example:65535".parse::<Endpoint>().unwrap().to_string(),
            "https://a.example:65535"
        );
    }

    #[test]
    fn rejects_a_text_that_is_not_a_host() {
        for bad in ["", "https://", "ftp://x", "https://a/b", "https://a?b", "https://u:p@host", "a b"] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }
}
