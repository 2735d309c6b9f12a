//! The pages in docs/: what is generated, and whether the languages agree.

pub(crate) mod codes;
pub(crate) mod console;
pub(crate) mod translations;
