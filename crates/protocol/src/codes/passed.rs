//! `Passed`: the deciding field, according to the vendor.

use super::{Manual, entry, open_code};

open_code! {
    /// `ResultObject.Passed`. Only the documented letters count: `Y` belongs to another product and does not mean a pass.
    Passed {
        Yes = "T" "通过", Nobody, Page,
            "认证通过" / "the person passed",
            "按策略判定" / "apply your policy";
        No = "F" "未通过", Reviewer, Page,
            "认证未通过" / "the person did not pass",
            "原因见 SubCode" / "see the SubCode for the reason";
    }
}

impl Passed {
    /// The manual's entry; `None` for an unknown value.
    #[must_use]
    pub fn manual(&self) -> Option<&'static Manual> {
        entry(Self::MANUAL, self.as_str())
    }
}
