//! V1: HMAC-SHA1 over query and form as one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::super::error::GatewayError;
use super::super::keys::{Key, Keys};
use super::super::request::Incoming;
use super::claim::Claim;
use super::encode::{Encoding, Sink};
use super::parameters::{Guess, Parameters};
use super::string::{Text, quoted};

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
    let recipe = Recipe::of(request);
    if recipe.signature(&format!("{}&", key.secret)) == given(request) {
        return Ok(());
    }
    let server = quoted(|to| recipe.write(false, to));
    Err(GatewayError::unmatched_signature(format!(
        "Specified signature is not matched with our calculation. server string to sign is:{server}"
    )))
}

/// The server's string, and the mistake that explains the client's signature.
pub(super) fn explain(request: &Incoming, key: &Key, keys: &Keys) -> (Text, Option<Guess>) {
    let recipe = Recipe::of(request);
    (recipe.text(), guess(&recipe, request, key, keys))
}

/// The server's string.
pub(super) fn server_string(request: &Incoming) -> Text {
    Recipe::of(request).text()
}

fn given(request: &Incoming) -> &str {
    request.param("Signature").unwrap_or_default()
}

/// How a string to sign is made.
#[derive(Clone)]
struct Recipe<'a> {
    method: &'a str,
    parameters: Parameters<'a>,
    /// Of the joined pairs.
    encode_whole: Encoding,
}

impl<'a> Recipe<'a> {
    /// The documented recipe.
    fn of(request: &'a Incoming) -> Self {
        let mut recipe = Self::unsorted(request);
        recipe.parameters.pairs.sort_unstable();
        recipe
    }

    fn unsorted(request: &'a Incoming) -> Self {
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

    fn text(&self) -> Text {
        Text::of(|masked, to| self.write(masked, to))
    }
}

/// The mistake that gives the client's signature, of those that clients make.
fn guess(right: &Recipe<'_>, request: &Incoming, key: &Key, keys: &Keys) -> Option<Guess> {
    let given = given(request);
    let usual = format!("{}&", key.secret);
    let of_key = |hint: String| Some(Guess { hint, client: None });
    if right.signature(&usual) == given.replace(' ', "+") {
        return of_key("the signature's `+` came as a space: encode it as %2B in the form".into());
    }
    if right.signature(&key.secret) == given {
        return of_key("the secret's key lacks its trailing `&`".into());
    }
    if let Some((id, _)) =
        keys.iter().find(|(_, other)| right.signature(&format!("{}&", other.secret)) == given)
    {
        return of_key(format!("it is signed with the secret of {id}"));
    }
    let (recipe, hint) = mistakes(right, request).find(|(recipe, _)| recipe.signature(&usual) == given)?;
    Some(Guess { hint, client: Some(recipe.text()) })
}

/// A recipe with one mistake, and its hint.
type Mistake<'a> = (Recipe<'a>, String);

/// The usual mistakes, apart from encodings and omitted parameters.
const MISTAKES: [for<'a> fn(&Recipe<'a>, &'a Incoming) -> Mistake<'a>; 3] = [
    |right, _| {
        let method = if right.method == "GET" { "POST" } else { "GET" };
        let hint = format!("the string begins with {method}, and the request is a {}", right.method);
        (Recipe { method, ..right.clone() }, hint)
    },
    |right, request| {
        (
            Recipe { parameters: Recipe::unsorted(request).parameters, ..right.clone() },
            "the parameters are not sorted".into(),
        )
    },
    |right, _| {
        let hint = "the joined parameters are not encoded once more as a whole";
        (Recipe { encode_whole: Encoding::Plain, ..right.clone() }, hint.into())
    },
];

/// The usual mistakes. Each recipe is made when it is tried, so that only one is in memory.
fn mistakes<'a>(right: &Recipe<'a>, request: &'a Incoming) -> impl Iterator<Item = Mistake<'a>> {
    let of_parameters =
        right.parameters.mistakes("string", "names and values are not encoded before they are joined");
    MISTAKES
        .into_iter()
        .map(move |mistake| mistake(right, request))
        .chain(of_parameters.map(|(parameters, hint)| (Recipe { parameters, ..right.clone() }, hint)))
}

#[cfg(test)]
mod tests {
    use super::super::parameters::OMITTED;
    use super::*;

    const PARAMETERS: &str = "Version=2019-03-07&CertName=%E5%BC%A0+%E4%B8%89*~!&Action=InitFaceVerify";

    fn request(signature: &str) -> Incoming {
        let pairs = [("Signature", signature)];
        let signature = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Incoming::test_post(&format!("{PARAMETERS}&{signature}"))
    }

    #[test]
    fn recognises_each_usual_mistake_and_masks_the_person() {
        let (key, keys) = (Key::active("s"), Keys::from([("other".to_owned(), Key::active("theirs"))]));
        let unsigned = request("");
        let right = Recipe::of(&unsigned);
        let guessed = |recipe: &Recipe<'_>, with: &str| {
            explain(&request(&recipe.signature(with)), &key, &keys).1.map(|guess| guess.hint)
        };
        let mut tried = 0;
        for (recipe, hint) in mistakes(&right, &unsigned) {
            assert_eq!(guessed(&recipe, "s&").as_ref(), Some(&hint));
            let masked = recipe.text().masked;
            assert!(!masked.contains("%E5") && !masked.contains('张') && !masked.contains("e5%"), "{masked}");
            tried += 1;
        }
        assert_eq!(tried, 12);
        assert!(guessed(&right, "s").unwrap().contains("trailing"));
        assert!(guessed(&right, "theirs&").unwrap().contains("secret of other"));
        assert_eq!(guessed(&right, "unknown"), None);
    }

    #[test]
    fn tries_a_bounded_number_of_omitted_parameters() {
        let many: String = (0..1000).map(|at| format!("p{at}=1&")).collect();
        let request = Incoming::test_post(&many);
        let right = Recipe::of(&request);
        assert_eq!(right.parameters.pairs.len(), 1000);
        assert_eq!(mistakes(&right, &request).count(), 9 + OMITTED);
    }
}
