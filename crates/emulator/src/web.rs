//! The web pages: the end user's page, pictures, templates and assets.

pub(crate) mod assets;
pub(crate) mod h5;
mod language;
pub(crate) mod picture;
mod return_url;
mod templates;

pub(crate) use assets::html;
pub(crate) use language::Language;
pub(crate) use templates::{Page, render, sub_codes};
