//! What travels: parameters and their encoding, the body, the endpoint, and the stamp of an attempt.

pub(crate) mod body;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod endpoint;
pub(crate) mod params;
pub(crate) mod stamp;
