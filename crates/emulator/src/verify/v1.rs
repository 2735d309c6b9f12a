//! V1: HMAC-SHA1 over query and form as one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::encode::{encoded, wrong_encodings};
use super::refusal::{Guess, MASK, Refusal, Text, may_be_shown};
use super::{Claim, Incoming, Key, Keys};
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

pub(super) fn check(request: &Incoming, key: &Key, keys: &Keys) -> Result<(), GatewayError> {
    let recipe = Recipe::of(request);
    let string_to_sign = recipe.string_to_sign(false);
    let given = request.param("Signature").unwrap_or_default();
    if given == signature(&string_to_sign, &format!("{}&", key.secret)) {
        return Ok(());
    }
    let error = GatewayError::bad_request(
        "SignatureDoesNotMatch",
        format!(
            "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
        ),
    );
    let refusal = Refusal::new(recipe.text(), guess(&recipe, key, keys, given));
    Err(GatewayError { refusal: Some(Box::new(refusal)), ..error })
}

/// How a string to sign is made.
#[derive(Clone)]
struct Recipe<'a> {
    method: &'a str,
    pairs: Vec<(&'a str, &'a str)>,
    is_sorted: bool,
    /// Of names and values.
    encode: fn(&str) -> String,
    /// Of the whole.
    encode_whole: fn(&str) -> String,
}

impl<'a> Recipe<'a> {
    /// As it is documented.
    fn of(request: &'a Incoming) -> Self {
        let all = request.query.iter().chain(&request.form).filter(|(name, _)| name != "Signature");
        Self {
            method: request.parts.method.as_str(),
            pairs: all.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            is_sorted: true,
            encode: encoded,
            encode_whole: encoded,
        }
    }

    fn string_to_sign(&self, masked: bool) -> String {
        let mut pairs = self.pairs.clone();
        if self.is_sorted {
            pairs.sort_unstable();
        }
        let shown =
            |name, value| if masked && !may_be_shown(name) { MASK.to_owned() } else { (self.encode)(value) };
        let canonical: Vec<_> = pairs
            .into_iter()
            .map(|(name, value)| format!("{}={}", (self.encode)(name), shown(name, value)))
            .collect();
        format!("{}&{}&{}", self.method, (self.encode_whole)("/"), (self.encode_whole)(&canonical.join("&")))
    }

    fn text(&self) -> Text {
        Text { plain: self.string_to_sign(false), masked: self.string_to_sign(true) }
    }
}

/// The mistake that gives the client's signature, of those that clients make.
fn guess(right: &Recipe<'_>, key: &Key, keys: &Keys, given: &str) -> Option<Guess> {
    let usual = format!("{}&", key.secret);
    let signs = |recipe: &Recipe<'_>, key: &str| signature(&recipe.string_to_sign(false), key) == given;
    let of_key = |hint: String| Some(Guess { hint, client: None });
    if signature(&right.string_to_sign(false), &usual) == given.replace(' ', "+") {
        return of_key("the signature's `+` came as a space: encode it as %2B in the form".into());
    }
    if signs(right, &key.secret) {
        return of_key("the secret's key lacks its trailing `&`".into());
    }
    if let Some((id, _)) = keys.iter().find(|(_, other)| signs(right, &format!("{}&", other.secret))) {
        return of_key(format!("it is signed with the secret of {id}"));
    }
    let mistakes = mistakes(right);
    let (recipe, hint) = mistakes.into_iter().find(|(recipe, _)| signs(recipe, &usual))?;
    Some(Guess { hint, client: Some(recipe.text()) })
}

fn mistakes<'a>(right: &Recipe<'a>) -> Vec<(Recipe<'a>, String)> {
    let encode = |encode: fn(&str) -> String| Recipe { encode, ..right.clone() };
    let other_method = if right.method == "GET" { "POST" } else { "GET" };
    let mut mistakes = vec![
        (
            Recipe { method: other_method, ..right.clone() },
            format!("the string begins with {other_method}, and the request is a {}", right.method),
        ),
        (Recipe { is_sorted: false, ..right.clone() }, "the parameters are not sorted".into()),
    ];
    mistakes.extend(wrong_encodings("string").map(|(wrong, hint)| (encode(wrong), hint)));
    mistakes.extend([
        (encode(str::to_owned), "names and values are not encoded before they are joined".into()),
        (
            Recipe { encode_whole: str::to_owned, ..right.clone() },
            "the joined parameters are not encoded once more as a whole".into(),
        ),
    ]);
    for at in 0..right.pairs.len() {
        let mut fewer = right.clone();
        let (name, _) = fewer.pairs.remove(at);
        mistakes.push((fewer, format!("parameter `{name}` is not in the string")));
    }
    mistakes
}

fn signature(string_to_sign: &str, key: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key of any length");
    mac.update(string_to_sign.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_usual_mistake_is_recognised_and_nobodys_data_is_shown() {
        let pairs = [("Version", "2019-03-07"), ("CertName", "张 三*~!"), ("Action", "InitFaceVerify")];
        let right = Recipe {
            method: "POST",
            pairs: pairs.to_vec(),
            is_sorted: true,
            encode: encoded,
            encode_whole: encoded,
        };
        let (key, keys) = (Key::active("s"), Keys::from([("other".to_owned(), Key::active("theirs"))]));
        let guessed = |recipe: &Recipe<'_>, with: &str| {
            guess(&right, &key, &keys, &signature(&recipe.string_to_sign(false), with))
                .map(|guess| guess.hint)
        };
        for (recipe, hint) in mistakes(&right) {
            assert_eq!(guessed(&recipe, "s&").as_ref(), Some(&hint));
            let masked = recipe.text().masked;
            assert!(!masked.contains("%E5") && !masked.contains('张') && !masked.contains("e5%"), "{masked}");
        }
        assert!(guessed(&right, "s").unwrap().contains("trailing"));
        assert!(guessed(&right, "theirs&").unwrap().contains("secret of other"));
        assert_eq!(guessed(&right, "unknown"), None);
    }
}
