//! From an operation to a signed request.
//!
//! | [`Signing`] | method | parameters stand in | vendor clients that send this shape |
//! | --- | --- | --- | --- |
//! | `V1` (default) | POST | the form body, all of them | Node `pop-core` |
//! | `V1Get` | GET | the query, all of them | Node `pop-core` |
//! | `V3` | POST | query or body, as the API's metadata says | the SDKs of generation 3 |
//! | `V3Get` | GET | the query, all of them | none known |
//! | `V3Body` | POST | the form body, all of them | none: **not verified against the live service** |
//!
//! Only the two `...Body`-like shapes (`V1`, `V3Body`) keep a name and an ID number out of the URL, and so
//! out of the access logs of everything on the way.

mod checks;
mod error;
pub mod oss;
mod prepare;
mod stages;
pub mod v1;
pub mod v3;

pub use error::BuildError;
pub use prepare::{Signing, explain, prepare};
pub use stages::{Explanation, Stages};
