//! The HTTP server: its limits, its connections, and what they have in common.

mod body;
mod connection;
mod limits;
mod listener;
mod origin;
mod url;

pub(crate) use body::{BodyError, read_body, small_body};
pub(crate) use connection::Line;
pub(crate) use limits::{CALL_BODY, Limits, SNAPSHOT_BODY};
pub(crate) use listener::serve;
pub(crate) use origin::is_cross_origin;
pub(crate) use url::{shown, with_pairs};
