//! The picture of a finished session: a drawing behind an OSS V1 signed URL, which expires after 15 minutes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::state::AppState;

/// The bucket of all pictures.
pub(crate) const BUCKET: &str = "cn-shanghai-aliyun-cloudauth-emulator";

/// The lifetime of a URL, from `DescribeFaceVerify` on.
const LIFETIME_SECS: u64 = 15 * 60;
/// The temporary key in the URL, as in the vendor's URLs. It gives access to nothing else.
const KEY_ID: &str = "STS.EMUpicture";
const TOKEN: &str = "EMUpicturetoken";

/// An invented face, drawn for this project.
const FACE: &[u8] = include_bytes!("../../web/face.jpeg");

/// Returns the object name of the picture of a session.
pub(crate) fn object_of(certify_id: &str) -> String {
    format!("verify/emulator/{certify_id}_0.jpeg")
}

/// Returns a URL that is valid for 15 minutes from now.
pub(crate) fn signed_url(state: &AppState, object: &str) -> String {
    let expires = (state.clock.now().as_secs() + LIFETIME_SECS).to_string();
    let signature = signature(state, BUCKET, object, &expires);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("Expires", &expires)
        .append_pair("OSSAccessKeyId", KEY_ID)
        .append_pair("Signature", &signature)
        .append_pair("security-token", TOKEN)
        .finish();
    format!("{}/oss/{BUCKET}/{object}?{query}", state.settings.url)
}

/// Handles `/oss/{bucket}/{object}`.
pub(crate) async fn get(
    State(state): State<Arc<AppState>>,
    Path((bucket, object)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let query = query.unwrap_or_default();
    let param = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let expires = param("Expires");
    if param("Signature") != signature(&state, &bucket, &object, &expires) {
        return refusal(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        );
    }
    if expires.parse::<u64>().is_ok_and(|expires| expires < state.clock.now().as_secs()) {
        return refusal("AccessDenied", "Request has expired.");
    }
    answer(StatusCode::OK, "image/jpeg", FACE.to_vec())
}

/// Signs `GET`, the expiry and the object. The token is the only sub-resource.
fn signature(state: &AppState, bucket: &str, object: &str, expires: &str) -> String {
    let string_to_sign = format!("GET\n\n\n{expires}\n/{bucket}/{object}?security-token={TOKEN}");
    let secret = format!("EMUpicturesecret{}", state.seed());
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(string_to_sign.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Returns an error in the format of OSS.
fn refusal(code: &str, message: &str) -> Response<Body> {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    answer(StatusCode::FORBIDDEN, "application/xml", xml.into_bytes())
}

fn answer(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
