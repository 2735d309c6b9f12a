//! The code that the vendor's page passes to the browser.

use super::{Manual, entry, open_code};

open_code! {
    /// `code` in the browser's return. It describes the page, not the person.
    ClientCode {
        Finished = "1000" "", Software, Vendor,
            "刷脸流程结束，不代表通过" / "the scan is finished; this does not mean that the person passed",
            "服务端调用 DescribeFaceVerify" / "call DescribeFaceVerify on the server";
        SystemError = "1001" "", EndUser, Vendor,
            "系统错误" / "a system error",
            "请用户重新开始" / "have the person start again";
        GivenUp = "1003" "", EndUser, Vendor,
            "用户中途退出" / "the person left the page",
            "请用户重新开始" / "have the person start again";
        NetworkError = "2002" "", EndUser, Vendor,
            "网络错误" / "a network error",
            "检查网络后重试" / "check the network, then try again";
        DeviceClockWrong = "2003" "", EndUser, Vendor,
            "设备时间不正确" / "the device's clock is wrong",
            "校准设备时间后重试" / "set the device's clock, then try again";
        ScanFailed = "2006" "", Software, Vendor,
            "刷脸失败" / "the scan failed",
            "服务端调用 DescribeFaceVerify 查看原因" / "call DescribeFaceVerify on the server for the reason";
    }
}

impl ClientCode {
    /// The manual's entry; `None` for an unknown code.
    #[must_use]
    pub fn manual(&self) -> Option<&'static Manual> {
        entry(Self::MANUAL, self.as_str())
    }

    /// Whether a result may be available, so that the server should call `DescribeFaceVerify`.
    #[must_use]
    pub const fn is_worth_asking(&self) -> bool {
        matches!(self, Self::Finished | Self::ScanFailed)
    }
}
