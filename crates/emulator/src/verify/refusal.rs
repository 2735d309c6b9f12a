//! Why a signature was refused: the string that the server signed, and, where a usual mistake explains the client's
//! signature, the string that the client must have signed. Computed on request, never while a call waits.

use serde::Serialize;

use super::encode::Sink;
use super::{Incoming, Keys, v1, v3};

/// The most parameters of which it is tried whether the client left them out.
pub(super) const OMITTED: usize = 64;

/// The most bytes of a string to sign that an error message repeats.
const QUOTED: usize = 64 << 10;

/// A string to sign, and the same with personal data masked.
#[derive(Default)]
pub(super) struct Text {
    pub(super) plain: String,
    pub(super) masked: String,
}

impl Text {
    /// Collects what `write` writes, masked or not.
    pub(super) fn of(write: impl Fn(bool, &mut Sink<'_>)) -> Self {
        let collected = |masked| {
            let mut text = Vec::new();
            write(masked, &mut |piece| text.extend_from_slice(piece));
            String::from_utf8_lossy(&text).into_owned()
        };
        Self { plain: collected(false), masked: collected(true) }
    }
}

/// A string to sign as an error message repeats it: its beginning, if it is very long.
pub(super) fn quoted(write: impl FnOnce(&mut Sink<'_>)) -> String {
    let (mut text, mut is_cut) = (Vec::new(), false);
    write(&mut |piece| {
        let piece = piece.get(..QUOTED.saturating_sub(text.len()).min(piece.len())).unwrap_or_default();
        text.extend_from_slice(piece);
        is_cut |= text.len() == QUOTED;
    });
    let dots = if is_cut { "..." } else { "" };
    format!("{}{dots}", String::from_utf8_lossy(&text))
}

/// The mistake that explains the client's signature.
pub(super) struct Guess {
    pub(super) hint: String,
    /// `None` if the string is right, and the key is not.
    pub(super) client: Option<Text>,
}

/// The hint for a parameter that the client left out.
pub(super) fn missing(name: &str) -> String {
    if is_name(name) {
        format!("parameter `{name}` is not in the string")
    } else {
        "a parameter is not in the string".to_owned()
    }
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

const UNKNOWN: &str = "no usual mistake gives this signature: the secret is another, or the strings differ in more than one \
                       place; compare the server's string with the one that you signed";

/// Explains a refused request: what the server signed, and which mistake gives the client's signature.
pub(crate) fn explain(request: &Incoming, keys: &Keys) -> Explanation {
    let key = request.access_key_id().and_then(|id| keys.get(id));
    let (server, guess) = match key {
        Some(key) if request.is_v3() => v3::explain(request, key, keys),
        Some(key) => v1::explain(request, key, keys),
        None => (server_string(request), None),
    };
    let client = guess.as_ref().and_then(|guess| guess.client.as_ref());
    let difference = client.and_then(|client| first_difference(&server.plain, &client.plain));
    Explanation {
        hint: Some(guess.as_ref().map_or(UNKNOWN, |guess| &guess.hint).to_owned()),
        candidate: client.map(|client| client.masked.clone()),
        first_difference: client.and_then(|client| first_difference(&server.masked, &client.masked)),
        within: difference.and_then(|at| part_at(&server.plain, at)),
        server: server.masked,
    }
}

/// Compares the server's string with the one that the client says it has signed.
pub(crate) fn compare(request: &Incoming, given: &str) -> Explanation {
    let server = server_string(request);
    let difference = first_difference(&server.plain, given);
    let within = difference.and_then(|at| part_at(&server.plain, at));
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
        server: server.masked,
        candidate: None,
        first_difference: difference,
        within,
    }
}

fn server_string(request: &Incoming) -> Text {
    if request.is_v3() { v3::server_string(request) } else { v1::server_string(request) }
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
    is_name(name).then(|| name.to_owned())
}

/// Whether a text looks like the name of a parameter or header.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Replaces a value that may be personal data.
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

    #[test]
    fn finds_the_first_difference_and_the_part_it_is_in() {
        let request = Incoming::test_post("CertName=zhang&SceneId=1");
        let server = "POST&%2F&CertName%3Dzhang%26SceneId%3D1";
        let told = compare(&request, &server.replace("%3D1", "%3D2"));
        assert_eq!((told.first_difference, told.within.as_deref()), (Some(38), Some("SceneId")));
        assert!(!told.server.contains("zhang"));
        let told = compare(&request, &server.replace("zhang", "li"));
        assert_eq!((told.first_difference, told.within.as_deref()), (Some(20), Some("CertName")));
        assert_eq!(compare(&request, server).first_difference, None);
        assert_eq!(compare(&request, "").within, None);
        assert!(explain(&request, &Keys::new()).hint.unwrap().contains("no usual mistake"));
    }

    #[test]
    fn a_quoted_string_is_cut_at_its_bound() {
        let text = "a".repeat(QUOTED + 1);
        assert_eq!(quoted(|to| to(text.as_bytes())).len(), QUOTED + 3);
        assert_eq!(quoted(|to| to(b"short")), "short");
    }

    #[test]
    fn a_hint_shows_no_parameter_name_that_may_be_personal_data() {
        assert_eq!(missing("SceneId"), "parameter `SceneId` is not in the string");
        assert_eq!(missing("张三"), "a parameter is not in the string");
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
