//! Signatures: from an operation to a signed request.
//!
//! | [`Signing`] | method | location of the parameters | vendor clients that send this form |
//! | --- | --- | --- | --- |
//! | `V1` (default) | POST | the form body, all of them | Node `pop-core` |
//! | `V1Get` | GET | the query, all of them | Node `pop-core` |
//! | `V3` | POST | query or body, as the API's metadata says | the SDKs of generation 3 |
//! | `V3Get` | GET | the query, all of them | none known |
//! | `V3Body` | POST | the form body, all of them | none: **not verified against the live service** |
//! Only `V1` and `V3Body` keep the name and the ID number out of the URL, and so out of access logs along the way.

mod checks;
mod error;
pub mod oss;
mod prepare;
mod request;
mod stages;
pub mod v1;
pub mod v3;

pub use error::{BuildError, BuildProblem};
pub use prepare::{Signing, explain, prepare};
pub use request::SignedRequest;
pub use stages::{Explanation, Stages};
