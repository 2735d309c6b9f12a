//! Temporary credentials of a role, from STS (`2015-04-01`).
//!
//! `AssumeRole` uses other credentials. `AssumeRoleWithOIDC` uses the token that a Kubernetes cluster writes
//! to a file.
//!
//! The vendor's SDKs send both as GET. Here they are POST with all parameters in the form body, so that no URL holds an OIDC
//! token or a security token. The rules of the gateway's RPC style allow that; it is **not verified against the live
//! service**.

mod assume_role;
mod assume_role_with_oidc;
mod role;

pub use assume_role::AssumeRole;
pub use assume_role_with_oidc::AssumeRoleWithOidc;
pub(super) use role::StsRole;
