//! The pages in docs/: generates some of them, and checks that the languages agree.

pub(crate) mod api;
pub(crate) mod codes;
pub(crate) mod console;
pub(crate) mod translations;
