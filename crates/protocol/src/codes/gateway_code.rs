//! The gateway's codes: words in a response with HTTP 4xx or 5xx, before the call reaches the product.

use super::{Manual, entry, open_code};

open_code! {
    /// The gateway's `Code`. Its HTTP status differs between the vendor's own tables, so the code decides.
    GatewayCode {
        MissingParameter = "MissingParameter" "{Param} is mandatory for this action.", Developer, Vendor,
            "缺少公共或业务参数" / "a parameter is missing",
            "补全参数" / "send the missing parameter";
        MissingAccessKeyId = "MissingAccessKeyId" "", Operator, Unverified,
            "缺少 AccessKeyId" / "the access key id is missing",
            "配置访问凭证" / "configure the credentials";
        MissingSecurityToken = "MissingSecurityToken" "", Operator, Unverified,
            "缺少 SecurityToken" / "the security token is missing",
            "临时凭证必须同时提供 SecurityToken" / "temporary credentials need their security token";
        AccessKeyNotFound = "InvalidAccessKeyId.NotFound" "Specified access key is not found.", Operator, Vendor,
            "AccessKeyId 不存在" / "the access key does not exist",
            "检查 AccessKeyId" / "check the access key id";
        AccessKeyInactive = "InvalidAccessKeyId.Inactive" "Specified access key is disabled.", Operator, Vendor,
            "AccessKey 已被禁用" / "the access key is disabled",
            "启用或更换 AccessKey" / "enable the access key or use another";
        SecurityTokenExpired = "InvalidSecurityToken.Expired" "", Software, Unverified,
            "SecurityToken 已过期" / "the security token has expired",
            "刷新临时凭证后重新签名" / "refresh the credentials and sign again";
        SecurityTokenMalformed = "InvalidSecurityToken.Malformed" "", Operator, Unverified,
            "SecurityToken 格式不正确" / "the security token is not well formed",
            "检查临时凭证" / "check the temporary credentials";
        SecurityTokenMismatch = "InvalidSecurityToken.MismatchWithAccessKey" "", Operator, Unverified,
            "SecurityToken 与 AccessKey 不匹配" / "the security token does not belong to the access key",
            "使用同一次签发的三项凭证" / "use the three values that were issued together";
        IncompleteSignature = "IncompleteSignature" "The request signature does not conform to Aliyun standards.", Developer, Vendor,
            "签名不符合规范" / "the signature does not conform to the rules",
            "用 cloudauth sign --explain 对照待签名字符串" / "compare the string to sign with cloudauth sign --explain";
        SignatureDoesNotMatch = "SignatureDoesNotMatch" "Specified signature is not matched with our calculation.", Operator, Vendor,
            "签名不匹配" / "the signature does not match",
            "先检查 AccessKeySecret，再对照待签名字符串" / "check the access key secret first, then compare the strings to sign";
        SignatureNonceUsed = "SignatureNonceUsed" "Specified signature nonce was used already.", Software, Vendor,
            "SignatureNonce 已被使用" / "the nonce was used before",
            "换新的随机数重新签名一次" / "sign again once with a new nonce";
        TimestampExpired = "InvalidTimeStamp.Expired" "Specified time stamp or date value is expired.", Software, Vendor,
            "时间戳超出有效期" / "the timestamp is outside the valid window",
            "校准时钟，按响应的 Date 重新签名一次" / "correct the clock; sign again once with the response's Date";
        TimestampFormat = "InvalidTimeStamp.Format" "Specified time stamp or date value is not well formatted.", Developer, Unverified,
            "时间戳格式不正确" / "the timestamp is not well formed",
            "使用 yyyy-MM-ddTHH:mm:ssZ" / "use yyyy-MM-ddTHH:mm:ssZ";
        IllegalTimestamp = "IllegalTimestamp" "", Developer, Vendor,
            "时间戳不合法" / "the timestamp is illegal",
            "使用 yyyy-MM-ddTHH:mm:ssZ" / "use yyyy-MM-ddTHH:mm:ssZ";
        ParameterFormat = "InvalidParameter.Format" "", Developer, Vendor,
            "参数格式不正确" / "a parameter is not well formed",
            "更正参数" / "correct the parameter";
        InvalidParameter = "InvalidParameter" "", Developer, Vendor,
            "参数不正确" / "a parameter is not valid",
            "更正参数" / "correct the parameter";
        UnsupportedHttpMethod = "UnsupportedHTTPMethod" "", Developer, Vendor,
            "不支持该 HTTP 方法" / "the HTTP method is not supported",
            "使用 GET 或 POST" / "use GET or POST";
        InvalidSignatureMethod = "InvalidSignatureMethod" "", Developer, Vendor,
            "签名方法不支持" / "the signature method is not supported",
            "使用 HMAC-SHA1 或 ACS3-HMAC-SHA256" / "use HMAC-SHA1 or ACS3-HMAC-SHA256";
        ContentMd5NotMatched = "ContentMD5NotMatched" "", Developer, Vendor,
            "Content-MD5 与正文不符" / "the Content-MD5 does not match the body",
            "更正或去掉 Content-MD5" / "correct the Content-MD5 or leave it out";
        ApiNotFound = "InvalidApi.NotFound" "Specified api is not found, please check your url and method.", Developer, Vendor,
            "接口不存在" / "the operation does not exist",
            "检查 Action、Version 与服务地址" / "check action, version and endpoint";
        ActionNotFound = "InvalidAction.NotFound" "Specified api is not found, please check your url and method.", Developer, Unverified,
            "接口不存在" / "the action does not exist",
            "检查 Action、Version 与服务地址" / "check action, version and endpoint";
        ProductNotFound = "InvalidProduct.NotFound" "", Developer, Vendor,
            "产品不存在" / "the product does not exist",
            "检查服务地址" / "check the endpoint";
        InvalidVersion = "InvalidVersion" "", Developer, Unverified,
            "版本不正确" / "the version is not valid",
            "使用 2019-03-07" / "use 2019-03-07";
        NeedSsl = "InvalidProtocol.NeedSsl" "Your request is denied due to lack of ssl protect.", Developer, Vendor,
            "必须使用 https" / "https is required",
            "改用 https" / "use https";
        Throttling = "Throttling" "", Software, Vendor,
            "请求被限流" / "too many requests",
            "退避后重试" / "wait, then try again";
        ThrottlingUser = "Throttling.User" "Request was denied due to user flow control.", Software, Vendor,
            "账号请求被限流" / "too many requests of this account",
            "退避后重试；配额按阿里云主账号计" / "wait, then try again; the quota applies to the main account";
        ThrottlingApi = "Throttling.Api" "Request was denied due to api flow control.", Software, Vendor,
            "接口请求被限流" / "too many requests of this operation",
            "退避后重试" / "wait, then try again";
        ForbiddenRam = "Forbidden.RAM" "User not authorized to operate on the specified resource, or this API doesn't support RAM.", Operator, Vendor,
            "RAM 用户没有权限" / "the RAM user lacks the permission",
            "授予 AliyunAntCloudAuthFullAccess" / "grant AliyunAntCloudAuthFullAccess";
        Forbidden = "Forbidden" "", Operator, Vendor,
            "没有权限" / "not permitted",
            "检查账号权限" / "check the account's permissions";
        NoPermission = "NoPermission" "", Operator, Unverified,
            "没有权限" / "not permitted",
            "检查账号权限" / "check the account's permissions";
        RiskControl = "Forbidden.RiskControl" "", Vendor, Vendor,
            "账号被风控" / "the account is under risk control",
            "停止调用并联系阿里云" / "stop calling and contact the vendor";
        InsufficientBalance = "InsufficientBalance" "", Operator, Vendor,
            "余额不足" / "the balance is insufficient",
            "充值" / "pay";
        InternalError = "InternalError" "The request processing has failed due to some unknown error, exception or failure.", Software, Vendor,
            "网关内部错误" / "an internal error of the gateway",
            "重试或切换地域" / "retry or use another endpoint";
        ServiceUnavailable = "ServiceUnavailable" "The request has failed due to a temporary failure of the server.", Software, Vendor,
            "服务暂时不可用" / "the service is temporarily unavailable",
            "重试或切换地域" / "retry or use another endpoint";
    }
}

impl GatewayCode {
    /// The manual's entry. A code that is not in it takes its family's: `MissingSceneId` that of
    /// `MissingParameter`, `Throttling.Something` that of `Throttling`, and so on.
    #[must_use]
    pub fn manual(&self) -> Option<&'static Manual> {
        const FAMILIES: [(&str, &str); 5] = [
            ("Missing", "MissingParameter"),
            ("Throttling.", "Throttling"),
            ("Forbidden.", "Forbidden"),
            ("InvalidParameter.", "InvalidParameter"),
            ("InvalidSecurityToken.", "InvalidSecurityToken.Malformed"),
        ];
        let code = self.as_str();
        entry(Self::MANUAL, code).or_else(|| {
            let family = FAMILIES.iter().find(|(prefix, _)| code.starts_with(prefix))?;
            entry(Self::MANUAL, family.1)
        })
    }
}
