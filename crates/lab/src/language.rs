//! The language of a text for people.

/// The language of a report, and of a data issue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}
