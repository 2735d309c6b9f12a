//! Complete verifications over HTTP on loopback: client, transport and emulator together.

#![cfg(test)]

mod callbacks;
#[path = "../receiver/mod.rs"]
mod receiver;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cloudauth::{
    Callback, CallbackKeys, CallbackUrl, CertName, CertNo, CertifyId, CertifyUrlStyle, Client, Code,
    Credentials, DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, Effect, Error, FaceVerifySession,
    FaceVerifyStatus, GatewayCode, Identity, InitFaceVerify, MetaInfo, Nonce, Outcome, OuterOrderNo,
    RawOperation, ReqwestTransport, ReturnHint, ReturnUrl, SceneId, Signing, Stamp, SubCode, UnixTime,
    prepare,
};
use cloudauth_emulator::{Clock, Emulator, id_number};
use cloudauth_transport::{Limits, Transport};

const ALL: [Signing; 5] = [Signing::V1, Signing::V1Get, Signing::V3, Signing::V3Get, Signing::V3Body];

fn scene() -> SceneId {
    SceneId::new(1_000_000_006).unwrap()
}

fn order() -> OuterOrderNo {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    OuterOrderNo::new(&format!("order{}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
}

fn init(number: &str) -> InitFaceVerify {
    InitFaceVerify::new(
        scene(),
        order(),
        // Characters that break a wrong encoder: one beyond the basic plane, a middle dot, reserved characters.
        Identity::plain(CertName::new("阿卜·𠮷").unwrap(), CertNo::new(number).unwrap()),
        ReturnUrl::new("https://shop.example/back?q=*~+/%20%25&x=!'()#done").unwrap(),
        MetaInfo::new(r#"{"zimVer":"3.0.0","x":"a b+c&d=e%f\n"}"#).unwrap(),
    )
    .certify_url_style(CertifyUrlStyle::Long)
}

fn client_with(emulator: &Emulator, credentials: Credentials, signing: Signing) -> Client {
    Client::builder(ReqwestTransport::new().unwrap(), credentials)
        .endpoint(emulator.url().parse().unwrap())
        .signing(signing)
        .build()
}

fn client(emulator: &Emulator, signing: Signing) -> Client {
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    client_with(emulator, by, signing)
}

async fn start(client: &Client, number: &str) -> FaceVerifySession {
    client.init_face_verify(&init(number)).await.unwrap().output
}

async fn describe(client: &Client, id: &CertifyId) -> Result<FaceVerifyStatus, Error> {
    let reply = client.describe_face_verify(&DescribeFaceVerify::new(scene(), id.clone())).await?;
    Ok(reply.output)
}

/// Submits the link as the person's browser would. Returns the status and the redirect.
async fn submit(session: &FaceVerifySession, form: &'static str) -> (u16, Option<String>) {
    let browser =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let link = session.certify_url.as_ref().unwrap().expose();
    let answer = browser.post(format!("{link}/submit")).body(form).send().await.unwrap();
    let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location)
}

fn magic(born: &str, digits: u16) -> String {
    id_number(born, digits).unwrap()
}

#[tokio::test]
async fn verification_succeeds_under_every_signature() {
    let emulator = Emulator::builder().start().await.unwrap();
    for signing in ALL {
        let client = client(&emulator, signing);
        let session = start(&client, "999999199001012003").await;
        assert_eq!(
            describe(&client, &session.certify_id).await.unwrap().outcome(),
            Outcome::Pending,
            "{signing:?}"
        );
        let (status, location) = submit(&session, "").await;
        assert_eq!(status, 303);
        let hint = ReturnHint::parse(&location.unwrap()).unwrap();
        assert_eq!(hint.claimed_certify_id(), Some(&session.certify_id));
        assert_eq!(
            describe(&client, &session.certify_id).await.unwrap().outcome(),
            Outcome::Passed,
            "{signing:?}"
        );
    }
}

#[tokio::test]
async fn temporary_credentials_send_their_token() {
    let emulator =
        Emulator::builder().temporary_key("STS.EMU", "s", "CAIS+token/==&%").start().await.unwrap();
    for signing in ALL {
        let with =
            |token| client_with(&emulator, Credentials::temporary("STS.EMU", "s", token).unwrap(), signing);
        start(&with("CAIS+token/==&%"), "999999199001012003").await;
        let error = with("other").init_face_verify(&init("999999199001012003")).await.unwrap_err();
        assert_eq!(error.gateway_code(), Some(&GatewayCode::SecurityTokenMismatch), "{signing:?}");
        let without = client_with(&emulator, Credentials::new("STS.EMU", "s").unwrap(), signing);
        let error = without.init_face_verify(&init("999999199001012003")).await.unwrap_err();
        assert_eq!(error.gateway_code(), Some(&GatewayCode::MissingSecurityToken), "{signing:?}");
    }
}

#[tokio::test]
async fn wrong_key_or_secret_is_rejected() {
    let emulator = Emulator::builder().start().await.unwrap();
    for signing in ALL {
        let by = |id, secret| client_with(&emulator, Credentials::new(id, secret).unwrap(), signing);
        for (client, expected) in [
            (by(Emulator::ACCESS_KEY_ID, "wrong"), GatewayCode::SignatureDoesNotMatch),
            (by("unknown", "wrong"), GatewayCode::AccessKeyNotFound),
        ] {
            let error = client.init_face_verify(&init("999999199001012003")).await.unwrap_err();
            assert_eq!(error.gateway_code(), Some(&expected), "{signing:?}");
            assert!(error.request_id().is_some());
        }
    }
}

#[tokio::test]
async fn wrong_clock_and_used_nonce_are_rejected() {
    let now = UnixTime::from_secs(1_767_323_045);
    let emulator = Emulator::builder().clock(Clock::frozen(now)).start().await.unwrap();
    let (transport, endpoint) = (ReqwestTransport::new().unwrap(), emulator.url().parse().unwrap());
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    let op = DescribeFaceVerify::new(scene(), CertifyId::new("sha1").unwrap());
    for signing in ALL {
        let nonce = |byte| Nonce::from_entropy([byte ^ signing as u8; 16]);
        for (stamp, expected) in [
            (Stamp::new(now, nonce(0x10)), "406"),
            (Stamp::new(now, nonce(0x10)), "SignatureNonceUsed"),
            (Stamp::new(now.plus(Duration::from_secs(899)), nonce(0x20)), "406"),
            (Stamp::new(now.plus(Duration::from_secs(901)), nonce(0x30)), "InvalidTimeStamp.Expired"),
            (Stamp::new(UnixTime::from_secs(now.as_secs() - 901), nonce(0x40)), "InvalidTimeStamp.Expired"),
        ] {
            let request = prepare(&op, &endpoint, &by, signing, stamp).unwrap();
            let response = transport.send(request.into_http(), &Limits::DEFAULT).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(response.body().as_bytes()).unwrap();
            assert_eq!(body["Code"], expected, "{signing:?}");
        }
    }
}

#[tokio::test]
async fn link_accepts_one_submission_and_expires_after_30_minutes() {
    let clock = Clock::system();
    let emulator = Emulator::builder().clock(clock.clone()).start().await.unwrap();
    let client = client(&emulator, Signing::V1);
    let session = start(&client, "999999199001012003").await;
    assert_eq!(submit(&session, "").await.0, 303);
    assert_eq!(submit(&session, "").await.0, 409);

    let late = start(&client, "999999199001012003").await;
    clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(submit(&late, "").await.0, 410);
    assert_eq!(describe(&client, &late.certify_id).await.unwrap().outcome(), Outcome::Pending, "permanently");
}

#[tokio::test]
async fn magic_identities_choose_the_outcome() {
    // No retries and no limit of calls, because the client would wait for both.
    let emulator = Emulator::builder().calls_per_second(None).start().await.unwrap();
    let client = client(&emulator, Signing::V1).with(|settings| settings.attempts = 1);
    for row in SubCode::MANUAL {
        let session = start(&client, &magic("19900101", row.code.parse().unwrap())).await;
        submit(&session, "").await;
        let FaceVerifyStatus::Finished(result) = describe(&client, &session.certify_id).await.unwrap() else {
            panic!()
        };
        assert_eq!(result.sub_code.as_ref().unwrap().as_str(), row.code);
        let passes = matches!(row.code, "200" | "210");
        assert_eq!(
            result.outcome(),
            if passes { Outcome::Passed } else { Outcome::NotPassed },
            "{}",
            row.code
        );
        let material = result.material_info.parse().unwrap();
        let compared = !matches!(row.code, "201" | "202" | "203");
        assert_eq!(material.facial_picture_front.verify_score.value().is_some(), compared, "{}", row.code);
    }
    for row in Code::MANUAL.iter().filter(|row| row.code != "200") {
        let code = row.code.parse().unwrap();
        let error = client.init_face_verify(&init(&magic("19910101", code))).await.unwrap_err();
        assert_eq!(error.code().unwrap().as_str(), row.code);

        let session = start(&client, &magic("19920101", code)).await;
        submit(&session, "").await;
        match describe(&client, &session.certify_id).await {
            Ok(FaceVerifyStatus::Pending(code)) => assert_eq!(code.as_str(), row.code),
            Ok(other) => panic!("{} gave {other:?}", row.code),
            Err(error) => assert_eq!(error.code().unwrap().as_str(), row.code),
        }
    }
    for (tenths, outcome) in [(699, Outcome::NotPassed), (700, Outcome::Passed), (1000 - 1, Outcome::Passed)]
    {
        let session = start(&client, &magic("20000101", tenths)).await;
        submit(&session, "").await;
        let FaceVerifyStatus::Finished(result) = describe(&client, &session.certify_id).await.unwrap() else {
            panic!()
        };
        let score = result.material_info.parse().unwrap().facial_picture_front.verify_score.value();
        assert_eq!((score, result.outcome()), (Some(f64::from(tenths) / 10.0), outcome));
    }
}

#[tokio::test]
async fn choice_at_submission_overrides_the_magic_identity() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, Signing::V1);
    let session = start(&client, "999999199001012003").await;
    submit(&session, "sub_code=205").await;
    assert_eq!(describe(&client, &session.certify_id).await.unwrap().outcome(), Outcome::NotPassed);
}

