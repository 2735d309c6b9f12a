//! Sessions, and what determines their outcome: magic identities, rules, and the end user.

mod history;
mod id_number;
mod magic;
mod outcome;
mod rules;
mod session;
mod table;

pub(crate) use history::IdentityHistory;
pub use id_number::id_number;
pub(crate) use id_number::{is_id_number, is_synthetic, masked};
pub(crate) use magic::{CallbackScenario, FAULTS, Magic};
pub use outcome::SessionOutcome;
pub(crate) use rules::{Rule, RuleInput, outcome_by_rules, parse_rules};
pub use rules::{RulesError, check_rules};
pub(crate) use session::{ActionError, CallbackTarget, Session, SessionStage, UserAction, is_too_long};
pub(crate) use table::{MAX_SESSIONS, SessionTable, Unsaved};
