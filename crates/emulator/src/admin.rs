//! The admin API and the inspection page under `/_emu`. `web/openapi.json` describes the API.

mod authorization;
mod callbacks;
mod clock;
mod events;
mod faults;
mod journal;
mod problem;
mod router;
mod sessions;
mod system;

pub(crate) use router::router;
