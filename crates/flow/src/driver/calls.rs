//! The calls about a session, to the region that created it.

use cloudauth_client::ErrorKind;
use cloudauth_protocol::{
    CertifyId, Code, DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, OuterOrderNo, mask_digits,
};

use crate::driver::flow::Flow;
use crate::driver::quota::Quota;
use crate::driver::region::region;
use crate::machine::commit::Stored;
use crate::machine::finding::Finding;
use crate::machine::ids::{LookError, Region};
use crate::machine::input::Look;
use crate::store::contract::Store;

impl<S: Store> Flow<S> {
    /// Looks at the result of an attempt, and decides it by the policy in force.
    pub(crate) async fn look(&self, stored: &Stored, order_no: &OuterOrderNo, certify_id: CertifyId) -> Look {
        let created_in = self.aim(stored, order_no, &certify_id);
        let asked = DescribeFaceVerify::new(stored.verification.scene, certify_id);
        let (result, report) = self.client.call_reported(&asked).await;
        self.owe(Quota::Looks, report.requests.saturating_sub(1));
        let region = region(&report.endpoint);
        match result {
            Ok(reply) => match Finding::decide(&asked, &reply, &self.policy) {
                Some(finding) => Look::Finished(Box::new(finding)),
                // Another region knows nothing of the session, so its code does not matter.
                None if region.as_ref() != created_in => Look::Unknown { region },
                None => Look::Pending,
            },
            Err(error) if error.code() == Some(&Code::InvalidCertifyId) => Look::Unknown { region },
            Err(error) => Look::Failed { transient: error.is_transient(), error: reason(&error) },
        }
    }

    /// Whether the service has deleted its data. It may ask for a look at the result before.
    pub(crate) async fn delete(
        &self,
        stored: &Stored,
        order_no: &OuterOrderNo,
        certify_id: CertifyId,
    ) -> bool {
        self.aim(stored, order_no, &certify_id);
        let op = DeleteFaceVerifyResult::new(certify_id.clone());
        // The sweep reserved the first request.
        let (first, requests) = self.deletion(&op).await;
        self.owe(Quota::Deletions, requests.saturating_sub(1));
        if first != Some(Deletion::ResultNotQueried) {
            return is_deleted(first.as_ref());
        }
        // The answer does not matter: only the next deletion tells.
        let look = DescribeFaceVerify::new(stored.verification.scene, certify_id);
        let (_, report) = self.client.call_reported(&look).await;
        self.owe(Quota::Looks, report.requests);
        let (again, requests) = self.deletion(&op).await;
        self.owe(Quota::Deletions, requests);
        is_deleted(again.as_ref())
    }

    async fn deletion(&self, op: &DeleteFaceVerifyResult) -> (Option<Deletion>, u32) {
        let (result, report) = self.client.call_reported(op).await;
        (result.ok().map(|reply| reply.output), report.requests)
    }

    /// Sends the calls about a session to the region that created it, which this process may not know. Returns the region.
    fn aim<'a>(
        &self,
        stored: &'a Stored,
        order_no: &OuterOrderNo,
        session: &CertifyId,
    ) -> Option<&'a Region> {
        let created_in = stored.verification.attempt(order_no)?.region.as_ref()?;
        let mut endpoints = self.client.settings().endpoints.iter();
        if let Some(endpoint) = endpoints.find(|endpoint| region(endpoint).as_ref() == Some(created_in)) {
            self.client.set_origin(session, endpoint);
        }
        Some(created_in)
    }
}

const fn is_deleted(deletion: Option<&Deletion>) -> bool {
    matches!(deletion, Some(Deletion::Deleted | Deletion::AlreadyDeleted))
}

/// The reason of a failed call: the code of the service or the gateway, or the kind of the failure. A code of an unknown form is
/// not kept, because it may hold anything.
fn reason(error: &cloudauth_client::Error) -> LookError {
    let code = error.code().map(ToString::to_string);
    let code = code.or_else(|| error.gateway_code().map(ToString::to_string));
    let code = code.filter(|code| mask_digits(code) == *code).and_then(|code| LookError::new(&code).ok());
    code.unwrap_or_else(|| {
        LookError::fixed(match error.kind() {
            ErrorKind::Build => "build",
            ErrorKind::Credentials => "credentials",
            ErrorKind::Transport => "transport",
            ErrorKind::Gateway => "gateway",
            ErrorKind::Refused => "refused",
            ErrorKind::Malformed => "malformed",
            ErrorKind::Deadline => "deadline",
            _ => "other",
        })
    })
}
