//! A local emulator of Cloudauth for tests and development: signature checks, sessions on a settable clock,
//! magic identities, the end user's page, callbacks and fault injection. It verifies no real person.
//! `docs/emulator.md` is the guide, and `docs/fidelity.md` compares the emulator with the vendor's service.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! use cloudauth_emulator::Emulator;
//!
//! let emulator = Emulator::builder().start().await?; // a free port on loopback
//! println!("endpoint {}, access key {}", emulator.url(), Emulator::ACCESS_KEY_ID);
//! # Ok(()) }
//! ```
//!
//! | route | purpose |
//! | --- | --- |
//! | `GET, POST /` | the RPC gateway: `InitFaceVerify`, `DescribeFaceVerify`, `DeleteFaceVerifyResult` |
//! | `GET /s/{code}` | a short `CertifyUrl`: redirects to the long one |
//! | `GET /h5/{token}` | the end user's page |
//! | `POST /h5/{token}/submit`, `/cancel`, `/expire` | the forms of the page. Each ends the session and redirects to `ReturnUrl`. They accept short links too |
//! | `GET /jsvm_all.js` | a replacement for the vendor's script: `getMetaInfo()` |
//! | `GET /oss/{bucket}/{object}` | the session's picture, for 15 minutes |
//! | `/_emu/ui`, `/_emu/v1/..` | the inspection page, and the admin API with its `openapi.json` |
//!
//! The emulator checks signatures with its own code, written from the vendor's documents and independent of this
//! project's signer. A mistake in shared code would pass every test.
//!
//! # Magic identities
//!
//! Magic identities are ID numbers of the area `999999`. This area was never issued, so no number belongs to
//! a person. The date of birth selects the family, the three digits after it are the value, and the last
//! character is the GB 11643 check character.
//!
//! | date of birth | meaning of the digits | example |
//! | --- | --- | --- |
//! | 1990-01-01 | the result's SubCode | 204: `999999199001012046` |
//! | 1991-01-01 | the Code of `InitFaceVerify` | 417: `99999919910101417X` |
//! | 1992-01-01 | the Code of `DescribeFaceVerify` | 424: `999999199201014249` |
//! | 2000-01-01 | `verifyScore` times ten | 70.0: `999999200001017002` |
//! | 2001-01-01 | the number of 424 answers before the result | 3: `999999200101010035` |
//! | 2002-01-01 | the callback: 1 never, 2 twice, 3 a minute late, 4 with another token, 5 before the result is available, 6 with `passed=Y&subCode=` | |
//! | 2003-01-01 | the end user: 1 cancels, 2 lets the link expire | |
//! | 2004-01-01 | the next `DescribeFaceVerify`: 0 slow, 1 reset, 2 truncated, 3 bad JSON, 4 HTML 502, 5 empty, 6 500, 7 503, 8 throttled, 9 dribbling | |
//!
//! All other ID numbers of the area pass. Other areas are refused, so that no real person appears in a test log.

mod admin;
mod api;
mod callbacks;
mod emulator;
mod faults;
mod gateway;
mod http;
mod lifecycle;
mod sessions;
mod state;
mod time;
mod web;

pub use emulator::{Builder, Emulator};
pub use faults::{Fault, FaultError, FaultKind, Latency};
pub use sessions::{RulesError, SessionOutcome, check_rules, id_number};
pub use state::{SnapshotError, StateFileError};
pub use time::Clock;

/// Compiles the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
