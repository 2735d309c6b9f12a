//! From a response to a reply: gateway errors, product refusals and results are distinguished.
//!
//! ```text
//! response ─┬─ Code is a word ("SignatureDoesNotMatch"), JSON or XML ─▶ ReplyError::Gateway
//!           ├─ Code is a number other than 200 ("417") ───────────────▶ ReplyError::Refused
//!           ├─ HTTP 2xx, Code "200", and what the operation promises ─▶ Reply
//!           └─ anything else ─────────────────────────────────────────▶ ReplyError::Malformed
//! ```
//! The classification uses `Code`, because the vendor's tables of HTTP statuses contradict each other. A success needs both HTTP
//! 2xx *and* `"200"`.

mod answer;
mod error;
pub(crate) mod lenient;
pub(crate) mod material;
mod vendor;
mod xml;

pub use answer::{Answer, Product, Reply};
pub use error::{GatewayError, MalformedReply, ProductError, ReplyError};
pub use vendor::{RequestId, VendorMessage};
