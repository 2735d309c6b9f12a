//! The parts of a request: parameters and their encoding, body, endpoint and other URLs, and the stamp of an attempt.

pub(crate) mod body;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod endpoint;
pub(crate) mod params;
pub(crate) mod stamp;
pub(crate) mod web_url;
