//! The logs of a client at INFO, the usual level of a service: one event per retry, one warning per failed call, each field
//! once. It is a process of its own, because a process has one log.

#![cfg(test)]

#[allow(dead_code, reason = "other tests use the rest")]
mod planted;

use cloudauth::{BlockingClient, BlockingTransport, Body, Client, Sent, TransportError, TransportErrorKind};
use cloudauth_transport::testing::Scripted;
use http::Response;
use planted::{assert_clean, credentials, init, listen};

fn answer(status: u16, body: &'static str) -> Result<Response<Body>, TransportError> {
    Ok(Response::builder().status(status).body(Body::from(body)).unwrap())
}

const STARTED: &str = r#"{"Code":"200","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","ResultObject":{"CertifyId":"91707dc296d469ad38e4c5efa6a0f24b","CertifyUrl":"https://t.aliyun.com/x"}}"#;
const BUSY: &str = r#"{"Code":"InternalError","RequestId":"230A2C10-B9EE-4D84-88E3-5384FF039795"}"#;
const REFUSED: &str =
    r#"{"Code":"417","RequestId":"330A2C10-B9EE-4D84-88E3-5384FF039795","Message":"planted-user-id"}"#;

/// Returns the lines of one level.
fn lines<'a>(log: &'a str, level: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.split_whitespace().nth(1) == Some(level)).collect()
}

#[tokio::test]
async fn one_event_per_attempt_with_each_field_once() {
    let log = listen(tracing::Level::INFO);
    let lost = || Err(TransportError::new(TransportErrorKind::Connect, Sent::No));

    let client = Client::new(Scripted::new([lost(), answer(500, BUSY), answer(200, STARTED)]), credentials());
    client.init_face_verify(&init()).await.unwrap();
    let text = log.text();
    let retries = lines(&text, "INFO");
    assert_eq!((retries.len(), lines(&text, "WARN").len()), (2, 0), "{text}");
    for (line, (resend, reason)) in retries.iter().zip([(1, "no connection"), (2, "InternalError")]) {
        assert!(
            line.contains("retrying") && line.contains(&format!("http.request.resend_count={resend} ")),
            "{line}"
        );
        assert!(line.contains(reason), "{line}");
    }

    let client = Client::new(Scripted::new([lost(), answer(200, REFUSED)]), credentials());
    client.init_face_verify(&init()).await.unwrap_err();
    let text = log.text();
    assert_eq!((lines(&text, "INFO").len(), lines(&text, "WARN").len()), (3, 1), "{text}");
    let failed = lines(&text, "WARN").concat();
    for part in [
        "call failed",
        "otel.kind=\"client\"",
        "rpc.service=\"Cloudauth\"",
        "rpc.method=\"InitFaceVerify\"",
        "server.address=\"cloudauth.cn-beijing.aliyuncs.com\"",
        "http.request.resend_count=1",
        "http.response.status_code=200",
        "cloudauth.code=\"417\"",
        "cloudauth.request_id=330A2C10",
        "cloudauth.executed=No",
    ] {
        assert_eq!(failed.matches(part).count(), 1, "{part} in {failed}");
    }
    // On the event, for logs, and on the span, for traces.
    assert_eq!(failed.matches("error.type=\"Refused\"").count(), 2, "{failed}");

    // The same for a blocking client.
    #[derive(Debug)]
    struct Lost;
    impl BlockingTransport for Lost {
        fn send(
            &self,
            _: http::Request<Body>,
            _: &cloudauth::Limits,
        ) -> Result<Response<Body>, TransportError> {
            Err(TransportError::new(TransportErrorKind::Broken, Sent::Maybe))
        }
    }
    let client = BlockingClient::builder(Lost, credentials()).build();
    client.init_face_verify(&init()).unwrap_err();
    let text = log.text();
    assert_eq!((lines(&text, "INFO").len(), lines(&text, "WARN").len()), (4, 2), "{text}");
    assert!(
        lines(&text, "WARN").last().is_some_and(|line| line.contains("cloudauth.executed=Maybe")),
        "{text}"
    );
    assert_clean("the log", &text);
}
