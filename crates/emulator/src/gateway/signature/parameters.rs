//! The parameters in a string to sign, and the mistakes that clients make with them.

use super::encode::{Encoding, Sink, wrong_encodings};
use super::string::{MASK, Text, is_name, may_be_shown};

/// The most parameters of which it is tried whether the client left them out.
pub(super) const OMITTED: usize = 64;

/// The mistake that explains the client's signature.
pub(super) struct Guess {
    pub(super) hint: String,
    /// `None` if the string is right, and the key is not.
    pub(super) client: Option<Text>,
}

/// The parameters of a request, as a string to sign repeats them: `name=value&name=value`.
#[derive(Clone)]
pub(super) struct Parameters<'a> {
    pub(super) pairs: Vec<(&'a str, &'a str)>,
    /// The index of a pair that is left out.
    omitted: Option<usize>,
    /// Of names and values.
    encode: Encoding,
}

impl<'a> Parameters<'a> {
    /// The parameters as documented.
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

    /// The usual mistakes: another encoding, none, and an omitted parameter. Each is made when it is tried, so that only
    /// one is in memory. `part` names what holds the parameters, and `unencoded` is the hint for the lack of an encoding.
    pub(super) fn mistakes(&self, part: &str, unencoded: &str) -> impl Iterator<Item = (Self, String)> {
        let encodings = wrong_encodings(part).into_iter().chain([(Encoding::Plain, unencoded.to_owned())]);
        let omitted = self.pairs.iter().take(OMITTED).enumerate();
        encodings
            .map(|(encode, hint)| (Self { encode, ..self.clone() }, hint))
            .chain(omitted.map(|(at, (name, _))| (Self { omitted: Some(at), ..self.clone() }, missing(name))))
    }
}

/// The hint for a parameter that the client left out.
fn missing(name: &str) -> String {
    if is_name(name) {
        format!("parameter `{name}` is not in the string")
    } else {
        "a parameter is not in the string".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_shows_no_parameter_name_that_may_be_personal_data() {
        assert_eq!(missing("SceneId"), "parameter `SceneId` is not in the string");
        assert_eq!(missing("张三"), "a parameter is not in the string");
    }
}
