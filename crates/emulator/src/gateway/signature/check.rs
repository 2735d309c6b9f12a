//! The checks of a signed request: access key, token, time, signature, nonce.

use std::sync::MutexGuard;
use std::time::Duration;

use axum::http::StatusCode;
use cloudauth_protocol::UnixTime;

use super::super::error::GatewayError;
use super::super::keys::{AccessKey, AccessKeys, KeyStatus, looks_like_real_key};
use super::super::nonces::Nonces;
use super::super::request::ApiRequest;
use super::{v1, v3};
use crate::http::both;
use crate::time;

/// The maximum difference between a timestamp and the clock, in either direction.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Checks the access key, time, signature and nonce of a request, and returns the access key id.
pub(crate) fn verify<'a>(
    request: &'a ApiRequest,
    keys: &AccessKeys,
    nonces: impl FnOnce() -> MutexGuard<'a, Nonces>,
    now: UnixTime,
) -> Result<&'a str, GatewayError> {
    let claim = if request.is_v3() { v3::claim(request)? } else { v1::claim(request)? };
    let key = keys.get(claim.access_key_id).ok_or_else(|| unknown_key(claim.access_key_id))?;
    if key.status == KeyStatus::Inactive {
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
    if key.status == KeyStatus::Forbidden {
        return Err(GatewayError::new(
            StatusCode::FORBIDDEN,
            "Forbidden.RAM",
            "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
        ));
    }
    Ok(claim.access_key_id)
}

fn unknown_key(id: &str) -> GatewayError {
    let hint = looks_like_real_key(id).then(|| {
        both(
            "this looks like a key of a real account, which the emulator does not know; send the call to the service, or \
             use the emulator's own key",
            "这看起来是真实账号的 AccessKey，模拟器不认识它：请调用真实服务，或使用模拟器的 AccessKey",
        )
    });
    let message = "Specified access key is not found.";
    GatewayError { hint, ..GatewayError::new(StatusCode::NOT_FOUND, "InvalidAccessKeyId.NotFound", message) }
}

fn check_token(key: &AccessKey, given: Option<&str>) -> Result<(), GatewayError> {
    match (&key.token, given) {
        (None, None) => Ok(()),
        (Some(expected), Some(given)) if expected == given && key.status == KeyStatus::Expired => Err(
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

    use axum::body::Bytes;

    use super::super::explain::{MAX_EXPLAINED, explain};
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_767_323_045);

    const IDS: &str = "AccessKeyId=a&Signature=x&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&SignatureNonce=1\
                       &Timestamp=2026-01-02T03:04:05Z&v=";

    /// Returns a form of about this size with a wrong V1 signature.
    fn form(size: usize, filling: &str) -> String {
        format!("{IDS}{}", filling.repeat((size - IDS.len()) / filling.len()))
    }

    /// Returns a request with a wrong V3 signature, these signed headers and a header `a`.
    fn v3(query: &str, signed: &str, a: &str) -> ApiRequest {
        let authorization = format!("ACS3-HMAC-SHA256 Credential=a,SignedHeaders={signed},Signature=x");
        let request = axum::http::Request::post(format!("/?{query}"))
            .header("authorization", authorization)
            .header("x-acs-date", "2026-01-02T03:04:05Z")
            .header("x-acs-signature-nonce", "1")
            .header("a", a);
        ApiRequest::new(request.body(()).unwrap().into_parts().0, Bytes::new()).unwrap()
    }

    fn keys() -> AccessKeys {
        AccessKeys::from([("a".to_owned(), AccessKey::active("s"))])
    }

    fn refuse(request: &ApiRequest) -> GatewayError {
        let nonces = Mutex::default();
        verify(request, &keys(), || nonces.lock().unwrap(), NOW).unwrap_err()
    }

    /// Returns the memory use of a call with a wrong signature.
    fn refused(request: impl FnOnce() -> ApiRequest) -> AllocationInfo {
        measure(|| assert!(refuse(&request()).is_signature_mismatch))
    }

    /// Returns the memory use of its explanation.
    fn explained(request: &ApiRequest) -> AllocationInfo {
        let keys = keys();
        measure(|| drop(explain(request, &keys)))
    }

    const SIGNED: &str = "x-acs-date;x-acs-signature-nonce;a";

    #[test]
    fn the_memory_of_a_refused_call_is_linear_and_bounded() {
        // One long value whose bytes encode to five each; a thousand values; names that differ only at the end.
        let value = format!("&v={}", "\0".repeat(1100));
        let name = format!("&{}=", "n".repeat(1100));
        for filling in ["\0", value.as_str(), name.as_str()] {
            let [quarter, half, whole] = [18, 19, 20].map(|bits| {
                let form = form(1 << bits, filling);
                refused(|| ApiRequest::test_post(&form))
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
        let half = MAX_EXPLAINED / 2;
        let requests = [
            ApiRequest::test_post(&form(2 * half, "\0")),
            ApiRequest::test_post(&form(1 << 10, "&v")),
            v3(&"a&".repeat(1000), SIGNED, &"a".repeat(2 * half)),
            v3(&"%00".repeat(half / 3), SIGNED, &"a".repeat(half)),
        ];
        for request in requests {
            let memory = explained(&request);
            assert!(memory.bytes_max < 2 << 20, "{memory:?}");
        }
    }

    #[test]
    fn refuses_repeated_signed_headers_and_more_than_a_hundred() {
        let names = |count| (0..count).map(|at| format!(";h{at}")).collect::<String>();
        let refused = |more: &str| refuse(&v3("", &format!("{SIGNED}{more}"), &"a".repeat(120 << 10)));
        assert!(refused(&names(97)).is_signature_mismatch);
        for more in [names(98), ";a".into(), ";A".into(), ";a".repeat(97)] {
            let error = refused(&more);
            assert_eq!((error.status, error.code), (StatusCode::BAD_REQUEST, "IncompleteSignature"));
        }
    }
}