#[tokio::test]
async fn emulator_refuses_what_the_service_refuses() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, Signing::V1);
    // An ID number outside the synthetic area, with a correct check character.
    let error = client.init_face_verify(&init("11010519491231002X")).await.unwrap_err();
    assert_eq!(error.code(), Some(&Code::IllegalParameter));
    // A MetaInfo that does not come from a browser.
    let person = Identity::plain(CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap());
    let stale = InitFaceVerify::new(
        scene(),
        order(),
        person,
        ReturnUrl::new("https://shop.example").unwrap(),
        MetaInfo::new("{}").unwrap(),
    );
    assert_eq!(client.init_face_verify(&stale).await.unwrap().output.certify_url, None);
    let error = describe(&client, &CertifyId::new("unknown").unwrap()).await.unwrap_err();
    assert_eq!(error.code(), Some(&Code::InvalidCertifyId));
    let error = client.call(&RawOperation::new("CompareFaces", Effect::Read).unwrap()).await.unwrap_err();
    assert_eq!(error.gateway_code(), Some(&GatewayCode::ActionNotFound));
}

#[tokio::test]
async fn deleted_result_is_gone() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, Signing::V3);
    let session = start(&client, "999999199001012003").await;
    let delete = DeleteFaceVerifyResult::new(session.certify_id.clone());
    let careful = delete.clone().delete_after_query(true);
    assert_eq!(client.delete_face_verify_result(&careful).await.unwrap().output, Deletion::ResultNotQueried);
    assert_eq!(client.delete_face_verify_result(&delete).await.unwrap().output, Deletion::Deleted);
    assert_eq!(client.delete_face_verify_result(&delete).await.unwrap().output, Deletion::AlreadyDeleted);
    assert!(describe(&client, &session.certify_id).await.is_err());
}

