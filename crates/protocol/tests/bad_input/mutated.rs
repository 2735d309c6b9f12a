//! Documents that are valid except for a few mutations. Arbitrary bytes are hardly ever UTF-8 or JSON, so they test only the first
//! stage of the parser.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A response of each kind, with its status.
const GOOD: [(u16, &str); 7] = [
    (200, super::GOOD),
    (
        200,
        r#"{"RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","Message":"success","Code":"200","ResultObject":{"CertifyId":"91707dc296d469ad38e4c5efa6a0f24b","CertifyUrl":"https://t.aliyun.com/x"}}"#,
    ),
    (200, r#"{"Code":"424","Message":"no result yet","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795"}"#),
    (200, r#"{"code":"417","message":"too many","ResultObject":null}"#),
    (400, r#"{"Code":"Throttling.User","Message":"flow control","HostId":"cloudauth.aliyuncs.com"}"#),
    (500, "<?xml version='1.0'?><Error><Code>InternalError</Code><Message>a &amp; b</Message></Error>"),
    (502, "<html><body>502 Bad Gateway</body></html>"),
];

/// What replaces a value: other types, escapes, repetitions, and bytes that are not UTF-8.
const VALUES: [&[u8]; 16] = [
    b"null",
    b"\"null\"",
    b"\"\"",
    b"\"200\"",
    b"200",
    b"2e2",
    b"\"\\u0054\"",
    b"[\"T\"]",
    b"{\"Passed\":\"T\"}",
    b"true",
    b"\"T\",\"Passed\":\"F\"",
    b"\"\\ud800\"",
    b"\"\xff\"",
    b"\"{\\\"faceAttack\\\":\\\"x\\\"}\"",
    b"\"{\\\"faceAttack\\\"\"",
    b"\"text\"",
];

#[derive(Clone, Debug)]
enum Mutation {
    /// Another byte in its place.
    Byte(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize),
    /// Another value after a colon.
    Value(Index, &'static [u8]),
    /// Nothing from here on.
    Cut(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), select(b"{}[]\":,\\<>/& T0\n".as_slice())).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        2 => (at(), 1..20_usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        2 => (at(), 1..60_usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
        6 => (at(), select(VALUES.as_slice())).prop_map(|(at, value)| Mutation::Value(at, value)),
        1 => at().prop_map(Mutation::Cut),
    ]
}

/// A status and a body: a good response with up to three mutations.
pub(crate) fn responses() -> impl Strategy<Value = (u16, Vec<u8>)> {
    (select(GOOD.as_slice()), vec(mutation(), 0..4)).prop_map(|((status, good), mutations)| {
        let mut body = good.as_bytes().to_vec();
        for mutation in &mutations {
            mutate(&mut body, mutation);
        }
        (status, body)
    })
}

fn mutate(body: &mut Vec<u8>, mutation: &Mutation) {
    if body.is_empty() {
        return;
    }
    let end = |at: usize, length: usize| (at + length).min(body.len());
    match *mutation {
        Mutation::Byte(at, byte) => {
            let at = at.index(body.len());
            body[at] = byte;
        }
        Mutation::Remove(at, length) => {
            let at = at.index(body.len());
            body.drain(at..end(at, length));
        }
        Mutation::Repeat(at, length) => {
            let at = at.index(body.len());
            let part = body[at..end(at, length)].to_vec();
            body.splice(at..at, part);
        }
        Mutation::Value(at, value) => {
            let colons: Vec<usize> = (0..body.len()).filter(|at| body[*at] == b':').collect();
            let Some(begin) = colons.get(at.index(colons.len().max(1))).map(|colon| colon + 1) else {
                return;
            };
            let ends = |byte: &u8| matches!(byte, b',' | b'}');
            let end = body[begin..].iter().position(ends).map_or(body.len(), |length| begin + length);
            body.splice(begin..end, value.iter().copied());
        }
        Mutation::Cut(at) => body.truncate(at.index(body.len())),
    }
}
