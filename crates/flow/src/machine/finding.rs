//! The result of an attempt: evidence of `DescribeFaceVerify`, and the decision of a policy on it.

use std::fmt;
use std::hash::{Hash, Hasher};

use cloudauth_policy::{Decision, Evidence, Flag, LivePolicy, Verdict};
use cloudauth_protocol::{
    CertifyId, DescribeFaceVerify, FaceVerifyStatus, Reply, RequestId, SubCode, has_digit_run, mask_digits,
};
use serde::{Deserialize, Serialize};

/// The result of an attempt. Only [`Finding::decide`] makes one, from a reply of `DescribeFaceVerify` and a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    certify_id: CertifyId,
    request_id: Option<RequestId>,
    evidence: Option<EvidenceRecord>,
    decision: DecisionRecord,
}

/// The evidence that a reviewer sees. It holds no personal data: a code or a label with another form than the vendor's is
/// replaced by `(unreadable)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EvidenceRecord {
    /// `SubCode`.
    pub sub_code: Option<Box<str>>,
    /// `Passed`: `T` or `F`.
    pub passed: Option<bool>,
    /// `faceAttack`.
    pub face_attack: Option<bool>,
    /// `faceOcclusion`.
    pub face_occlusion: Option<bool>,
    /// `verifyScore`.
    pub verify_score: Option<Score>,
    /// `qualityScore`.
    pub quality_score: Option<Score>,
    /// `faceAttackScore`.
    pub face_attack_score: Option<Score>,
    /// `DeviceRisk`, at most 32 labels.
    pub device_risk: Vec<Box<str>>,
}

/// The decision of a policy, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DecisionRecord {
    /// The verdict.
    pub verdict: VerdictRecord,
    /// The id of the policy.
    pub policy: Box<str>,
    /// The version of the policy.
    pub version: Box<str>,
    /// The hash of the policy's content.
    pub policy_hash: Box<str>,
    /// The rule that decided.
    pub rule: Box<str>,
    /// The reason, a code for programs.
    pub reason: Box<str>,
    /// The hint for the person, a code.
    pub hint: Option<Box<str>>,
    /// The queue of a review.
    pub queue: Option<Box<str>>,
}

/// A verdict, as stored.
///
/// Exhaustive on purpose, like [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictRecord {
    /// Approve the person.
    Approve,
    /// A reviewer decides.
    Review,
    /// The person may try again.
    Retry,
    /// Reject the person.
    Reject,
}

/// A finite score.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Score(f64);

/// The text of a code or a label that may be personal data.
const UNREADABLE: &str = "(unreadable)";

impl Finding {
    /// Decides a reply by the policy in force. Returns `None` while the verification is pending.
    ///
    /// `asked` is the operation that `reply` answers: the result counts only for the attempt with its CertifyId.
    #[must_use]
    pub fn decide(
        asked: &DescribeFaceVerify,
        reply: &Reply<FaceVerifyStatus>,
        policy: &LivePolicy,
    ) -> Option<Self> {
        let live = policy.decide_reply(asked, reply)?;
        Some(Self {
            certify_id: asked.certify_id().clone(),
            // An ID number in its place is not kept.
            request_id: reply.request_id.clone().filter(|id| !may_be_of_a_person(id.as_str())),
            evidence: Some(EvidenceRecord::new(&Evidence::from(&reply.output))),
            decision: DecisionRecord::new(&live.decision()),
        })
    }

    /// Returns the verification at the service that the result belongs to.
    #[must_use]
    pub const fn certify_id(&self) -> &CertifyId {
        &self.certify_id
    }

    /// Returns the RequestId of the reply; `None` after a redaction, or if it has the form of an ID or phone number.
    #[must_use]
    pub const fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    /// Returns the evidence; `None` after a redaction.
    #[must_use]
    pub const fn evidence(&self) -> Option<&EvidenceRecord> {
        self.evidence.as_ref()
    }

    /// Returns the decision.
    #[must_use]
    pub const fn decision(&self) -> &DecisionRecord {
        &self.decision
    }

