//! Signature V1: HMAC-SHA1 over the parameters of query and form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::super::error::GatewayError;
use super::super::keys::{AccessKey, AccessKeys};
use super::super::request::ApiRequest;
use super::claims::Claims;
use super::encode::{Encoding, Sink};
use super::parameters::{Diagnosis, Parameters, signed_by};
use super::string::{SignedString, quoted};
use crate::http::{Message, both};

pub(super) fn claim(request: &ApiRequest) -> Result<Claims<'_>, GatewayError> {
    let need = |name: &str| request.filled(name).ok_or_else(|| GatewayError::missing(name));
    let access_key_id = need("AccessKeyId")?;
    need("Signature")?;
    if !need("SignatureMethod")?.eq_ignore_ascii_case("HMAC-SHA1") || need("SignatureVersion")? != "1.0" {
        return Err(GatewayError::bad_request(
            "InvalidSignatureMethod",
            "Specified signature method is not supported.",
        ));
    }
    Ok(Claims {
        access_key_id,
        token: request.param("SecurityToken"),
        time: need("Timestamp")?,
        nonce: need("SignatureNonce")?,
    })
}

pub(super) fn check(request: &ApiRequest, key: &AccessKey) -> Result<(), GatewayError> {
    let string = StringToSign::of(request);
    if string.signature(&format!("{}&", key.secret)) == given(request) {
        return Ok(());
    }
    let server = quoted(|to| string.write(false, to));
    Err(GatewayError::signature_mismatch(format!(
        "Specified signature is not matched with our calculation. server string to sign is:{server}"
    )))
}

/// Returns the server's string to sign, and the mistake that explains the client's signature.
pub(super) fn explain(
    request: &ApiRequest,
    key: &AccessKey,
    keys: &AccessKeys,
) -> (SignedString, Option<Diagnosis>) {
    let string = StringToSign::of(request);
    (string.text(), diagnose(&string, request, key, keys))
}

/// Returns the server's string to sign.
pub(super) fn server_string(request: &ApiRequest) -> SignedString {
    StringToSign::of(request).text()
}

fn given(request: &ApiRequest) -> &str {
    request.param("Signature").unwrap_or_default()
}

/// The way to build a string to sign.
#[derive(Clone)]
struct StringToSign<'a> {
    method: &'a str,
    parameters: Parameters<'a>,
    /// The encoding of the joined parameters.
    encode_whole: Encoding,
}

impl<'a> StringToSign<'a> {
    /// Builds the string in the documented way.
    fn of(request: &'a ApiRequest) -> Self {
        let mut string = Self::unsorted(request);
        string.parameters.pairs.sort_unstable();
        string
    }

    fn unsorted(request: &'a ApiRequest) -> Self {
        let all = request.query.iter().chain(&request.form).filter(|(name, _)| name != "Signature");
        let pairs = all.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self {
            method: request.parts.method.as_str(),
            parameters: Parameters::new(pairs),
            encode_whole: Encoding::Rfc3986,
        }
    }

    /// Writes the string to sign.
    fn write(&self, masked: bool, to: &mut Sink<'_>) {
        to(self.method.as_bytes());
        to(b"&");
        self.encode_whole.write(b"/", to);
        to(b"&");
        self.parameters.write(masked, &mut |piece| self.encode_whole.write(piece, to));
    }

    fn signature(&self, key: &str) -> String {
        #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
        let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key of any length");
        self.write(false, &mut |piece| mac.update(piece));
        STANDARD.encode(mac.finalize().into_bytes())
    }

    fn text(&self) -> SignedString {
        SignedString::of(|masked, to| self.write(masked, to))
    }
}

/// Finds the common mistake that results in the client's signature.
fn diagnose(
    right: &StringToSign<'_>,
    request: &ApiRequest,
    key: &AccessKey,
    keys: &AccessKeys,
) -> Option<Diagnosis> {
    let given = given(request);
    let usual = format!("{}&", key.secret);
    let of_key = |hint: Message| Some(Diagnosis { hint, client: None });
    if right.signature(&usual) == given.replace(' ', "+") {
        let hint = both(
            "the `+` of the signature arrived as a space: encode it as %2B in the form",
            "签名中的 `+` 到达时成了空格：请在表单中编码为 %2B",
        );
        return of_key(hint.into());
    }
    if right.signature(&key.secret) == given {
        let hint = both(
            "the signing key lacks the trailing `&` after the secret",
            "签名密钥缺少 AccessKey Secret 之后的 `&`",
        );
        return of_key(hint.into());
    }
    if let Some((id, _)) =
        keys.iter().find(|(_, other)| right.signature(&format!("{}&", other.secret)) == given)
    {
        return of_key(signed_by(id));
    }
    let (string, hint) = mistakes(right, request).find(|(string, _)| string.signature(&usual) == given)?;
    Some(Diagnosis { hint, client: Some(string.text()) })
}

