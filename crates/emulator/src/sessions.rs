//! Sessions, and what decides how they end: magic identities, rules, the end user.

mod history;
mod id_number;
mod magic;
mod outcome;
mod rules;
mod session;
mod table;

pub(crate) use history::History;
pub use id_number::id_number;
pub(crate) use id_number::{is_id_number, is_synthetic};
pub(crate) use magic::{
    CALLBACK_LATE, CALLBACK_NEVER, CALLBACK_OTHER_SHAPE, CALLBACK_TOO_SOON, CALLBACK_TWICE,
    CALLBACK_WRONG_TOKEN, FAULTS, Magic,
};
pub use outcome::Outcome;
pub(crate) use rules::{Asked, Rule, outcome, parse};
pub(crate) use session::{Act, CallbackTarget, Refused, Session, Stage};
pub(crate) use table::{Sessions, Unsaved};
