//! Checks signatures. Written from the vendor's documents, with encoder and canonicalizer of its own.

mod encode;
mod refusal;
mod v1;
mod v3;

use std::collections::HashMap;
use std::sync::MutexGuard;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::request::Parts;
use cloudauth_protocol::UnixTime;

use crate::error::GatewayError;
use crate::nonces::Nonces;
use crate::time;

pub(crate) use encode::hex;
pub(crate) use refusal::{Explanation, compare, explain};

/// How far a timestamp may be off, either way.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// The access keys, by their ids.
pub(crate) type Keys = HashMap<String, Key>;

/// What an access key signs with.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) secret: String,
    /// The security token, of a temporary key.
    pub(crate) token: Option<String>,
    pub(crate) standing: Standing,
}

/// What becomes of calls that are signed well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Active,
    Inactive,
    /// Of a RAM user without the permission.
    Forbidden,
    /// Its security token has expired.
    Expired,
}

impl Key {
    pub(crate) fn active(secret: &str) -> Self {
        Self { secret: secret.to_owned(), token: None, standing: Standing::Active }
    }

    pub(crate) fn temporary(secret: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::active(secret) }
    }

    pub(crate) fn standing(self, standing: Standing) -> Self {
        Self { standing, ..self }
    }
}

/// Whether an id looks like one of a real account: those begin so.
pub(crate) fn looks_real(access_key_id: &str) -> bool {
    access_key_id.starts_with("LTAI")
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// The most parameters of a request, in query and form together. The web flow has about thirty.
pub(crate) const PARAMETERS: usize = 1000;

/// A request with everything that a signature covers.
pub(crate) struct Incoming {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
}

/// It holds the person.
impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Incoming([redacted])")
    }
}

impl Incoming {
    /// Reads a request's parameters.
    ///
    /// # Errors
    /// If there are more than [`PARAMETERS`].
    pub(crate) fn new(parts: Parts, body: Bytes) -> Result<Self, GatewayError> {
        let pairs = |bytes: &[u8]| -> Vec<_> {
            form_urlencoded::parse(bytes)
                .take(PARAMETERS + 1)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect()
        };
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let is_form =
            parts.headers.get("content-type").and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
            });
        let form = if is_form { pairs(&body) } else { Vec::new() };
        if query.len() + form.len() > PARAMETERS {
            return Err(GatewayError::bad_request(
                "InvalidParameter",
                format!("The request has more than {PARAMETERS} parameters."),
            ));
        }
        Ok(Self { parts, body, query, form })
    }

    /// The approximate size of the request in bytes: query, headers and body.
    pub(crate) fn size(&self) -> usize {
        let headers = self.parts.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
        self.parts.uri.query().map_or(0, str::len) + headers + self.body.len()
    }

    /// The access key id that the request claims.
    fn access_key_id(&self) -> Option<&str> {
        if self.is_v3() { v3::claim(self) } else { v1::claim(self) }.ok().map(|claim| claim.access_key_id)
    }

    /// A parameter, wherever it stands.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().chain(&self.form).find(|(found, _)| found == name).map(|(_, value)| value.as_str())
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

    /// A form that was posted.
    #[cfg(test)]
    fn test_post(form: &str) -> Self {
        let request =
            axum::http::Request::post("/").header("content-type", "application/x-www-form-urlencoded");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Self::new(parts, Bytes::copy_from_slice(form.as_bytes())).unwrap()
    }

    /// XML is what the gateway answers when V1 does not ask for JSON.
    pub(crate) fn wants_xml(&self) -> bool {
        !self.is_v3() && !self.param("Format").is_some_and(|format| format.eq_ignore_ascii_case("json"))
    }
}

/// What a request claims, by either signature.
struct Claim<'a> {
    access_key_id: &'a str,
    token: Option<&'a str>,
    time: &'a str,
    nonce: &'a str,
}

/// Checks the signature of a request, its time and its nonce; gives the access key's id.
pub(crate) fn verify<'a>(
    request: &'a Incoming,
    keys: &Keys,
    nonces: impl FnOnce() -> MutexGuard<'a, Nonces>,
    now: UnixTime,
) -> Result<&'a str, GatewayError> {
    let claim = if request.is_v3() { v3::claim(request)? } else { v1::claim(request)? };
    let key = keys.get(claim.access_key_id).ok_or_else(|| unknown_key(claim.access_key_id))?;
    if key.standing == Standing::Inactive {
        return Err(GatewayError::bad_request(
            "InvalidAccessKeyId.Inactive",
            "Specified access key is disabled.",
        ));
    }
    check_token(key, claim.token)?;
    check_time(claim.time, now)?;
    if request.is_v3() { v3::check(request, key) } else { v1::check(request, key) }?;
    if !nonces().is_fresh(claim.access_key_id, claim.nonce, now) {
        return Err(GatewayError::bad_request(
            "SignatureNonceUsed",
            "Specified signature nonce was used already.",
        ));
    }
    if key.standing == Standing::Forbidden {
        return Err(GatewayError::new(
            StatusCode::FORBIDDEN,
            "Forbidden.RAM",
            "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
        ));
    }
    Ok(claim.access_key_id)
}

fn unknown_key(id: &str) -> GatewayError {
    let hint = looks_real(id).then(|| {
        "this looks like a key of a real account, which the emulator takes no signatures of; point it at the service, or take \
         the emulator's own key"
            .to_owned()
    });
    let words = "Specified access key is not found.";
    GatewayError { hint, ..GatewayError::new(StatusCode::NOT_FOUND, "InvalidAccessKeyId.NotFound", words) }
}

