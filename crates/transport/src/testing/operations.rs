//! Synthetic operations.

use cloudauth_protocol::{
    CertName, CertNo, CertifyId, DescribeFaceVerify, Identity, InitFaceVerify, InvalidValue, MetaInfo,
    OuterOrderNo, ReturnUrl, SceneId,
};

/// Returns an `InitFaceVerify` of a synthetic person, under your order number.
///
/// # Errors
/// If the order number is invalid.
pub fn init_face_verify(order: &str) -> Result<InitFaceVerify, InvalidValue> {
    Ok(InitFaceVerify::new(
        SceneId::new(1)?,
        OuterOrderNo::new(order)?,
        Identity::plain(CertName::new("张三")?, CertNo::new("999999199001012003")?),
        ReturnUrl::new("https://shop.example/back")?,
        MetaInfo::new(r#"{"zimVer":"3.0.0"}"#)?,
    ))
}

/// Returns a `DescribeFaceVerify` of this verification, in the same scene.
///
/// # Errors
/// If the id is invalid.
pub fn describe_face_verify(id: &str) -> Result<DescribeFaceVerify, InvalidValue> {
    Ok(DescribeFaceVerify::new(SceneId::new(1)?, CertifyId::new(id)?))
}
