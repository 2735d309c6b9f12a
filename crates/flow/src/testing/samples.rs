//! Samples: starts, sessions and results of people who do not exist.

use cloudauth_policy::{LivePolicy, Policy, builtin};
use cloudauth_protocol::{Body, CertifyId, DescribeFaceVerify, OuterOrderNo, SceneId, UnixTime, parse};

use crate::machine::finding::Finding;
use crate::machine::ids::{
    CapabilityHash, ConsentText, IdempotencyKey, IdentityRef, OrderRef, Purpose, Region, SubjectRef,
    VerificationId,
};
use crate::machine::input::{Opened, Start};
use crate::machine::rules::{Retention, Rules};
use crate::machine::state::Consent;

/// The error of a sample.
pub type SampleError = Box<dyn std::error::Error + Send + Sync>;

/// The time at which the samples begin: 2026-01-02T02:50:45Z.
pub const BEGIN: UnixTime = UnixTime::from_secs(1_767_322_245);

/// The default rules, with a retention of 30 days.
#[must_use]
pub fn rules() -> Rules {
    Rules::new(retention())
}

/// A retention of 30 days.
#[must_use]
pub fn retention() -> Retention {
    #[expect(clippy::expect_used, reason = "the number of days is fixed")]
    Retention::days(30).expect("a retention")
}

/// A request to start the order `number`. All of its identifiers are derived from the number; `attempt` distinguishes several
/// starts of the order.
///
/// # Errors
/// Never, for numbers below 2^40.
pub fn start(number: u64, attempt: u8) -> Result<Start, SampleError> {
    let of_order = bytes(number, 7);
    Ok(Start {
        id: VerificationId::new(bytes(number, 9)),
        order: OrderRef::new(&format!("order-{number}"))?,
        subject: SubjectRef::from_hmac(of_order),
        scene: SceneId::new(1_000_000_006)?,
        purpose: Purpose::new("account-opening")?,
        key: IdempotencyKey::new(&format!("key-{attempt}"))?,
        identity: IdentityRef::from_hmac(of_order),
        consent: Consent::new(BEGIN, ConsentText::new("2026-01")?),
        order_no: OuterOrderNo::generate(bytes(number, attempt)),
        capability: CapabilityHash::new(bytes(number, attempt)),
        page: None,
    })
}

/// The number, followed by the same byte.
fn bytes<const N: usize>(number: u64, fill: u8) -> [u8; N] {
    let mut bytes = [fill; N];
    bytes.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    bytes
}

/// The session of the attempt that [`start`] reserves.
///
/// # Errors
/// Never, for numbers below 2^40.
pub fn opened(number: u64, attempt: u8) -> Result<Opened, SampleError> {
    let order_no = start(number, attempt)?.order_no;
    Ok(Opened {
        certify_id: CertifyId::new(&format!("sha{number:028x}{attempt}"))?,
        order_no,
        region: Some(Region::new("cloudauth.cn-shanghai.aliyuncs.com")?),
        link: None,
    })
}

/// The result of a verification by the vendor's own rule (policy `vendor`): SubCode 200 is approved, 201 and 204 ask for another
/// attempt, 202 and 205 need a review.
///
/// # Errors
/// If the SubCode has a character that JSON cannot have in a text.
pub fn finding(certify_id: &CertifyId, sub_code: &str) -> Result<Finding, SampleError> {
    decided(certify_id, sub_code, builtin::VENDOR)
}

/// Like [`finding`], by a policy that rejects SubCode 204.
///
/// # Errors
/// If the SubCode has a character that JSON cannot have in a text.
pub fn strict_finding(certify_id: &CertifyId, sub_code: &str) -> Result<Finding, SampleError> {
    decided(certify_id, sub_code, &strict_policy()?)
}

/// The text of the policy `vendor`, which rejects SubCode 204.
///
/// # Errors
/// Never.
pub fn strict_policy() -> Result<String, SampleError> {
    let (head, tail) =
        builtin::VENDOR.split_once("id = \"face-differs\"").ok_or("the policy has the rule")?;
    let tail = tail.replacen("decision = \"retry\"", "decision = \"reject\"", 1);
    Ok(format!("{head}id = \"face-differs\"{tail}"))
}

fn decided(certify_id: &CertifyId, sub_code: &str, policy: &str) -> Result<Finding, SampleError> {
    let passed = if matches!(sub_code, "200" | "210") { "T" } else { "F" };
    let material = r#"{\"faceAttack\":\"F\",\"facialPictureFront\":{\"verifyScore\":88.2500000001,\"qualityScore\":0.1}}"#;
    let body = format!(
        r#"{{"Code":"200","Message":"success","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795","ResultObject":{{
            "Passed":"{passed}","SubCode":"{sub_code}","MaterialInfo":"{material}","DeviceRisk":"VirtualCamera"}}}}"#
    );
    let asked = DescribeFaceVerify::new(SceneId::new(1_000_000_006)?, certify_id.clone());
    let reply = parse::<DescribeFaceVerify>(&http::Response::new(Body::from(body)))?;
    let live = LivePolicy::new(Policy::parse(policy)?);
    Finding::decide(&asked, &reply, &live).ok_or_else(|| "the sample is finished".into())
}
