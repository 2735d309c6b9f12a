//! The HTTP server beneath the routes: connections, limits, request bodies, origins and URLs.

mod body;
mod connection;
mod limits;
mod listener;
mod message;
mod origin;
mod url;

pub(crate) use body::{BodyError, read_body, small_body};
pub(crate) use connection::ConnectionControl;
pub(crate) use limits::{Limits, MAX_CALL_BODY, MAX_SNAPSHOT_BODY};
pub(crate) use listener::serve;
pub(crate) use message::{Message, both, problem};
pub(crate) use origin::is_cross_origin;
pub(crate) use url::{origin, with_parameters, without_secrets};
