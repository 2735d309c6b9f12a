//! Alibaba Cloud Cloudauth (实人认证, API version 2019-03-07) as bytes in, bytes out.
//!
//! This crate does no I/O, reads no clock and draws no randomness. It turns a typed operation into a
//! [`SignedRequest`], and an [`http::Response`] into a typed reply:
//!
//! ```
//! use cloudauth_protocol::{
//!     CertName, CertNo, Credentials, Endpoint, Identity, InitFaceVerify, MetaInfo, Nonce, OuterOrderNo,
//!     ReturnUrl, SceneId, Signing, Stamp, UnixTime, parse, prepare,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let init = InitFaceVerify::new(
//!     SceneId::new(1_000_000_006)?,
//!     OuterOrderNo::generate([7; 16]),
//!     Identity::plain(CertName::new("张三")?, CertNo::new("999999199001012003")?),
//!     ReturnUrl::new("https://shop.example/back")?,
//!     MetaInfo::new(r#"{"zimVer":"3.0.0"}"#)?,
//! );
//! let stamp = Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([9; 16]));
//! let request = prepare(
//!     &init,
//!     &Endpoint::cn_shanghai(),
//!     &Credentials::new("testid", "testsecret")?,
//!     Signing::V1,
//!     stamp,
//! )?
//! .into_http();
//! assert_eq!(request.uri(), "https://cloudauth.cn-shanghai.aliyuncs.com/");
//!
//! // ... send the request with any HTTP client, then:
//! let response = http::Response::new(cloudauth_protocol::Body::from(
//!     r#"{"Code":"200","Message":"success","RequestId":"130A2C10-B9EE-4D84-88E3-5384FF039795",
//!         "ResultObject":{"CertifyId":"91707dc296d469ad38e4c5efa6a0f24b","CertifyUrl":"https://t.aliyun.com/x"}}"#,
//! ));
//! let reply = parse::<InitFaceVerify>(&response)?;
//! assert_eq!(reply.output.certify_id.as_str(), "91707dc296d469ad38e4c5efa6a0f24b");
//! # Ok(())
//! # }
//! ```
//!
//! | to ... | see |
//! | --- | --- |
//! | start a verification, query its result, delete its data | [`InitFaceVerify`], [`DescribeFaceVerify`], [`DeleteFaceVerifyResult`] |
//! | call any other action of the API | [`RawOperation`] |
//! | sign | [`prepare`], [`Signing`]; [`explain`] shows every stage |
//! | read a response | [`parse`], [`Reply`], [`ReplyError`] |
//! | know what a code means and who must act | [`Code`], [`SubCode`], [`GatewayCode`], [`Manual`] |
//! | read the callback and the browser's return | [`Callback`], [`ReturnHint`]: hints only, never a decision |
//! | make and check the callback's token | [`CallbackKeys`] |
//!
//! Personal data and secrets have types whose `Debug` redacts and that have no `Display`; only a method called `expose` returns
//! the value. These types wipe their memory on drop, except [`RawAnswer`]. So do the buffers in which a request is encoded and
//! signed, and a [`Body`] that is made from a `Vec` or a `String`. `DegradeInfo`, the labels of `DeviceRisk` and the names in your
//! bucket are plain texts and are not wiped.

// docs.rs shows the feature of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Compiles the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod callback;
pub mod codes;
mod credentials;
pub mod grammar;
mod json;
mod operation;
mod ops;
mod parse_reason;
mod redact;
mod reply;
#[cfg(feature = "serde")]
mod serde_impls;
pub mod sign;
mod values;
mod wipe;
mod wire;

pub use callback::keys::{CallbackKeyError, CallbackKeys};
pub use callback::query::{Callback, CallbackError};
pub use callback::return_hint::{ReturnHint, ReturnHintError};
pub use codes::{Actor, Bilingual, ClientCode, Code, GatewayCode, Manual, Passed, SubCode};
pub use credentials::{AccessKeySecret, Credentials, CredentialsError, SecurityToken};
pub use operation::{Effect, Operation, VERSION, parse};
pub use ops::delete_face_verify_result::{DeleteFaceVerifyResult, Deletion};
pub use ops::describe_face_verify::{
    DescribeFaceVerify, DeviceToken, FaceVerifyResult, FaceVerifyStatus, IdentityInfo, Outcome, UserInfo,
};
pub use ops::init_face_verify::{CertifyUrl, FaceVerifySession, InitFaceVerify};
pub use ops::raw::{RawAnswer, RawOperation};
pub use parse_reason::{ParseReason, plain_parse_error};
pub use redact::{acts_on_display, has_digit_run, mask_digits, plain_name};
pub use reply::material::{FacialPicture, FieldState, Material, MaterialError, MaterialInfo, PictureUrl};
pub use reply::{
    Answer, GatewayError, MalformedReply, Product, ProductError, Reply, ReplyError, RequestId, VendorMessage,
};
pub use sign::{BuildError, BuildProblem, Explanation, SignedRequest, Signing, explain, prepare};
pub use values::InvalidValue;
pub use values::choice::{
    CertifyUrlStyle, CertifyUrlType, FaceGuardOutput, Model, ProcedurePriority, ProductCode, SuitableType,
};
pub use values::identity::{CertName, CertNo, Identity, Ip, Mobile, UserId};
pub use values::order::{AuthId, CertifyId, OuterOrderNo, SceneId};
pub use values::web::{CallbackToken, CallbackUrl, MetaInfo, ReturnUrl, UiCustomUrl};
pub use wire::body::Body;
pub use wire::endpoint::{Endpoint, EndpointError};
pub use wire::params::{ParamLocation, Params};
pub use wire::stamp::{Nonce, Stamp, UnixTime};
pub use wire::web_url::{WebUrlError, web_url};