/// A string with one mistake, and the hint.
type Mistake<'a> = (StringToSign<'a>, Message);

/// The common mistakes, except those in parameters.
const MISTAKES: [for<'a> fn(&StringToSign<'a>, &'a ApiRequest) -> Mistake<'a>; 3] = [
    |right, _| {
        let method = if right.method == "GET" { "POST" } else { "GET" };
        let hint = Message::new(
            format!("the string begins with {method}, but the request is a {}", right.method),
            format!("字符串以 {method} 开头，而请求方法是 {}", right.method),
        );
        (StringToSign { method, ..right.clone() }, hint)
    },
    |right, request| {
        (
            StringToSign { parameters: StringToSign::unsorted(request).parameters, ..right.clone() },
            both("the parameters are not sorted", "参数没有排序").into(),
        )
    },
    |right, _| {
        let hint = both(
            "the joined parameters are not encoded a second time as a whole",
            "参数拼接之后没有整体再编码一次",
        );
        (StringToSign { encode_whole: Encoding::None, ..right.clone() }, hint.into())
    },
];

/// Iterates over the common mistakes. Each is created when it is tried, so that only one is in memory.
fn mistakes<'a>(right: &StringToSign<'a>, request: &'a ApiRequest) -> impl Iterator<Item = Mistake<'a>> {
    let unencoded =
        both("names and values are not encoded before they are joined", "参数名和参数值在拼接之前没有编码");
    let of_parameters = right.parameters.mistakes(both("string", "字符串"), unencoded);
    MISTAKES
        .into_iter()
        .map(move |mistake| mistake(right, request))
        .chain(of_parameters.map(|(parameters, hint)| (StringToSign { parameters, ..right.clone() }, hint)))
}

#[cfg(test)]
mod tests {
    use super::super::parameters::MAX_OMITTED;
    use super::*;

    const PARAMETERS: &str = "Version=2019-03-07&CertName=%E5%BC%A0+%E4%B8%89*~!&Action=InitFaceVerify";

    fn request(signature: &str) -> ApiRequest {
        let pairs = [("Signature", signature)];
        let signature = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        ApiRequest::test_post(&format!("{PARAMETERS}&{signature}"))
    }

    #[test]
    fn recognizes_each_common_mistake_and_masks_personal_data() {
        let (key, keys) =
            (AccessKey::active("s"), AccessKeys::from([("other".to_owned(), AccessKey::active("theirs"))]));
        let unsigned = request("");
        let right = StringToSign::of(&unsigned);
        let guessed = |string: &StringToSign<'_>, with: &str| {
            explain(&request(&string.signature(with)), &key, &keys).1.map(|diagnose| diagnose.hint)
        };
        let mut tried = 0;
        for (string, hint) in mistakes(&right, &unsigned) {
            assert_eq!(guessed(&string, "s&").as_ref(), Some(&hint));
            assert!(hint.zh.chars().any(|char| char >= '\u{4e00}'), "{hint:?}");
            let masked = string.text().masked;
            assert!(!masked.contains("%E5") && !masked.contains('张') && !masked.contains("e5%"), "{masked}");
            tried += 1;
        }
        assert_eq!(tried, 12);
        assert!(guessed(&right, "s").unwrap().en.contains("trailing"));
        assert!(guessed(&right, "theirs&").unwrap().en.contains("secret of other"));
        assert_eq!(guessed(&right, "unknown"), None);
    }

    #[test]
    fn tries_a_bounded_number_of_omitted_parameters() {
        let many: String = (0..1000).map(|at| format!("p{at}=1&")).collect();
        let request = ApiRequest::test_post(&many);
        let right = StringToSign::of(&request);
        assert_eq!(right.parameters.pairs.len(), 1000);
        assert_eq!(mistakes(&right, &request).count(), 9 + MAX_OMITTED);
    }
}
