//! `/_emu`: looking after the emulator, by hand (the inspection page) and by program (`web/openapi.json` describes it).

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
