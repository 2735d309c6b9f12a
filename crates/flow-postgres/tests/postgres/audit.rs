//! An audit finds what a person who can write to the database changed beside the chains.

use cloudauth_flow::testing::samples;
use cloudauth_flow::{
    AuditProblem, DOCUMENT_FORMAT, DocumentPart, Fence, Input, Look, Looked, Review, ReviewReason, Reviewer,
    State, Store,
};

use crate::common::{Schema, get, open, step};

/// A decision for order 1 that no policy and no reviewer made. Every constraint of the database holds.
const INVENTED: &str = r#"UPDATE ca_verification SET version = version + 1, state = 'approved', purge_at = 1, due_at = NULL,
    document = document || '{"state":"approved","purge_at":1,"due_at":null}' || jsonb_build_object('decision', jsonb_build_object(
        'by', 'policy', 'attempt', document #>> '{attempts,0,order_no}', 'record',
        '{"verdict":"approve","policy":"own","version":"1","policy_hash":"00","rule":"own","reason":"own","hint":null,"queue":null}'::jsonb))
    WHERE order_ref = 'order-1'"#;

const UNLOCK: &str = "DROP TRIGGER ca_verification_final ON ca_verification; DROP TRIGGER ca_verification_version ON ca_verification;
    DROP TRIGGER ca_verification_document ON ca_verification; DROP TRIGGER ca_verification_decision ON ca_verification; ";

/// Order 1 waits for its result, order 2 was declined by a reviewer.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_state_and_a_decision_that_were_written_by_hand_are_found() {
    use AuditProblem::{Document, Unreadable};
    let state = "UPDATE ca_verification SET state = 'approved', document = document || '{\"state\":\"approved\"}' \
                 WHERE order_ref = 'order-2'";
    let exchange = "UPDATE ca_verification SET order_ref = 'x', document = document || '{\"order\":\"x\"}' WHERE order_ref = 'order-1';
        UPDATE ca_verification SET order_ref = 'order-1', document = document || '{\"order\":\"order-1\"}' WHERE order_ref = 'order-2';
        UPDATE ca_verification SET order_ref = 'order-2', document = document || '{\"order\":\"order-2\"}' WHERE order_ref = 'x'";
    // The flow finds a callback, a browser and a look by the rows of the attempts.
    let attempt = |change: &str| {
        format!(
            "DROP TRIGGER ca_attempt_unchanged ON ca_attempt; DROP TRIGGER ca_attempt_kept ON ca_attempt; {change} \
             WHERE verification = (SELECT id FROM ca_verification WHERE order_ref = 'order-1')"
        )
    };
    for (change, broken, problem) in [
        (String::new(), 0, None),
        (INVENTED.to_owned(), 1, Some(Document(DocumentPart::State))),
        (UNLOCK.to_owned() + state, 1, Some(Document(DocumentPart::State))),
        (UNLOCK.to_owned() + exchange, 2, Some(Document(DocumentPart::Request))),
        (
            UNLOCK.to_owned() + "UPDATE ca_verification SET order_ref = 'x' WHERE order_ref = 'order-2'",
            1,
            Some(Unreadable),
        ),
        (
            UNLOCK.to_owned() + "UPDATE ca_verification SET state = 'approved' WHERE order_ref = 'order-2'",
            1,
            Some(Unreadable),
        ),
        (UNLOCK.to_owned() + "UPDATE ca_verification SET redaction = 'done'", 2, Some(Unreadable)),
        (UNLOCK.to_owned() + "UPDATE ca_verification SET purge_at = 5", 2, Some(Unreadable)),
        (UNLOCK.to_owned() + "UPDATE ca_verification SET due_at = 5", 2, Some(Unreadable)),
        (UNLOCK.to_owned() + "UPDATE ca_verification SET document = '{}'", 2, Some(Unreadable)),
        (attempt("UPDATE ca_attempt SET capability = sha256('')"), 1, Some(Unreadable)),
        (attempt("UPDATE ca_attempt SET certify_id = 'other'"), 1, Some(Unreadable)),
        (attempt("UPDATE ca_attempt SET order_no = 'other'"), 1, Some(Unreadable)),
        (attempt("UPDATE ca_attempt SET state = 'superseded'"), 1, Some(Unreadable)),
        (attempt("UPDATE ca_attempt SET next_look_at = next_look_at + 1"), 1, Some(Unreadable)),
        (attempt("DELETE FROM ca_attempt"), 1, Some(Unreadable)),
    ] {
        let schema = Schema::new().await;
        let store = schema.store().await;
        open(&store, 1).await;
        let mut stored = open(&store, 2).await;
        let opened = samples::opened(2, 1).unwrap();
        let answer = Look::Finished(Box::new(samples::finding(&opened.certify_id, "205").unwrap()));
        let looked = Input::Looked(Looked { order_no: opened.order_no, fence: Fence(0), answer });
        store.commit(&step(Some(&stored), looked)).await.unwrap();
        stored = get(&store, 2).await.unwrap();
        let (reviewer, reason) =
            (Reviewer::new("r.lee@example").unwrap(), ReviewReason::new("other").unwrap());
        let seen = stored.verification.head.n;
        let review = Input::Review(Review { reviewer, reason, approve: false, seen });
        store.commit(&step(Some(&stored), review)).await.unwrap();

        schema.connect().await.batch_execute(&change).await.unwrap();
        let audit = store.audit(None).await.unwrap();
        assert_eq!(
            (audit.broken, audit.named.first().map(|broken| broken.problem)),
            (broken, problem),
            "{change}"
        );
        if change == INVENTED {
            let read = get(&store, 1).await.unwrap().verification;
            assert_eq!(read.state, State::Approved, "the flow itself believes the document");
        }
    }
}

/// While a new version is rolled out, an older one cannot say anything of the documents that the new one writes.
#[tokio::test]
#[ignore = "needs a server: cargo xtask postgres"]
async fn a_document_of_a_newer_version_is_not_broken() {
    let schema = Schema::new().await;
    let store = schema.store().await;
    open(&store, 1).await;
    let newer = format!("{UNLOCK} UPDATE ca_verification SET format = {}", DOCUMENT_FORMAT + 1);
    schema.connect().await.batch_execute(&newer).await.unwrap();
    let error = store.audit(None).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("update this program"), "{source}");
}
