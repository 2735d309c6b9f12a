//! Why a signature was refused: the string that the server signed, and, where a usual mistake explains the client's
//! signature, the string that the client must have signed. Computed on request, never while a call waits.

use serde::Serialize;

use super::super::keys::Keys;
use super::super::request::Incoming;
use super::string::{Text, is_name};
use super::{v1, v3};

/// The most bytes of a refused request that is kept, so that its signature can be explained.
pub(crate) const EXPLAINABLE: usize = 64 << 10;

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
    let key = claimed_key_id(request).and_then(|id| keys.get(id));
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

/// The access key id that the request claims.
fn claimed_key_id(request: &Incoming) -> Option<&str> {
    if request.is_v3() { v3::claim(request) } else { v1::claim(request) }
        .ok()
        .map(|claim| claim.access_key_id)
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
    fn parts_of_a_canonical_request_are_named_too() {
        let text = "POST\n/\nCertName=%E5&SceneId=1\nhost:a\nx-acs-date:b\n\nhost;x-acs-date\nabc";
        for (mark, name) in [("%E5", "CertName"), ("1\n", "SceneId"), ("a\n", "host"), ("b\n", "x-acs-date")]
        {
            assert_eq!(part_at(text, text.find(mark).unwrap()).as_deref(), Some(name));
        }
        assert_eq!(part_at("张三", 4), None);
    }
}
