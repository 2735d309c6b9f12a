//! Two policies, or two matchers, on the same rows.

mod flips;
mod matchers;
