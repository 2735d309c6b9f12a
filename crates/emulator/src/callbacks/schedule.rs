//! Scheduling of callbacks.

use std::time::Duration;

use crate::http::with_parameters;
use crate::sessions::{CallbackScenario, Session, SessionOutcome};
use crate::state::{AppState, Callback, CallbackKind, Change};

/// The delay of a late callback.
const LATE: Duration = Duration::from_secs(60);

/// Schedules the callbacks of an ended session. Its identity selects them; the default is one.
pub(crate) fn schedule(state: &AppState, session: &Session) {
    let kinds: &[CallbackKind] = match session.magic.callback() {
        CallbackScenario::Normal | CallbackScenario::BeforeResult => &[CallbackKind::Normal],
        CallbackScenario::Never => &[],
        CallbackScenario::Twice => &[CallbackKind::Normal, CallbackKind::Duplicate],
        CallbackScenario::Late => &[CallbackKind::Late],
        CallbackScenario::WrongToken => &[CallbackKind::WrongToken],
        CallbackScenario::OtherShape => &[CallbackKind::OtherShape],
    };
    for kind in kinds {
        add(state, session, *kind, None);
    }
}

/// Adds a callback of a session, and returns it. Returns `None` if the session has no CallbackUrl or no
/// result. `claimed` replaces the SubCode of the result.
pub(crate) fn add(
    state: &AppState,
    session: &Session,
    kind: CallbackKind,
    claimed: Option<&str>,
) -> Option<Callback> {
    let target = session.callback.as_ref()?;
    // A forged callback always claims a pass.
    let forged = (kind == CallbackKind::Forged).then(SessionOutcome::pass);
    let claimed = claimed.map(SessionOutcome::with_sub_code);
    let outcome = claimed.as_ref().or(forged.as_ref()).or(session.result())?;
    let wrong = target.token.as_ref().map(|token| format!("{token}x")).unwrap_or_else(|| "forged".to_owned());
    let token = match kind {
        CallbackKind::WrongToken | CallbackKind::Forged => Some(wrong.as_str()),
        _ => target.token.as_deref(),
    };
    // Another product of the vendor sends the SubCode in a separate parameter.
    let is_other = kind == CallbackKind::OtherShape;
    let letter = if outcome.passed() { "Y" } else { "N" };
    let sub_code = outcome.sub_code.as_str();
    let url = with_parameters(
        &target.url,
        &[
            ("callbackToken", token),
            ("certifyId", Some(&session.certify_id)),
            ("passed", Some(if is_other { letter } else { sub_code })),
            ("subCode", is_other.then_some(sub_code)),
        ],
    );
    let late = if kind == CallbackKind::Late { LATE } else { Duration::ZERO };
    let due = state.clock.now().plus(late);
    let added = state.callbacks().add(&session.certify_id, kind, url, due);
    state.callbacks_changed.notify_waiters();
    state.changed(Change::Callbacks);
    Some(added)
}
