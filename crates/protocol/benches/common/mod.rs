//! Data of the benches: the web flow's 15 parameters, and a Describe reply of 2.2 KB.

#![allow(dead_code, clippy::unwrap_used, reason = "each bench uses its own half")]

use cloudauth_protocol::{
    AuthId, CallbackToken, CallbackUrl, CertName, CertNo, CertifyUrlType, Identity, InitFaceVerify, Ip,
    MetaInfo, Mobile, OuterOrderNo, ReturnUrl, SceneId, UserId,
};

/// An `InitFaceVerify` of the page's 15 parameters, with a MetaInfo of 300 bytes.
pub(crate) fn init() -> InitFaceVerify {
    let meta_info = format!(
        r#"{{"zimVer":"3.0.0","appVersion":"1","bioMetaInfo":"4.1.0:11501568,0","appName":"com.aliyun.antcloudauth","deviceType":"ios","osVersion":"iOS 10.3.2","apdidToken":"{}","deviceModel":"iPhone9,1"}}"#,
        "x".repeat(110)
    );
    assert_eq!(meta_info.len(), 300);
    InitFaceVerify::new(
        SceneId::new(1_000_000_006).unwrap(),
        OuterOrderNo::new("e0c34a77f5ac40a5aa5e6ed20c353888").unwrap(),
        Identity::plain(CertName::new("张三").unwrap(), CertNo::new("999999199001012003").unwrap()),
        ReturnUrl::new("https://www.example.com/back?a=1&b=2").unwrap(),
        MetaInfo::new(&meta_info).unwrap(),
    )
    .mobile(Mobile::new("13000000000").unwrap())
    .ip(Ip::new("192.0.2.7".parse().unwrap()))
    .user_id(UserId::new("123456789").unwrap())
    .callback_url(CallbackUrl::new("https://www.example.com/callback").unwrap())
    .callback_token(CallbackToken::new("NMjvQanQgplBSaEI0sL86WnQplB").unwrap())
    .certify_url_type(CertifyUrlType::H5)
    .auth_id(AuthId::new("92d46b9e9e2d703f2897f350d5bd4149").unwrap())
}

/// A `DescribeFaceVerify` reply of about 2.2 KB, in the form of the page's sample.
pub(crate) fn describe_reply() -> String {
    let material_info = serde_json::json!({
        "faceAttack": "F",
        "faceOcclusion": "F",
        "facialPictureFront": {
            "faceAttackScore": 0.00008597839769208804,
            "ossBucketName": "cn-shanghai-aliyun-cloudauth-1260051251634779",
            "ossObjectName": "verify/1260051251634779/03a081bd96328aedf83f635f39a50c57_0.jpeg",
            "pictureUrl": format!(
                "http://cn-shanghai-aliyun-cloudauth-1260051251634779.oss-cn-shanghai.aliyuncs.com/verify/1260051251634779/03a081bd96328aedf83f635f39a50c57_0.jpeg?Expires=1625371140&OSSAccessKeyId=STS.NTX1ngfr6Acg2Pmnn2RYMxxxx&Signature=Hw5BF9WxJs6wI68IxKs41cxCU8xxxx&security-token={}",
                "CAISjgJ1q6Ft5B2yfSjIr5ftetTTi60X9qGMMHbcim5nXtZhu7GT1Dz2IH1PdXFgA%2Bgds%2F".repeat(19)
            ),
            "qualityScore": 99.93476867675781,
            "verifyScore": 77.678_396_649_466_75
        }
    });
    serde_json::json!({
        "RequestId": "130A2C10-B9EE-4D84-88E3-5384FF039795",
        "Message": "success",
        "Code": "200",
        "ResultObject": {
            "Passed": "T",
            "SubCode": "200",
            "IdentityInfo": "null",
            "MaterialInfo": material_info.to_string()
        }
    })
    .to_string()
}
