//! Texts of `lab`.
