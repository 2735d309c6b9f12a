//! The verdicts of a policy.

use cloudauth::policy::Verdict;

use super::{Text, text};

/// A verdict, as people read it.
pub(crate) const fn verdict(verdict: Verdict) -> Text {
    match verdict {
        Verdict::Approve => text("approve", "通过"),
        Verdict::Review => text("review", "人工复核"),
        Verdict::Retry => text("retry", "重试"),
        Verdict::Reject => text("reject", "拒绝"),
    }
}
