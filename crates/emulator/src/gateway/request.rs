//! A request to the gateway and its parameters.

use axum::body::Bytes;
use axum::http::request::Parts;

use super::error::GatewayError;

/// The maximum number of parameters of a request, in query and form together. The web flow has about thirty.
pub(crate) const MAX_PARAMETERS: usize = 1000;

/// A request to the gateway: everything that a signature covers.
pub(crate) struct ApiRequest {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
}

/// Redacted: a request contains personal data.
impl std::fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiRequest([redacted])")
    }
}

impl ApiRequest {
    /// Parses the parameters of a request.
    ///
    /// # Errors
    /// If there are more than [`MAX_PARAMETERS`].
    pub(crate) fn new(parts: Parts, body: Bytes) -> Result<Self, GatewayError> {
        let pairs = |bytes: &[u8]| -> Vec<_> {
            form_urlencoded::parse(bytes)
                .take(MAX_PARAMETERS + 1)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect()
        };
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let is_form =
            parts.headers.get("content-type").and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
            });
        let form = if is_form { pairs(&body) } else { Vec::new() };
        if query.len() + form.len() > MAX_PARAMETERS {
            return Err(GatewayError::bad_request(
                "InvalidParameter",
                format!("The request has more than {MAX_PARAMETERS} parameters."),
            ));
        }
        Ok(Self { parts, body, query, form })
    }

    /// Returns the approximate size of the request in bytes: query, headers and body.
    pub(crate) fn size(&self) -> usize {
        let headers = self.parts.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
        self.parts.uri.query().map_or(0, str::len) + headers + self.body.len()
    }

    /// Returns a parameter of the query or the form.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().chain(&self.form).find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that is not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.param(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn action(&self) -> Option<&str> {
        self.header("x-acs-action").filter(|_| self.is_v3()).or_else(|| self.param("Action"))
    }

    pub(crate) fn version(&self) -> Option<&str> {
        self.header("x-acs-version").filter(|_| self.is_v3()).or_else(|| self.param("Version"))
    }

    pub(crate) fn is_v3(&self) -> bool {
        self.header("authorization").is_some_and(|value| value.starts_with("ACS3-"))
    }

    /// Creates a request with a posted form.
    #[cfg(test)]
    pub(crate) fn test_post(form: &str) -> Self {
        let request =
            axum::http::Request::post("/").header("content-type", "application/x-www-form-urlencoded");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Self::new(parts, Bytes::copy_from_slice(form.as_bytes())).unwrap()
    }

    /// Returns whether the answer is XML: the default under V1, unless the request asks for JSON.
    pub(crate) fn wants_xml(&self) -> bool {
        !self.is_v3() && !self.param("Format").is_some_and(|format| format.eq_ignore_ascii_case("json"))
    }
}
