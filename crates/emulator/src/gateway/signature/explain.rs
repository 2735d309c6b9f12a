//! Explanations of refused signatures: the server's string to sign, and the client's if a common mistake explains the
//! signature. Computed on request, never during a call.

use cloudauth_protocol::Bilingual;
use serde::Serialize;

use super::super::keys::AccessKeys;
use super::super::request::ApiRequest;
use super::string::{SignedString, is_name};
use super::{v1, v3};
use crate::http::{Message, both};

/// The maximum size of a refused request that is kept for an explanation, in bytes.
pub(crate) const MAX_EXPLAINED: usize = 64 << 10;

/// The explanation of a refused signature.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    hint: String,
    /// The hint in Chinese.
    hint_zh: String,
    /// The server's string to sign, masked.
    server: String,
    /// The string that the client probably signed, masked.
    candidate: Option<String>,
    /// The first difference, as a byte offset in the masked strings. After `compare`, it is an offset in the
    /// server's plain string.
    first_difference: Option<usize>,
    /// The parameter or header with the first difference.
    #[serde(rename = "in")]
    within: Option<String>,
}

const UNKNOWN: Bilingual = both(
    "no common mistake explains this signature: the secret differs, or the strings differ in more than one place; compare \
     the server's string with the one that you signed",
    "不是常见的签名错误：AccessKey Secret 不同，或字符串有多处不同；请将模拟器的字符串与您签名的字符串进行比较",
);

/// Explains a refused request: the server's string to sign, and the mistake that results in the client's signature.
pub(crate) fn explain(request: &ApiRequest, keys: &AccessKeys) -> Explanation {
    let key = claimed_key_id(request).and_then(|id| keys.get(id));
    let (server, diagnosis) = match key {
        Some(key) if request.is_v3() => v3::explain(request, key, keys),
        Some(key) => v1::explain(request, key, keys),
        None => (server_string(request), None),
    };
    let client = diagnosis.as_ref().and_then(|diagnosis| diagnosis.client.as_ref());
    let difference = client.and_then(|client| first_difference(&server.plain, &client.plain));
    let Message { en, zh } =
        diagnosis.as_ref().map_or_else(|| UNKNOWN.into(), |diagnosis| diagnosis.hint.clone());
    Explanation {
        hint: en,
        hint_zh: zh,
        candidate: client.map(|client| client.masked.clone()),
        first_difference: client.and_then(|client| first_difference(&server.masked, &client.masked)),
        within: difference.and_then(|at| part_at(&server.plain, at)),
        server: server.masked,
    }
}

/// Compares the server's string to sign with the client's.
pub(crate) fn compare(request: &ApiRequest, given: &str) -> Explanation {
    let server = server_string(request);
    let difference = first_difference(&server.plain, given);
    let within = difference.and_then(|at| part_at(&server.plain, at));
    let hint = match (difference, &within) {
        (None, _) => both(
            "the strings are equal: the secret differs, or the signature was changed in transit",
            "两个字符串相同：AccessKey Secret 不同，或签名在传输中被改动",
        )
        .into(),
        (Some(at), Some(part)) => Message::new(
            format!("the strings differ at byte {at}, in {part}"),
            format!("两个字符串在第 {at} 字节处不同，位于 {part}"),
        ),
        (Some(at), None) => Message::new(
            format!("the strings differ at byte {at}"),
            format!("两个字符串在第 {at} 字节处不同"),
        ),
    };
    Explanation {
        hint: hint.en,
        hint_zh: hint.zh,
        server: server.masked,
        candidate: None,
        first_difference: difference,
        within,
    }
}

fn server_string(request: &ApiRequest) -> SignedString {
    if request.is_v3() { v3::server_string(request) } else { v1::server_string(request) }
}

fn first_difference(one: &str, other: &str) -> Option<usize> {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let common = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    (common < one.len().max(other.len())).then_some(common)
}

/// Returns the name of the parameter or header at a byte offset of a string to sign.
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

/// Returns the access key id that the request claims.
fn claimed_key_id(request: &ApiRequest) -> Option<&str> {
    if request.is_v3() { v3::claim(request) } else { v1::claim(request) }
        .ok()
        .map(|claim| claim.access_key_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_difference_and_its_parameter() {
        let request = ApiRequest::test_post("CertName=zhang&SceneId=1");
        let server = "POST&%2F&CertName%3Dzhang%26SceneId%3D1";
        let explanation = compare(&request, &server.replace("%3D1", "%3D2"));
        assert_eq!(
            (explanation.first_difference, explanation.within.as_deref()),
            (Some(38), Some("SceneId"))
        );
        assert!(!explanation.server.contains("zhang"));
        let explanation = compare(&request, &server.replace("zhang", "li"));
        assert_eq!(
            (explanation.first_difference, explanation.within.as_deref()),
            (Some(20), Some("CertName"))
        );
        assert_eq!(compare(&request, server).first_difference, None);
        assert_eq!(compare(&request, "").within, None);
        let unknown = explain(&request, &AccessKeys::new());
        assert!(unknown.hint.contains("no common mistake") && unknown.hint_zh.contains("不是常见的签名错误"));
    }

    #[test]
    fn names_the_parts_of_a_canonical_request() {
        let text = "POST\n/\nCertName=%E5&SceneId=1\nhost:a\nx-acs-date:b\n\nhost;x-acs-date\nabc";
        for (mark, name) in [("%E5", "CertName"), ("1\n", "SceneId"), ("a\n", "host"), ("b\n", "x-acs-date")]
        {
            assert_eq!(part_at(text, text.find(mark).unwrap()).as_deref(), Some(name));
        }
        assert_eq!(part_at("张三", 4), None);
    }
}
