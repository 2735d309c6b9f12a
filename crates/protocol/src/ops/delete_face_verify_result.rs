//! `DeleteFaceVerifyResult`: deletes the data that the service keeps of a verification.
//!
//! Vendor's page: <https://api.aliyun.com/document/Cloudauth/2019-03-07/DeleteFaceVerifyResult>

use serde::Deserialize;

use crate::codes::Code;
use crate::operation::{Effect, Operation};
use crate::reply::lenient::LenientString;
use crate::reply::{Answer, Reply, ReplyError};
use crate::values::order::CertifyId;
use crate::wire::params::{ParamLocation, Params, name};

/// Deletes name, ID number, phone, address, pictures, videos and device data at the service. It does not delete pictures in your
/// own OSS bucket: delete those yourself.
#[derive(Clone, Debug)]
pub struct DeleteFaceVerifyResult {
    certify_id: CertifyId,
    delete_after_query: Option<bool>,
}

impl DeleteFaceVerifyResult {
    /// Deletes the data of the verification `certify_id`.
    #[must_use]
    pub const fn new(certify_id: CertifyId) -> Self {
        Self { certify_id, delete_after_query: None }
    }

    /// `DeleteAfterQuery`: whether the deletion waits until the result has been queried.
    #[must_use]
    pub const fn delete_after_query(mut self, wait: bool) -> Self {
        self.delete_after_query = Some(wait);
        self
    }
}

impl Operation for DeleteFaceVerifyResult {
    type Output = Deletion;

    fn action(&self) -> &str {
        "DeleteFaceVerifyResult"
    }

    fn effect(&self) -> Effect {
        Effect::HarmlessWrite
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.push_known(name!("CertifyId"), ParamLocation::Query, self.certify_id.as_str());
        let wait = self.delete_after_query.map(|wait| if wait { "Y" } else { "N" });
        params.push_known_opt(name!("DeleteAfterQuery"), ParamLocation::Query, wait);
    }

    fn session(&self) -> Option<&CertifyId> {
        Some(&self.certify_id)
    }

    fn read(answer: &Answer<'_>) -> Result<Reply<Deletion>, ReplyError> {
        let product = answer.product::<Wire<'_>>()?;
        if product.code != Code::Success {
            return Err(product.refused());
        }
        let reason = |wire: &Wire<'_>| match wire.fail_reason.filled() {
            Some("NOT_DELETE_REPEATEDLY") => Deletion::AlreadyDeleted,
            Some("NEED_QUERY_VERIFY_RESULT") => Deletion::ResultNotQueried,
            other => Deletion::NotDeleted(other.map(Into::into)),
        };
        let deletion = match &product.result {
            Some(wire) if wire.delete_result.filled() == Some("Y") => Deletion::Deleted,
            Some(wire) if wire.delete_result.filled().is_some() => reason(wire),
            _ => return Err(product.lacks("ResultObject.DeleteResult")),
        };
        Ok(product.reply(deletion))
    }
}

/// The outcome of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deletion {
    /// The data was deleted.
    Deleted,
    /// `NOT_DELETE_REPEATEDLY`: the data had been deleted before.
    AlreadyDeleted,
    /// `NEED_QUERY_VERIFY_RESULT`: query the result first.
    ResultNotQueried,
    /// Not deleted, with the reason, if the service gave one.
    NotDeleted(Option<Box<str>>),
}

#[derive(Default, Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, rename = "DeleteResult")]
    delete_result: LenientString<'a>,
    #[serde(borrow, default, rename = "FailReason")]
    fail_reason: LenientString<'a>,
}
