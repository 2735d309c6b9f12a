//! A local Cloudauth: the gateway with its signature checks, sessions on a clock of their own, magic identities, the
//! page of the end user, and the callback. For tests and for development; it verifies nobody. The user's guide is
//! `docs/emulator.md`, what is the vendor's and what is ours `docs/fidelity.md`.
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
//! | route | what |
//! | --- | --- |
//! | `GET, POST /` | the RPC gateway: `InitFaceVerify`, `DescribeFaceVerify`, `DeleteFaceVerifyResult` |
//! | `GET /s/{code}` | a short `CertifyUrl`: leads to the long one |
//! | `GET /h5/{token}` | the page of the end user, whose forms go to the next |
//! | `POST /h5/{token}/submit`, `/cancel`, `/expire` | the person, in one request; the answer leads back to `ReturnUrl`. Short links take them too |
//! | `GET /jsvm_all.js` | stands in for the vendor's script: `getMetaInfo()` |
//! | `GET /oss/{bucket}/{object}` | the picture, for 15 minutes |
//! | `/_emu/ui`, `/_emu/v1/..` | the inspection page, and the admin API with its `openapi.json` |
//!
//! Signatures are recomputed by code of the emulator's own, written from the vendor's documents and not from this
//! project's signer: a mistake shared by both would pass every test.
//!
//! # Magic identities
//!
//! ID numbers of the area `999999`, which was never issued, so that no number is a person's. The date of birth
//! picks the family, the three digits after it the value; the last character is the GB 11643 check character.
//!
//! | born | the digits are | example |
//! | --- | --- | --- |
//! | 1990-01-01 | the result's SubCode | 204: `999999199001012046` |
//! | 1991-01-01 | the Code of `InitFaceVerify` | 417: `99999919910101417X` |
//! | 1992-01-01 | the Code of `DescribeFaceVerify` | 424: `999999199201014249` |
//! | 2000-01-01 | `verifyScore` times ten | 70.0: `999999200001017002` |
//! | 2001-01-01 | how many questions are answered 424 once the result is there | 3: `999999200101010035` |
//! | 2002-01-01 | the callback: 1 never, 2 twice, 3 a minute late, 4 with another token, 5 before the result is told, 6 with `passed=Y&subCode=` | |
//! | 2003-01-01 | the person: 1 gives up, 2 lets the link die | |
//! | 2004-01-01 | the next question: 0 slow, 1 reset, 2 truncated, 3 bad JSON, 4 HTML 502, 5 empty, 6 500, 7 503, 8 throttled, 9 dribbling | |
//!
//! Everybody else of the area passes. Other areas are refused, so that no real person ends up in a test log.

mod actions;
mod admin;
mod begin;
mod bounds;
mod builder;
mod callback;
mod clock;
mod error;
mod fault;
mod gateway;
mod h5;
mod journal;
mod line;
mod magic;
mod nonces;
mod outcome;
mod pages;
mod picture;
mod quota;
mod rules;
mod server;
mod sessions;
mod snapshot;
mod state;
mod store;
mod time;
mod verify;
mod wire;

pub use builder::Builder;
pub use clock::Clock;
pub use fault::{Fault, FaultKind, Latency};
pub use magic::id_number;
pub use outcome::Outcome;
pub use server::Emulator;
