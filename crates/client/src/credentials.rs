//! Credentials providers.
//!
//! Pass fixed keys to [`Credentials::new`](cloudauth_protocol::Credentials::new); a client accepts the result
//! directly. Keys that rotate come from a provider. [`Chain::from_environment`] is the vendor's default chain
//! of providers:
//!
//! | provider, in this order | used if |
//! | --- | --- |
//! | `ALIBABA_CLOUD_ACCESS_KEY_ID`, `.._ACCESS_KEY_SECRET`, `.._SECURITY_TOKEN` | one of them is set |
//! | [`AssumeRoleWithOidc`] | `ALIBABA_CLOUD_ROLE_ARN`, `.._OIDC_PROVIDER_ARN` and `.._OIDC_TOKEN_FILE` are set |
//! | the Alibaba CLI's profile: AK, StsToken, RamRoleArn, ChainableRamRoleArn, EcsRamRole, OIDC | `~/.aliyun/config.json` exists, unless `ALIBABA_CLOUD_CLI_PROFILE_DISABLED=true` |
//! | the SDKs' credentials file: access_key, ram_role_arn, ecs_ram_role, oidc_role_arn | `ALIBABA_CLOUD_CREDENTIALS_FILE`, `~/.alibabacloud/credentials.ini` or `~/.alibabacloud/credentials` exists |
//! | [`EcsMetadata`] | always, unless `ALIBABA_CLOUD_ECS_METADATA_DISABLED=true` |
//! | [`CredentialsUri`] | `ALIBABA_CLOUD_CREDENTIALS_URI` is set |
//!
//! **An unusable source ends the chain**, because the next source could belong to another account. The error names the
//! source and the problem: one variable of a pair is missing, a secret ends with a newline, a file cannot be read, a profile
//! does not exist, STS does not answer. **An absent source is skipped:** its variables are not set, its file is missing or
//! has no default profile, its profile holds no key, or the machine has no metadata service or no role.
//!
//! Order and variables are those of the vendor's `alibabacloud-credentials`. The chain also reads
//! `ALIBABA_CLOUD_STS_REGION`, `.._VPC_ENDPOINT_ENABLED`, `.._ROLE_SESSION_NAME`, `.._ECS_METADATA` and
//! `.._IMDSV1_DISABLED`. Profiles that run a program (`process_command`) are rejected, and so are CloudSSO,
//! OAuth and key pairs. Requests to STS are signed with the local time. Unlike Cloudauth calls, they have no
//! clock correction: STS refuses them if the local clock is off by more than 15 minutes.
//!
//! A client fetches credentials once for all calls that wait for them. It fetches new ones 15 minutes before
//! they expire, or halfway through a lifetime of less than 30 minutes. It also does so when the gateway
//! answers `InvalidSecurityToken.Expired`. It does not cache failures. No error shows a value, the content of
//! a file or the text of a response.

mod cache;
mod chain;
mod credentials_uri;
mod default_chain;
mod ecs_metadata;
mod environment;
mod error;
mod files;
mod load;
mod load_error;
mod provide_problem;
mod provider;
mod remote;
mod sts;

pub(crate) use cache::{CredentialCache, is_same_key};
pub use chain::Chain;
pub use credentials_uri::CredentialsUri;
pub use ecs_metadata::EcsMetadata;
pub use error::ProvideError;
pub use load::{from_cli_profile, from_env, load};
pub use load_error::LoadError;
pub use provide_problem::ProvideProblem;
pub use provider::{CredentialExchange, CredentialStep, ExpiringCredentials, ProvideCredentials};
pub use sts::{AssumeRole, AssumeRoleWithOidc};
