//! Why a signature was refused: the string that the server signed, and, where a usual mistake explains the client's
//! signature, the string that the client must have signed.

use serde::Serialize;

/// What is kept of a refused request. No `Debug` of the strings: they hold the person.
pub(crate) struct Refusal {
    server: Text,
    guess: Option<Guess>,
}

/// A string to sign, and the same with everybody's data masked.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) plain: String,
    pub(super) masked: String,
}

/// The mistake that explains the client's signature.
pub(super) struct Guess {
    pub(super) hint: String,
    /// `None` if the string is right, and the key is not.
    pub(super) client: Option<Text>,
}

/// The answer to "why?".
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    hint: Option<String>,
    /// Masked.
    server: String,
    /// Masked.
    candidate: Option<String>,
    /// A byte offset: into the masked strings, or into the server's own where the client's was given.
    first_difference: Option<usize>,
    /// The parameter or header in which they differ.
    #[serde(rename = "in")]
    within: Option<String>,
}

impl std::fmt::Debug for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refusal([redacted])")
    }
}

const UNKNOWN: &str = "no usual mistake gives this signature: the secret is another, or the strings differ in more than one \
                       place; compare the server's string with the one that you signed";

impl Refusal {
    pub(super) const fn new(server: Text, guess: Option<Guess>) -> Self {
        Self { server, guess }
    }

    pub(crate) fn hint(&self) -> &str {
        self.guess.as_ref().map_or(UNKNOWN, |guess| &guess.hint)
    }

    pub(crate) fn explain(&self) -> Explanation {
        let client = self.guess.as_ref().and_then(|guess| guess.client.as_ref());
        let difference = client.and_then(|client| first_difference(&self.server.plain, &client.plain));
        Explanation {
            hint: Some(self.hint().to_owned()),
            server: self.server.masked.clone(),
            candidate: client.map(|client| client.masked.clone()),
            first_difference: client.and_then(|client| first_difference(&self.server.masked, &client.masked)),
            within: difference.and_then(|at| part_at(&self.server.plain, at)),
        }
    }

    /// Against the string that the client says it has signed.
    pub(crate) fn compare(&self, given: &str) -> Explanation {
        let difference = first_difference(&self.server.plain, given);
        let within = difference.and_then(|at| part_at(&self.server.plain, at));
        let hint = match (difference, &within) {
            (None, _) => {
                "the strings are the same: the secret is another, or the signature was changed on its way"
                    .to_owned()
            }
            (Some(at), Some(part)) => format!("they differ from byte {at} on, in {part}"),
            (Some(at), None) => format!("they differ from byte {at} on"),
        };
        Explanation {
            hint: Some(hint),
            server: self.server.masked.clone(),
            candidate: None,
            first_difference: difference,
            within,
        }
    }
}

fn first_difference(one: &str, other: &str) -> Option<usize> {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let common = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    (common < one.len().max(other.len())).then_some(common)
}

/// The name of the parameter or header that a byte of a string to sign belongs to.
fn part_at(text: &str, at: usize) -> Option<String> {
    let floor = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let before = text.get(..floor(at.min(text.len())))?;
    let starts = ["%26", "&", "\n"].into_iter().filter_map(|mark| Some(before.rfind(mark)? + mark.len()));
    let part = text.get(starts.max().unwrap_or(0)..)?;
    let name = ["%3D", "=", ":"]
        .into_iter()
        .filter_map(|mark| Some(part.split_once(mark)?.0))
        .min_by_key(|name| name.len())?;
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    (is_name && name.len() <= 64).then(|| name.to_owned())
}

/// What stands in the place of a value that is nobody's business.
pub(super) const MASK: &str = "***";

/// Whether a parameter's or header's value may be shown. What is not known may be anybody's data.
pub(super) fn may_be_shown(name: &str) -> bool {
    const SHOWN: [&str; 31] = [
        "AccessKeyId",
        "Action",
        "CameraSelection",
        "CertType",
        "CertifyId",
        "CertifyUrlStyle",
        "CertifyUrlType",
        "EncryptType",
        "Format",
        "Model",
        "OuterOrderNo",
        "PictureReturnType",
        "ProcedurePriority",
        "ProductCode",
        "RegionId",
        "SceneId",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "Timestamp",
        "Version",
        "accept",
        "content-type",
        "host",
        "x-acs-action",
        "x-acs-content-sha256",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-version",
        "user-agent",
    ];
    SHOWN.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(plain: &str) -> Text {
        Text { plain: plain.into(), masked: plain.replace("zhang", MASK) }
    }

    #[test]
    fn the_first_difference_is_found_and_the_part_it_is_in() {
        let refusal = Refusal::new(text("POST&%2F&CertName%3Dzhang%26SceneId%3D1"), None);
        let told = refusal.compare("POST&%2F&CertName%3Dzhang%26SceneId%3D2");
        assert_eq!((told.first_difference, told.within.as_deref()), (Some(38), Some("SceneId")));
        assert!(!told.server.contains("zhang"));
        let told = refusal.compare("POST&%2F&CertName%3Dli%26SceneId%3D1");
        assert_eq!((told.first_difference, told.within.as_deref()), (Some(20), Some("CertName")));
        assert_eq!(refusal.compare("POST&%2F&CertName%3Dzhang%26SceneId%3D1").first_difference, None);
        assert_eq!(refusal.compare("").within, None);
        assert!(refusal.hint().contains("no usual mistake"));
    }

    #[test]
    fn parts_of_a_canonical_request_are_named_too() {
        let text = "POST\n/\nCertName=%E5&SceneId=1\nhost:a\nx-acs-date:b\n\nhost;x-acs-date\nabc";
        for (mark, name) in [("%E5", "CertName"), ("1\n", "SceneId"), ("a\n", "host"), ("b\n", "x-acs-date")]
        {
            assert_eq!(part_at(text, text.find(mark).unwrap()).as_deref(), Some(name));
        }
        assert_eq!(part_at("张三", 4), None);
    }
}