#[tokio::test]
async fn gateway_answers_xml_without_a_format() {
    let emulator = Emulator::builder().start().await.unwrap();
    let answer = reqwest::get(format!("{}/?Action=DescribeFaceVerify", emulator.url())).await.unwrap();
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("<?xml") && text.contains("<Code>MissingParameter</Code>"), "{text}");
}

#[tokio::test]
async fn a_dead_endpoint_reports_that_nothing_was_sent() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, Signing::V1).with(|settings| settings.attempts = 1);
    let address = emulator.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    drop(emulator);
    // The listener is closed by a task of its own.
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let error = client.init_face_verify(&init("999999199001012003")).await.unwrap_err();
    assert_eq!(error.executed(), cloudauth::Executed::No);
}

#[tokio::test]
async fn fails_over_from_a_dead_endpoint_and_stays_with_the_one_that_started_the_verification() {
    let dead = Emulator::builder().start().await.unwrap();
    let dead_url: cloudauth::Endpoint = dead.url().parse().unwrap();
    drop(dead);
    let emulator = Emulator::builder().start().await.unwrap();
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    let client = Client::builder(ReqwestTransport::new().unwrap(), by)
        .endpoints([dead_url, emulator.url().parse().unwrap()])
        .build();
    let session = start(&client, "999999199001012003").await;
    submit(&session, "").await;
    assert_eq!(describe(&client, &session.certify_id).await.unwrap().outcome(), Outcome::Passed);
}

