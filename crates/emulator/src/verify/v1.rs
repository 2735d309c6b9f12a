//! V1: HMAC-SHA1 over query and form as one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{Claim, Incoming, Key, encoded};
use crate::error::GatewayError;

pub(super) fn claim(request: &Incoming) -> Result<Claim<'_>, GatewayError> {
    let need = |name: &str| {
        request.param(name).filter(|value| !value.is_empty()).ok_or_else(|| GatewayError::missing(name))
    };
    let access_key_id = need("AccessKeyId")?;
    need("Signature")?;
    if !need("SignatureMethod")?.eq_ignore_ascii_case("HMAC-SHA1") || need("SignatureVersion")? != "1.0" {
        return Err(GatewayError::bad_request(
            "InvalidSignatureMethod",
            "Specified signature method is not supported.",
        ));
    }
    Ok(Claim {
        access_key_id,
        token: request.param("SecurityToken"),
        time: need("Timestamp")?,
        nonce: need("SignatureNonce")?,
    })
}

pub(super) fn check(request: &Incoming, key: &Key) -> Result<(), GatewayError> {
    let string_to_sign = string_to_sign(request);
    let expected = signature(&string_to_sign, &key.secret);
    if request.param("Signature") == Some(expected.as_str()) {
        return Ok(());
    }
    Err(GatewayError::bad_request(
        "SignatureDoesNotMatch",
        format!(
            "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
        ),
    ))
}

fn string_to_sign(request: &Incoming) -> String {
    let mut pairs: Vec<_> =
        request.query.iter().chain(&request.form).filter(|(name, _)| name != "Signature").collect();
    pairs.sort();
    let canonical: Vec<_> =
        pairs.into_iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    format!("{}&%2F&{}", request.parts.method, encoded(&canonical.join("&")))
}

fn signature(string_to_sign: &str, secret: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).expect("a key of any length");
    mac.update(string_to_sign.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}