fn check_token(key: &Key, given: Option<&str>) -> Result<(), GatewayError> {
    match (&key.token, given) {
        (None, None) => Ok(()),
        (Some(expected), Some(given)) if expected == given && key.standing == Standing::Expired => Err(
            GatewayError::bad_request("InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
        ),
        (Some(expected), Some(given)) if expected == given => Ok(()),
        (Some(_), None) => Err(GatewayError::bad_request(
            "MissingSecurityToken",
            "SecurityToken is mandatory for this action.",
        )),
        _ => Err(GatewayError::bad_request(
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatch with the AccessKey.",
        )),
    }
}

fn check_time(text: &str, now: UnixTime) -> Result<(), GatewayError> {
    let Some(time) = time::parse(text) else {
        return Err(GatewayError::bad_request(
            "InvalidTimeStamp.Format",
            "Specified time stamp or date value is not well formatted.",
        ));
    };
    if now.since(time).max(time.since(now)) > WINDOW {
        return Err(GatewayError::bad_request(
            "InvalidTimeStamp.Expired",
            "Specified time stamp or date value is expired.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use allocation_counter::{AllocationInfo, measure};

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_767_323_045);

    const IDS: &str = "AccessKeyId=a&Signature=x&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&SignatureNonce=1\
                       &Timestamp=2026-01-02T03:04:05Z&v=";

    /// A form of about this size whose V1 signature is wrong.
    fn form(size: usize, filling: &str) -> String {
        format!("{IDS}{}", filling.repeat((size - IDS.len()) / filling.len()))
    }

    /// A request whose V3 signature is wrong, with these signed headers and a header `a`.
    fn v3(query: &str, signed: &str, a: &str) -> Incoming {
        let authorization = format!("ACS3-HMAC-SHA256 Credential=a,SignedHeaders={signed},Signature=x");
        let request = axum::http::Request::post(format!("/?{query}"))
            .header("authorization", authorization)
            .header("x-acs-date", "2026-01-02T03:04:05Z")
            .header("x-acs-signature-nonce", "1")
            .header("a", a);
        Incoming::new(request.body(()).unwrap().into_parts().0, Bytes::new()).unwrap()
    }

    fn keys() -> Keys {
        Keys::from([("a".to_owned(), Key::active("s"))])
    }

    fn refuse(request: &Incoming) -> GatewayError {
        let nonces = Mutex::default();
        verify(request, &keys(), || nonces.lock().unwrap(), NOW).unwrap_err()
    }

    /// The memory of a call whose signature is wrong.
    fn refused(request: impl FnOnce() -> Incoming) -> AllocationInfo {
        measure(|| assert!(refuse(&request()).is_unmatched_signature))
    }

    /// The memory of its explanation.
    fn explained(request: &Incoming) -> AllocationInfo {
        let keys = keys();
        measure(|| drop(explain(request, &keys)))
    }

    const SIGNED: &str = "x-acs-date;x-acs-signature-nonce;a";

    #[test]
    fn the_memory_of_a_refused_call_is_linear_and_bounded() {
        // One long value of bytes that are encoded as five; a thousand values; names that are compared to their ends.
        let value = format!("&v={}", "\0".repeat(1100));
        let name = format!("&{}=", "n".repeat(1100));
        for filling in ["\0", value.as_str(), name.as_str()] {
            let [quarter, half, whole] = [18, 19, 20].map(|bits| {
                let form = form(1 << bits, filling);
                refused(|| Incoming::test_post(&form))
            });
            assert!(whole.bytes_max < 16 << 20, "{whole:?}");
            assert!(half.bytes_total <= quarter.bytes_total * 5 / 2, "{quarter:?} {half:?}");
            assert!(whole.bytes_total <= half.bytes_total * 5 / 2, "{half:?} {whole:?}");
        }
    }

    #[test]
    fn the_memory_of_a_refused_v3_call_is_bounded() {
        let queries = [String::new(), "%00".repeat(20_000), "a&".repeat(1000)];
        for query in queries {
            let memory = refused(|| v3(&query, SIGNED, &"a".repeat(120 << 10)));
            assert!(memory.bytes_max < 16 << 20, "{memory:?}");
        }
    }

    #[test]
    fn the_memory_of_an_explanation_is_bounded() {
        let half = crate::gateway::EXPLAINABLE / 2;
        let requests = [
            Incoming::test_post(&form(2 * half, "\0")),
            Incoming::test_post(&form(1 << 10, "&v")),
            v3(&"a&".repeat(1000), SIGNED, &"a".repeat(2 * half)),
            v3(&"%00".repeat(half / 3), SIGNED, &"a".repeat(half)),
        ];
        for request in requests {
            let memory = explained(&request);
            assert!(memory.bytes_max < 2 << 20, "{memory:?}");
        }
    }

    #[test]
    fn refuses_signed_headers_that_repeat_a_name_or_are_more_than_a_hundred() {
        let names = |count| (0..count).map(|at| format!(";h{at}")).collect::<String>();
        let refused = |more: &str| refuse(&v3("", &format!("{SIGNED}{more}"), &"a".repeat(120 << 10)));
        assert!(refused(&names(97)).is_unmatched_signature);
        for more in [names(98), ";a".into(), ";A".into(), ";a".repeat(97)] {
            let error = refused(&more);
            assert_eq!((error.status, error.code), (StatusCode::BAD_REQUEST, "IncompleteSignature"));
        }
    }
}