#[tokio::test]
async fn client_with_a_wrong_clock_learns_the_endpoint_time() {
    let clock = Clock::system();
    let emulator = Emulator::builder().clock(clock.clone()).start().await.unwrap();
    clock.advance(Duration::from_secs(3 * 3600));
    let client = client(&emulator, Signing::V1);
    let session = start(&client, "999999199001012003").await;
    assert_eq!(describe(&client, &session.certify_id).await.unwrap().outcome(), Outcome::Pending);
}

#[tokio::test]
async fn policy_in_force_decides_the_result() {
    use cloudauth::policy::{LivePolicy, Policy, Verdict, builtin};

    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, Signing::V1);
    let live = LivePolicy::new(Policy::parse(builtin::ONBOARDING).unwrap());
    for (number, expected) in [
        (id_number("19900101", 200).unwrap(), (Verdict::Approve, "approve")),
        (id_number("20000101", 749).unwrap(), (Verdict::Review, "grey-zone")),
        (id_number("20000101", 750).unwrap(), (Verdict::Approve, "approve")),
        (id_number("19900101", 201).unwrap(), (Verdict::Retry, "name-id-mismatch")),
        (id_number("19900101", 205).unwrap(), (Verdict::Reject, "attack-flag")),
        (id_number("19900101", 299).unwrap(), (Verdict::Review, "unknown-code")),
    ] {
        let session = start(&client, &number).await;
        let describe = DescribeFaceVerify::new(scene(), session.certify_id.clone());
        let pending = client.decide(&describe, &live).await.unwrap();
        assert!(pending.decision().is_none(), "a pending verification has no decision");
        submit(&session, "").await;
        let decided = client.decide(&describe, &live).await.unwrap();
        let decision = decided.decision().unwrap();
        assert_eq!((decision.verdict(), decision.rule()), expected, "{number}");
        let approval = decision.approval();
        assert_eq!(approval.is_some(), expected.0 == Verdict::Approve);
        if let Some(approval) = approval {
            assert_eq!(approval.certify_id(), &session.certify_id);
            assert_eq!(approval.request_id(), decided.reply().request_id.as_ref());
        }
    }
}

#[tokio::test]
async fn other_magic_identities_cause_their_documented_outcome() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, Signing::V1);
    // The result is available after three more polls.
    let session = start(&client, &magic("20010101", 3)).await;
    submit(&session, "").await;
    for asked in 0..5 {
        let is_pending =
            matches!(describe(&client, &session.certify_id).await.unwrap(), FaceVerifyStatus::Pending(_));
        assert_eq!(is_pending, asked < 3, "poll {asked}");
    }
    // The person cancels. The link cannot be used again.
    let session = start(&client, &magic("20030101", 1)).await;
    let (status, back) = submit(&session, "").await;
    let hint = ReturnHint::parse(&back.unwrap()).unwrap();
    assert_eq!((status, hint.code().as_str()), (303, "1003"));
    assert_eq!(submit(&session, "").await.0, 409);
    assert!(matches!(describe(&client, &session.certify_id).await.unwrap(), FaceVerifyStatus::Pending(_)));
    // The link expires immediately.
    let session = start(&client, &magic("20030101", 2)).await;
    assert_eq!(submit(&session, "").await.0, 410);
    // The next poll fails once; the client retries.
    for fault in [1, 2, 3, 4, 5, 6, 7, 8] {
        let session = start(&client, &magic("20040101", fault)).await;
        submit(&session, "").await;
        let once = client.with(|settings| settings.attempts = 1);
        assert!(describe(&once, &session.certify_id).await.is_err(), "fault {fault}");
        assert!(matches!(
            describe(&client, &session.certify_id).await.unwrap(),
            FaceVerifyStatus::Finished(_)
        ));
    }
}

#[tokio::test]
async fn identity_without_a_source_cannot_start_again() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, Signing::V1);
    for sub_code in [201, 202, 203, 204] {
        let number = magic("19900101", sub_code);
        let session = start(&client, &number).await;
        submit(&session, "").await;
        let again = client.init_face_verify(&init(&number)).await;
        match sub_code {
            204 => assert!(again.is_ok(), "the person may try again"),
            _ => assert_eq!(again.unwrap_err().code(), Some(&Code::CannotUseFace)),
        }
    }
}
