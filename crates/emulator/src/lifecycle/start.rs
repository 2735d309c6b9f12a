//! How a verification begins, whoever wants it.

use crate::faults::Fault;
use crate::sessions::{self, Asked, CallbackTarget, Magic, Session, Stage};
use crate::state::State;

/// The most bytes of each text that a session keeps: addresses, the callback token, and the scene.
const TEXT: usize = 8 << 10;

/// Whether a text is too long to be kept.
pub(crate) fn is_too_long(text: &str) -> bool {
    text.len() > TEXT
}

/// What is known of it.
pub(crate) struct Beginning<'a> {
    pub(crate) order: &'a str,
    pub(crate) scene_id: &'a str,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) return_url: &'a str,
    pub(crate) callback: Option<CallbackTarget>,
    pub(crate) magic: Magic,
    /// Name and number, hashed.
    pub(crate) identity: String,
    pub(crate) wants_long_link: bool,
    /// Whether the MetaInfo came from a browser; else there is no link.
    pub(crate) is_believed: bool,
}

/// Begins it.
pub(crate) fn begin(state: &State, with: Beginning<'_>) -> Session {
    let certify_id = state.fresh_id("certify");
    let token = state.fresh_id("link");
    let code: String = state.fresh_id("short").chars().take(10).collect();
    let url = &state.setup.url;
    let link = if with.wants_long_link { format!("{url}/h5/{token}") } else { format!("{url}/s/{code}") };
    let asked = Asked { order: with.order, scene_id: with.scene_id, user_id: with.user_id };
    let session = Session {
        certify_id,
        token,
        code,
        order: with.order.to_owned(),
        scene_id: with.scene_id.to_owned(),
        return_url: with.return_url.to_owned(),
        link: with.is_believed.then_some(link),
        callback: with.callback,
        magic: with.magic,
        rule: sessions::outcome(&state.setup.rules, &asked),
        forced: None,
        begun: state.clock.now(),
        stage: Stage::Open,
        identity: with.identity,
        pending: match with.magic {
            Magic::PendingFirst(questions) => questions,
            Magic::Callback(sessions::CALLBACK_TOO_SOON) => 1,
            _ => 0,
        },
        queried: false,
        deleted: false,
    };
    if let Magic::Fault(number) = with.magic
        && let Some(kind) = sessions::FAULTS.get(usize::from(number))
    {
        let fault = Fault::new(*kind).action("DescribeFaceVerify").certify_id(&*session.certify_id).times(1);
        state.faults().add(fault);
    }
    state.sessions().insert(session.clone());
    session
}
