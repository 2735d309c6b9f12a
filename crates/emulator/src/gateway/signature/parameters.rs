//! The parameters in a string to sign, and the mistakes that clients make with them.

use cloudauth_protocol::Bilingual;

use super::encode::{Encoding, Sink, wrong_encodings};
use super::string::{MASK, SignedString, is_name, may_be_shown};
use crate::http::{Message, both};

/// The maximum number of parameters whose omission is tried.
pub(super) const MAX_OMITTED: usize = 64;

/// The mistake that explains a client's signature.
pub(super) struct Diagnosis {
    pub(super) hint: Message,
    /// The string that the client signed. `None` if the string is correct and the key is wrong.
    pub(super) client: Option<SignedString>,
}

/// The parameters in a string to sign: `name=value&name=value`.
#[derive(Clone)]
pub(super) struct Parameters<'a> {
    pub(super) pairs: Vec<(&'a str, &'a str)>,
    /// The index of an omitted pair.
    omitted: Option<usize>,
    encode: Encoding,
}

impl<'a> Parameters<'a> {
    /// Creates parameters with the documented encoding.
    pub(super) const fn new(pairs: Vec<(&'a str, &'a str)>) -> Self {
        Self { pairs, omitted: None, encode: Encoding::Rfc3986 }
    }

    /// Writes the pairs, joined with `&`.
    pub(super) fn write(&self, masked: bool, to: &mut Sink<'_>) {
        let mut joint: &[u8] = b"";
        for (at, (name, value)) in self.pairs.iter().enumerate() {
            if self.omitted == Some(at) {
                continue;
            }
            to(joint);
            joint = b"&";
            self.encode.write(name.as_bytes(), to);
            to(b"=");
            if masked && !may_be_shown(name, value) {
                to(MASK.as_bytes());
            } else {
                self.encode.write(value.as_bytes(), to);
            }
        }
    }

    /// Iterates over the common mistakes with parameters: a wrong encoding, no encoding, an omitted parameter. Each is
    /// created when it is tried, so that only one is in memory. `part` names the place of the parameters in hints, and
    /// `unencoded` is the hint for a missing encoding.
    pub(super) fn mistakes(
        &self,
        part: Bilingual,
        unencoded: Bilingual,
    ) -> impl Iterator<Item = (Self, Message)> {
        let encodings = wrong_encodings(part).into_iter().chain([(Encoding::None, unencoded.into())]);
        let omitted = self.pairs.iter().take(MAX_OMITTED).enumerate();
        encodings.map(|(encode, hint)| (Self { encode, ..self.clone() }, hint)).chain(
            omitted.map(|(at, (name, _))| (Self { omitted: Some(at), ..self.clone() }, omitted_hint(name))),
        )
    }
}

/// Returns the hint for a signature with the secret of another access key.
pub(super) fn signed_by(id: &str) -> Message {
    Message::new(format!("signed with the secret of {id}"), format!("使用了 {id} 的 AccessKey Secret 签名"))
}

/// Returns the hint for an omitted parameter. It contains the name only if that cannot be personal data.
fn omitted_hint(name: &str) -> Message {
    if is_name(name) {
        Message::new(format!("the string lacks the parameter `{name}`"), format!("字符串中缺少参数 `{name}`"))
    } else {
        both("the string lacks a parameter", "字符串中缺少一个参数").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_contain_no_name_that_may_be_personal_data() {
        assert_eq!(omitted_hint("SceneId").en, "the string lacks the parameter `SceneId`");
        let unnamed = both("the string lacks a parameter", "字符串中缺少一个参数");
        assert_eq!(omitted_hint("张三"), unnamed.into());
    }
}
