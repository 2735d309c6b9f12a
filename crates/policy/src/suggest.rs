//! Suggestions for a misspelled word.

use std::fmt;

use cloudauth_protocol::mask_digits;

/// The allowed words, and the one that is close to a misspelled word. A word that may be personal data is masked by
/// [`mask_digits`], because a policy file declares some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suggestion {
    /// The close word, if there is one.
    pub near: Option<String>,
    /// The first allowed words.
    pub allowed: Vec<String>,
    /// Whether more words are allowed.
    pub has_more: bool,
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(near) = &self.near {
            write!(f, "did you mean `{near}`? ")?;
        }
        if self.allowed.is_empty() {
            return f.write_str("no value is allowed");
        }
        let more = if self.has_more { ", .." } else { "" };
        write!(f, "allowed: {}{more}", self.allowed.join(", "))
    }
}

/// The most allowed words that a suggestion lists.
const MOST: usize = 20;

/// The most bytes of words that are compared, because a comparison takes the product of their lengths. A longer word is a value in the
/// place of a name, and no misspelling.
const LONGEST: usize = 64;

/// Returns the allowed words, and the one that is close to `word`.
pub(crate) fn did_you_mean<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Suggestion {
    let allowed: Vec<&str> = allowed.into_iter().collect();
    let short = allowed.iter().filter(|other| word.len().max(other.len()) <= LONGEST);
    let near = short.map(|other| (steps(word, other), *other)).min();
    let near =
        near.filter(|(steps, other)| *steps <= 2.max(word.len() / 3) && *steps < word.len().max(other.len()));
    Suggestion {
        near: near.map(|(_, other)| mask_digits(other).into_owned()),
        allowed: allowed.iter().take(MOST).map(|word| mask_digits(word).into_owned()).collect(),
        has_more: allowed.len() > MOST,
    }
}

/// Returns whether a name is a known word or a misspelling of it. The case of neither matters. A word of fewer than six bytes
/// has no misspellings, because names of people are close to short words.
///
/// ```
/// use cloudauth_policy::resembles;
///
/// assert!(resembles("Verify_Scroe", "verify_score"));
/// assert!(resembles("requestid", "RequestID"));
/// assert!(!resembles("Tim", "time"));
/// ```
#[must_use]
pub fn resembles(name: &str, word: &str) -> bool {
    let most = if word.len() < 6 { 0 } else { word.len() / 4 };
    name.len().abs_diff(word.len()) <= most
        && distance(&name.to_ascii_lowercase(), &word.to_ascii_lowercase()) <= most
}

/// The edit distance of two words; 0 if only their case differs.
fn steps(one: &str, other: &str) -> usize {
    if one.eq_ignore_ascii_case(other) { 0 } else { distance(one, other) }
}

/// The Levenshtein distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, left) in one.chars().enumerate() {
        let mut diagonal = at;
        let mut last = at + 1;
        for (right, cell) in other.iter().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(left != *right)).min(*cell + 1).min(last + 1);
            diagonal = *cell;
            *cell = best;
            last = best;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_levenshtein() {
        for (one, other, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("verify_score", "verify_scroe", 2),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn suggests_a_close_word_only() {
        assert_eq!(
            did_you_mean("aprove", ["approve", "reject"]).to_string(),
            "did you mean `approve`? allowed: approve, reject"
        );
        assert_eq!(did_you_mean("xyz", ["approve", "reject"]).to_string(), "allowed: approve, reject");
        // A third of the letters may be wrong.
        assert_eq!(did_you_mean("threshold", ["thresxxxd"]).near.as_deref(), Some("thresxxxd"));
        assert_eq!(did_you_mean("threshold", ["threxxxxd"]).near, None);
        for (length, is_near) in [(LONGEST - 1, true), (LONGEST, false)] {
            let (word, allowed) = ("a".repeat(length), "a".repeat(length + 1));
            assert_eq!(did_you_mean(&word, [allowed.as_str()]).near.is_some(), is_near, "{length}");
        }
    }

    #[test]
    fn word_of_six_letters_may_have_a_wrong_one_and_each_four_more_another() {
        for (name, word, is_close) in [
            ("Tim", "time", false),
            ("title", "titles", true),
            ("Tilte", "titles", false),
            ("Verify_Scroe", "verify_score", true),
            ("erify_scores", "verify_score", true),
            ("verify", "verify_score", false),
            ("PASSED", "passed", true),
        ] {
            assert_eq!(resembles(name, word), is_close, "{name} {word}");
        }
    }
}