    /// Whether the service will refuse the same identity from now on, with Code 417.
    pub(crate) fn blocks_identity(&self) -> bool {
        let code = self.evidence.as_ref().and_then(|evidence| evidence.sub_code.as_deref());
        code.is_some_and(|code| {
            matches!(
                SubCode::from_wire(code),
                SubCode::NameAndNumberDiffer | SubCode::IdentityNotFound | SubCode::NoReferencePicture
            )
        })
    }

    /// Erases the evidence.
    pub(crate) fn redact(&mut self) {
        self.evidence = None;
        self.request_id = None;
    }
}

impl EvidenceRecord {
    fn new(evidence: &Evidence<'_>) -> Self {
        let truth = |flag| match flag {
            Flag::True => Some(true),
            Flag::False => Some(false),
            Flag::Invalid => None,
        };
        let label = |label: &str| -> Box<str> {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            let plain = (1..=48).contains(&label.len()) && label.bytes().all(fits);
            if plain && mask_digits(label) == label { label } else { UNREADABLE }.into()
        };
        let is_code = |code: &str| code.len() <= 4 && code.bytes().all(|b| b.is_ascii_digit());
        Self {
            sub_code: evidence.sub_code.map(|code| if is_code(code) { code } else { UNREADABLE }.into()),
            passed: truth(evidence.passed),
            face_attack: truth(evidence.face_attack),
            face_occlusion: truth(evidence.face_occlusion),
            verify_score: evidence.verify_score.and_then(Score::new),
            quality_score: evidence.quality_score.and_then(Score::new),
            face_attack_score: evidence.face_attack_score.and_then(Score::new),
            device_risk: evidence.device_risk.iter().take(32).map(|text| label(text)).collect(),
        }
    }
}

impl DecisionRecord {
    /// An approval without an [`Approval`](cloudauth_policy::Approval) becomes a review.
    fn new(decision: &Decision<'_>) -> Self {
        let verdict = match decision.verdict() {
            Verdict::Approve if decision.approval().is_some() => VerdictRecord::Approve,
            Verdict::Approve | Verdict::Review => VerdictRecord::Review,
            Verdict::Retry => VerdictRecord::Retry,
            Verdict::Reject => VerdictRecord::Reject,
        };
        let policy = decision.policy();
        Self {
            verdict,
            policy: policy.id.as_str().into(),
            version: policy.version.as_str().into(),
            policy_hash: policy.content_hash.as_str().into(),
            rule: decision.rule().into(),
            reason: decision.reason().into(),
            hint: decision.hint().map(Into::into),
            queue: decision.queue().map(Into::into),
        }
    }
}

impl Score {
    /// `None` if the score is not finite.
    fn new(score: f64) -> Option<Self> {
        // The two zeros are equal and have the same hash.
        score.is_finite().then_some(Self(score + 0.0))
    }

    /// Returns the score.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// A score is never NaN.
impl Eq for Score {}

impl Hash for Score {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Debug for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns whether a RequestId may be an ID or phone number: it has eleven digits in a row, and is not of the form of the service's own.
fn may_be_of_a_person(id: &str) -> bool {
    has_digit_run(id, 11) && mask_digits(id) != id
}

#[cfg(test)]
mod tests {
    use cloudauth_policy::{Policy, builtin};
    use cloudauth_protocol::{Body, SceneId, parse};

    use super::*;

    #[test]
    fn a_request_id_is_kept_unless_it_may_be_a_number_of_a_person() {
        let policy = LivePolicy::new(Policy::parse(builtin::VENDOR).unwrap());
        let asked = DescribeFaceVerify::new(SceneId::new(1).unwrap(), CertifyId::new("sha1").unwrap());
        for (id, is_kept) in [
            ("130A2C10-B9EE-4D84-88E3-5384FF039795", true),
            ("999999199001012003", false),
            ("13800000000", false),
            ("req-1380000000", true),
        ] {
            let body = format!(
                r#"{{"Code":"200","RequestId":"{id}","ResultObject":{{"Passed":"T","SubCode":"200"}}}}"#
            );
            let reply = parse::<DescribeFaceVerify>(&http::Response::new(Body::from(body))).unwrap();
            let finding = Finding::decide(&asked, &reply, &policy).unwrap();
            assert_eq!(finding.request_id().is_some(), is_kept, "{id}");
            assert_eq!(serde_json::to_string(&finding).unwrap().contains(id), is_kept, "{id}");
        }
    }
}
