//! `DeleteFaceVerifyResult`: deletes the data that the service keeps of a verification.
//!
//! Vendor's page: <https://api.aliyun.com/document/Cloudauth/2019-03-07/DeleteFaceVerifyResult>

use std::fmt;

use serde::Deserialize;

use crate::codes::Code;
use crate::operation::{Effect, Operation};
use crate::redact::printable;
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
#[derive(Clone, PartialEq, Eq)]
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

/// Shows the reason only if it is an identifier.
impl fmt::Debug for Deletion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("Deleted"),
            Self::AlreadyDeleted => f.write_str("AlreadyDeleted"),
            Self::ResultNotQueried => f.write_str("ResultNotQueried"),
            Self::NotDeleted(reason) => {
                f.debug_tuple("NotDeleted").field(&reason.as_deref().map(printable)).finish()
            }
        }
    }
}

#[derive(Default, Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, rename = "DeleteResult")]
    delete_result: LenientString<'a>,
    #[serde(borrow, default, rename = "FailReason")]
    fail_reason: LenientString<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_a_reason_only_if_it_is_an_identifier() {
        let shown = |reason: &str| format!("{:?}", Deletion::NotDeleted(Some(reason.into())));
        assert_eq!(shown("NOT_FOUND"), r#"NotDeleted(Some("NOT_FOUND"))"#);
        assert_eq!(shown("13800000000"), r#"NotDeleted(Some("[digits]"))"#);
        assert_eq!(shown("张三 was not found"), r#"NotDeleted(Some("(unprintable)"))"#);
        assert_eq!(format!("{:?}", Deletion::NotDeleted(None)), "NotDeleted(None)");
        assert_eq!(format!("{:?}", Deletion::AlreadyDeleted), "AlreadyDeleted");
    }
}
