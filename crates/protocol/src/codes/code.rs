//! The product's `Code`: a three-digit number in a response with HTTP 200.

use super::{Manual, entry, open_code};

open_code! {
    /// The product's `Code`.
    Code {
        Success = "200" "success", Nobody, Page,
            "调用成功" / "the call succeeded",
            "继续" / "continue";
        MissingParameter = "400" "参数不能为空", Developer, Page,
            "缺少参数" / "a parameter is missing",
            "补全必填参数" / "send the parameters that the operation requires";
        IllegalParameter = "401" "参数非法", Developer, Page,
            "参数非法：姓名或身份证号不符合国家标准，或回调地址无法从公网访问" /
            "a parameter is invalid: the name or ID number violates the national standard, or the service cannot reach the callback URL",
            "检查姓名、身份证号，并确认 CallbackUrl 可从公网以 https 访问且返回 200" /
            "check name and ID number, and that the CallbackUrl returns 200 over https from the public internet";
        NoAppConfiguration = "402" "应用配置不存在", Operator, Page,
            "应用配置不存在" / "the application configuration does not exist",
            "在控制台检查应用配置" / "check the application's configuration in the console";
        NotFinished = "403" "认证未完成", Software, Page,
            "认证尚未完成" / "the verification is not finished",
            "稍后再查询" / "ask again later";
        NoScene = "404" "认证场景配置不存在", Operator, Page,
            "认证场景不存在" / "the scene does not exist",
            "在控制台创建认证场景，或更正 SceneId" / "create the scene in the console, or correct the SceneId";
        UnderAge = "405" "您的年龄未满14周岁", Reviewer, Vendor,
            "用户未满 14 周岁" / "the person is younger than 14",
            "转人工复核，并取得监护人同意" / "review manually, with a guardian's consent";
        InvalidCertifyId = "406" "无效的CertifyId", Developer, Page,
            "CertifyId 无效" / "the CertifyId is not valid",
            "使用初始化接口返回的 CertifyId，并向创建它的地域查询" /
            "use the CertifyId that InitFaceVerify returned, and query the region that created it";
        ServiceNotActivated = "410" "未开通服务", Operator, Page,
            "未开通服务，或未完成 OSS 授权" / "the service is not activated, or OSS is not authorised",
            "在控制台开通服务并完成 OSS 读写授权" / "activate the service and authorise OSS in the console";
        NoRamPermission = "411" "RAM无权限", Operator, Page,
            "RAM 用户没有权限" / "the RAM user lacks the permission",
            "授予 AliyunAntCloudAuthFullAccess" / "grant AliyunAntCloudAuthFullAccess";
        InArrears = "412" "欠费中", Operator, Page,
            "账号欠费" / "the account is in arrears",
            "充值后重试" / "pay, then call again";
        DeviceNotSupported = "414" "设备类型不支持", EndUser, Page,
            "设备不支持刷脸" / "the device does not support face verification",
            "更换设备" / "use another device";
        SdkNotSupported = "415" "SDK版本不支持", Developer, Page,
            "SDK 版本不支持" / "the SDK version is not supported",
            "升级认证 SDK" / "update the verification SDK";
        SystemNotSupported = "416" "系统版本不支持", EndUser, Page,
            "操作系统版本不支持" / "the operating system version is not supported",
            "升级系统或更换设备" / "update the system or use another device";
        CannotUseFace = "417" "无法使用刷脸服务", Reviewer, Page,
            "该身份没有可用的比对源；同一身份在 201、202、203 之后再次初始化也返回此码" /
            "no reference picture exists to compare this person with; also the response to a new start after SubCode 201, 202 or 203",
            "若信息正确，转人工复核，不要重试" / "if the data is correct, review manually; do not retry";
        TooManyAttempts = "418" "刷脸失败次数过多", EndUser, Page,
            "当天刷脸次数过多" / "too many attempts today",
            "请用户明天再试" / "have the person try again tomorrow";
        PictureUnusable = "419" "传入图片不可用", Developer, Vendor,
            "传入的图片不可用" / "the picture is not usable",
            "更换图片" / "send another picture";
        DuplicateData = "420" "数据重复", Developer, Vendor,
            "传入了多于一种图片来源" / "the request has more than one picture source",
            "只保留一种图片来源" / "send exactly one picture source";
        PictureTooLarge = "421" "传入图片过大", Developer, Vendor,
            "图片大于 1 MB" / "the picture is larger than 1 MB",
            "压缩图片" / "send a smaller picture";
        PictureDownloadTimeout = "422" "下载图片超时", Software, Vendor,
            "下载图片超过 3 秒" / "downloading the picture took more than 3 seconds",
            "有限次重试" / "try again, a few times at most";
        WrongState = "423" "状态错误", Developer, Vendor,
            "作为图片来源的 CertifyId 未通过认证" / "the CertifyId that supplies the picture belongs to a verification that did not pass",
            "换用已通过的 CertifyId" / "use the CertifyId of a passed verification";
        NoRecord = "424" "身份认证记录不存在", Software, Page,
            "尚无结果：未开始、中途放弃或处理中" / "no result yet: not started, abandoned, or being processed",
            "稍后再查询" / "ask again later";
        BusinessPolicy = "427" "业务策略限制", Reviewer, Page,
            "触发内部风控策略（仅 ID_PLUS）" / "an internal risk rule applied (ID_PLUS only)",
            "转人工复核" / "review manually";
        SystemError = "500" "系统错误", Software, Page,
            "服务内部错误" / "an internal error of the service",
            "重试或切换地域，仍失败则联系阿里云" / "retry or use another endpoint; if the error persists, contact the vendor";
    }
}

impl Code {
    /// The manual's entry; `None` for an unknown code.
    #[must_use]
    pub fn manual(&self) -> Option<&'static Manual> {
        entry(Self::MANUAL, self.as_str())
    }
}
