//! The start of a session, by `InitFaceVerify` or by the admin API.

use crate::faults::Fault;
use crate::sessions::{self, CallbackScenario, CallbackTarget, Magic, RuleInput, Session, SessionStage};
use crate::state::AppState;

/// The parameters of a new session.
pub(crate) struct NewSession<'a> {
    pub(crate) order: &'a str,
    pub(crate) scene_id: &'a str,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) return_url: &'a str,
    pub(crate) callback: Option<CallbackTarget>,
    pub(crate) magic: Magic,
    /// The hash of name and ID number.
    pub(crate) identity: String,
    pub(crate) wants_long_link: bool,
    /// Whether the MetaInfo is from a browser. Otherwise the session has no link.
    pub(crate) has_valid_meta_info: bool,
}

/// Starts a session.
pub(crate) fn start(state: &AppState, params: NewSession<'_>) -> Session {
    let certify_id = state.fresh_id("certify");
    let token = state.fresh_id("link");
    let code: String = state.fresh_id("short").chars().take(10).collect();
    let url = &state.settings.url;
    let link = if params.wants_long_link { format!("{url}/h5/{token}") } else { format!("{url}/s/{code}") };
    let input = RuleInput { order: params.order, scene_id: params.scene_id, user_id: params.user_id };
    let session = Session {
        certify_id,
        token,
        code,
        order: params.order.to_owned(),
        scene_id: params.scene_id.to_owned(),
        return_url: params.return_url.to_owned(),
        link: params.has_valid_meta_info.then_some(link),
        callback: params.callback,
        magic: params.magic,
        rule: sessions::outcome_by_rules(&state.settings.rules, &input),
        forced: None,
        begun: state.clock.now(),
        stage: SessionStage::Open,
        identity: params.identity,
        pending: match params.magic {
            Magic::PendingFirst(questions) => questions,
            magic if magic.callback() == CallbackScenario::BeforeResult => 1,
            _ => 0,
        },
        queried: false,
        deleted: false,
    };
    if let Magic::Fault(number) = params.magic
        && let Some(kind) = sessions::FAULTS.get(usize::from(number))
    {
        let fault = Fault::new(*kind).action("DescribeFaceVerify").certify_id(&*session.certify_id).times(1);
        state.faults().add(fault);
    }
    state.sessions().insert(session.clone());
    session
}
