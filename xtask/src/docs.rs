//! What is generated in docs/.

pub(crate) mod codes;
pub(crate) mod console;
