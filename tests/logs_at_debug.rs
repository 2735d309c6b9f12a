//! The logs of client, transports and emulator at DEBUG, a level at which every transport sends. It is a process of its own,
//! because a process has one log.

#![cfg(test)]

#[allow(dead_code, reason = "other tests use the rest")]
mod planted;

use cloudauth::{ErrorKind, IsahcTransport, ReqwestTransport, Signing, UreqTransport};
use cloudauth_emulator::Emulator;
use planted::{assert_clean, attempt, attempt_blocking, listen, shown};

#[tokio::test(flavor = "multi_thread")]
async fn logs_at_debug_show_nothing() {
    let log = listen(tracing::Level::DEBUG);
    tracing::debug!("the log is on");
    let emulator = Emulator::builder()
        .temporary_key(Emulator::ACCESS_KEY_ID, "planted-access-secret", "planted-security-token")
        .start()
        .await
        .unwrap();
    let isahc = IsahcTransport::new().unwrap();
    for signing in [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body] {
        let url = emulator.url();
        attempt(ReqwestTransport::new().unwrap(), url, signing).await.unwrap();
        tokio::task::block_in_place(|| attempt_blocking(UreqTransport::new(), url, signing)).unwrap();
        // isahc logs URLs at this level, so that its transport sends only if the URL has no parameters.
        let came = attempt(isahc.clone(), url, signing).await;
        if matches!(signing, Signing::V1 | Signing::V3Body) {
            came.unwrap();
        } else {
            let error = came.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transport);
            assert!(shown(&error).contains("set its log filter to `isahc=info`"), "{}", shown(&error));
        }
    }
    let log = log.text();
    for heard in ["the log is on", "ureq::", "isahc::", "hyper_util::"] {
        assert!(log.contains(heard), "{heard} is missing in the log");
    }
    assert_clean("the log", &log);
}
