//! Face-based identity verification with Alibaba Cloud's Cloudauth (实人认证, API version 2019-03-07).
//!
//! Your server starts a verification and gets a link. The person opens the link and films their face in the browser.
//! Cloudauth calls your server back, and your server asks for the result:
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use cloudauth::{
//!     CertName, CertNo, Client, DescribeFaceVerify, Identity, InitFaceVerify, MetaInfo, Outcome, OuterOrderNo,
//!     ReqwestTransport, ReturnUrl, SceneId, credentials,
//! };
//!
//! let client = Client::new(ReqwestTransport::new()?, credentials::Chain::from_environment());
//! let scene = SceneId::new(1_000_000_006)?;
//!
//! let started = client
//!     .init_face_verify(&InitFaceVerify::new(
//!         scene,
//!         OuterOrderNo::new("e0c34a77f5ac40a5aa5e6ed20c353888")?,
//!         Identity::plain(CertName::new("张三")?, CertNo::new("999999199001012003")?),
//!         ReturnUrl::new("https://shop.example/verified")?,
//!         MetaInfo::new(r#"{"zimVer":"3.0.0"}"#)?, // the value of getMetaInfo() in the person's browser
//!     ))
//!     .await?;
//! // Send the person to `started.output.certify_url`. When they return, or the callback arrives:
//! let status = client.describe_face_verify(&DescribeFaceVerify::new(scene, started.output.certify_id)).await?;
//! match status.output.outcome() {
//!     Outcome::Passed => println!("the person is who they claim to be"),
//!     Outcome::NotPassed | Outcome::Unclear => println!("not verified"),
//!     Outcome::Pending => println!("not finished yet: ask again later"),
//! }
//! # Ok(()) }
//! ```
//!
//! # Tasks
//!
//! | task | start with |
//! | --- | --- |
//! | start a verification | [`Client::init_face_verify`], [`InitFaceVerify`] |
//! | get the result | [`Client::describe_face_verify`], [`FaceVerifyStatus`] |
//! | poll until the result is there | [`Client::wait`], [`WaitPlan`] |
//! | survive crashes, lost callbacks and restarts | [`flow`] |
//! | decide by a policy file | [`Client::decide`], [`policy`] |
//! | receive the callback | [`Callback`], [`CallbackKeys`] |
//! | handle the person's return | [`ReturnHint`] |
//! | delete the data of a verification | [`Client::delete_face_verify_result`] |
//! | download the face picture | [`pictures`] |
//! | call another action of the API | [`Client::call`], [`RawOperation`] |
//! | handle failures | [`Error`], [`ErrorKind`], [`Executed`] |
//! | choose retries, timeouts and endpoints | [`ClientBuilder`], [`Settings`], [`Endpoints`] |
//! | load or fetch credentials | [`credentials`] |
//! | make calls without async | [`BlockingClient`] |
//! | use another HTTP client | [`Transport`], [`BlockingTransport`] |
//! | drive calls without I/O | [`Exchange`], [`Step`] |
//! | only sign and parse | [`prepare`], [`parse`]; the crate [`cloudauth_protocol`] alone is enough |
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `reqwest` | `ReqwestTransport`, over the `reqwest` client |
//! | `isahc` | `IsahcTransport`, over curl; async on any runtime, and blocking |
//! | `blocking` | `UreqTransport`, over `ureq`, for [`BlockingClient`] |
//! | `rustls` | TLS by rustls, for the enabled transports and the store in PostgreSQL |
//! | `native-tls` | TLS by the system's library, for `reqwest` and `blocking`; `rustls` takes precedence if both are enabled |
//! | `pictures` | downloads face pictures: [`pictures`]; together with `reqwest`, whose `public_only` it needs |
//! | `policy` | decisions by a proven policy file: [`policy`], [`Client::decide`] |
//! | `flow` | verifications that survive crashes: [`flow`]; includes `policy` |
//! | `flow-hosted` | a start page for such verifications, which collects the MetaInfo of the browser |
//! | `flow-postgres` | a store of such verifications in PostgreSQL: [`flow_postgres`] |
//! | `flow-sqlite` | a store of such verifications in one SQLite file: [`flow_sqlite`]; needs Rust 1.89 |
//! | `metrics` | the duration of calls, the number of retries, and counters of the flow, through the crate `metrics` |
//! | `serde` | `Serialize` and `Deserialize` for identifiers and codes, as on the wire |
//! | `tracing` | one span per call: operation, host, attempts, status, code, RequestId; never a parameter |
//!
//! `https` needs `rustls` or `native-tls`. No feature is on by default, and none changes the behaviour of another.
//!
//! # Personal data
//!
//! Names, ID numbers, phone numbers, IP addresses, MetaInfo, tokens, secrets and picture URLs have types whose `Debug` is
//! redacted and which have no `Display`. No error, log or URL of the default signature contains them.
//!
#![cfg_attr(not(feature = "flow"), doc = " [`flow`]: #features")]
#![cfg_attr(not(feature = "flow-postgres"), doc = " [`flow_postgres`]: #features")]
#![cfg_attr(not(feature = "flow-sqlite"), doc = " [`flow_sqlite`]: #features")]
#![cfg_attr(not(feature = "pictures"), doc = " [`pictures`]: #features")]
#![cfg_attr(not(feature = "policy"), doc = " [`policy`]: #features")]
#![cfg_attr(not(feature = "policy"), doc = " [`Client::decide`]: #features")]
// docs.rs shows the feature of each item.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "policy")]
pub use cloudauth_client::DecidedReply;
#[cfg(feature = "pictures")]
pub use cloudauth_client::pictures;
pub use cloudauth_client::{
    BlockingClient, Client, ClientBuilder, Endpoints, Entropy, Error, ErrorKind, Exchange, Executed,
    NoEndpoints, Now, Settings, SharedState, Step, WaitPlan, credentials,
};
#[cfg(feature = "flow")]
pub use cloudauth_flow as flow;
#[cfg(feature = "flow-postgres")]
pub use cloudauth_flow_postgres as flow_postgres;
#[cfg(feature = "flow-sqlite")]
pub use cloudauth_flow_sqlite as flow_sqlite;
#[cfg(feature = "policy")]
pub use cloudauth_policy as policy;
pub use cloudauth_protocol::{
    AccessKeySecret, Actor, Answer, AuthId, Bilingual, Body, BuildError, BuildProblem, Callback,
    CallbackError, CallbackKeyError, CallbackKeys, CallbackToken, CallbackUrl, CertName, CertNo, CertifyId,
    CertifyUrl, CertifyUrlStyle, CertifyUrlType, ClientCode, Code, Credentials, CredentialsError,
    DeleteFaceVerifyResult, Deletion, DescribeFaceVerify, DeviceToken, Effect, Endpoint, EndpointError,
    Explanation, FaceGuardOutput, FaceVerifyResult, FaceVerifySession, FaceVerifyStatus, FacialPicture,
    FieldState, GatewayCode, GatewayError, Identity, IdentityInfo, InitFaceVerify, InvalidValue, Ip,
    MalformedReply, Manual, Material, MaterialError, MaterialInfo, MetaInfo, Mobile, Model, Nonce, Operation,
    Outcome, OuterOrderNo, ParamLocation, Params, ParseReason, Passed, PictureUrl, ProcedurePriority,
    Product, ProductCode, ProductError, RawAnswer, RawOperation, Reply, ReplyError, RequestId, ReturnHint,
    ReturnHintError, ReturnUrl, SceneId, SecurityToken, Signing, Stamp, SubCode, SuitableType, UiCustomUrl,
    UnixTime, UserId, UserInfo, VERSION, VendorMessage, WebUrlError, acts_on_display, codes, explain,
    grammar, mask_digits, parse, plain_parse_error, prepare, sign, web_url,
};
pub use cloudauth_transport::{
    BlockingTransport, Limits, Proxy, ProxyError, PublicOnly, Sent, Transport, TransportError,
    TransportErrorKind,
};
#[cfg(feature = "blocking")]
pub use cloudauth_transport_blocking::UreqTransport;
#[cfg(feature = "isahc")]
pub use cloudauth_transport_isahc::IsahcTransport;
#[cfg(feature = "reqwest")]
pub use cloudauth_transport_reqwest::ReqwestTransport;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
