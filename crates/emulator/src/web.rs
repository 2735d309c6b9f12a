//! What browsers get: the end user's page, the picture, scripts and style sheets.

pub(crate) mod assets;
pub(crate) mod h5;
mod language;
pub(crate) mod picture;
mod return_url;
mod templates;

pub(crate) use assets::html;
pub(crate) use language::Language;
pub(crate) use templates::{Page, render, sub_codes};
