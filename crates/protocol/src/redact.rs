//! How personal data and secrets are kept out of logs: by type.

/// Defines a text type whose `Debug` redacts and that has no `Display`.
macro_rules! personal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Box<str>);

        impl $name {
            /// The value itself. Whoever asks for it keeps it out of logs, URLs and errors.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

pub(crate) use personal;

/// Whether a text that came from outside may stand in an error or a log: short, and of the characters that
/// identifiers are made of. Everything else could carry somebody's data.
pub(crate) fn is_plain_identifier(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}
