//! The parameters in a string to sign, and the mistakes that clients make with them.

use super::encode::{Encoding, Sink, wrong_encodings};
use super::string::{MASK, SignedString, is_name, may_be_shown};

/// The maximum number of parameters whose omission is tried.
pub(super) const MAX_OMITTED: usize = 64;

/// The mistake that explains a client's signature.
pub(super) struct Diagnosis {
    pub(super) hint: String,
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
            if masked && !may_be_shown(name) {
                to(MASK.as_bytes());
            } else {
                self.encode.write(value.as_bytes(), to);
            }
        }
    }

    /// Iterates over the common mistakes with parameters: a wrong encoding, no encoding, an omitted parameter. Each is
    /// created when it is tried, so that only one is in memory. `part` names the place of the parameters in hints, and
    /// `unencoded` is the hint for a missing encoding.
    pub(super) fn mistakes(&self, part: &str, unencoded: &str) -> impl Iterator<Item = (Self, String)> {
        let encodings = wrong_encodings(part).into_iter().chain([(Encoding::None, unencoded.to_owned())]);
        let omitted = self.pairs.iter().take(MAX_OMITTED).enumerate();
        encodings.map(|(encode, hint)| (Self { encode, ..self.clone() }, hint)).chain(
            omitted.map(|(at, (name, _))| (Self { omitted: Some(at), ..self.clone() }, omitted_hint(name))),
        )
    }
}

/// Returns the hint for an omitted parameter. It contains the name only if that cannot be personal data.
fn omitted_hint(name: &str) -> String {
    if is_name(name) {
        format!("the string lacks the parameter `{name}`")
    } else {
        "the string lacks a parameter".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_contain_no_name_that_may_be_personal_data() {
        assert_eq!(omitted_hint("SceneId"), "the string lacks the parameter `SceneId`");
        assert_eq!(omitted_hint("张三"), "the string lacks a parameter");
    }
}
