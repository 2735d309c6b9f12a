//! Face-based identity verification with Alibaba Cloud's Cloudauth (实人认证, API version 2019-03-07).
//!
//! Your server starts a verification and gets a link, the person films their face in the browser, Cloudauth
//! calls back, your server asks for the result:
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
//!         MetaInfo::new(r#"{"zimVer":"3.0.0"}"#)?, // what getMetaInfo() said in the person's browser
//!     ))
//!     .await?;
//! // Send the person to `started.output.certify_url`; when they are back, or the callback came:
//! let status = client.describe_face_verify(&DescribeFaceVerify::new(scene, started.output.certify_id)).await?;
//! match status.output.outcome() {
//!     Outcome::Passed => println!("who they say they are"),
//!     Outcome::NotPassed | Outcome::Unclear => println!("not let in"),
//!     Outcome::Pending => println!("ask again later"),
//! }
//! # Ok(()) }
//! ```
//!
//! | feature | adds |
//! | --- | --- |
//! | `reqwest` | `ReqwestTransport`, over the `reqwest` client |
//! | `isahc` | `IsahcTransport`, over curl, async on any runtime and blocking |
//! | `blocking` | `UreqTransport`, over `ureq`, for [`BlockingClient`] |
//! | `rustls` | TLS by rustls, for the transports that are on |
//! | `native-tls` | TLS by the system's library, for `reqwest` and `blocking`; where `rustls` is on too, it is the one taken |
//! | `pictures` | fetching the face picture, safely: [`pictures`]; with `reqwest`, whose `public_only` it takes |
//! | `policy` | decisions by a policy file that is proved: [`policy`], `Client::decide` |
//! | `tracing` | a span per call: operation, host, attempt, status, code, RequestId; never a parameter |
//!
//! None is on by default, and none changes what another does. A library that only signs and parses takes
//! [`cloudauth-protocol`](cloudauth_protocol) alone.

#[cfg(feature = "policy")]
pub use cloudauth_client::DecidedReply;
#[cfg(feature = "pictures")]
pub use cloudauth_client::pictures;
pub use cloudauth_client::{
    BlockingClient, Client, ClientBuilder, Endpoints, Entropy, Error, ErrorKind, Exchange, Executed,
    NoEndpoints, Now, Settings, SharedState, Step, WaitPlan, credentials,
};
#[cfg(feature = "policy")]
pub use cloudauth_policy as policy;
pub use cloudauth_protocol::*;
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
