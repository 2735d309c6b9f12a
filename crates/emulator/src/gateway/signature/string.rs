//! Strings to sign, as messages and explanations show them.

use super::encode::Sink;

/// The most bytes of a string to sign that an error message repeats.
const QUOTED: usize = 64 << 10;

/// A string to sign, and the same with personal data masked.
#[derive(Default)]
pub(super) struct Text {
    pub(super) plain: String,
    pub(super) masked: String,
}

impl Text {
    /// Collects what `write` writes, masked or not.
    pub(super) fn of(write: impl Fn(bool, &mut Sink<'_>)) -> Self {
        let collected = |masked| {
            let mut text = Vec::new();
            write(masked, &mut |piece| text.extend_from_slice(piece));
            String::from_utf8_lossy(&text).into_owned()
        };
        Self { plain: collected(false), masked: collected(true) }
    }
}

/// A string to sign as an error message repeats it: its beginning, if it is very long.
pub(super) fn quoted(write: impl FnOnce(&mut Sink<'_>)) -> String {
    let (mut text, mut is_cut) = (Vec::new(), false);
    write(&mut |piece| {
        let piece = piece.get(..QUOTED.saturating_sub(text.len()).min(piece.len())).unwrap_or_default();
        text.extend_from_slice(piece);
        is_cut |= text.len() == QUOTED;
    });
    let dots = if is_cut { "..." } else { "" };
    format!("{}{dots}", String::from_utf8_lossy(&text))
}

/// Replaces a value that may be personal data.
pub(super) const MASK: &str = "***";

/// Whether a parameter's or header's value may be shown. What is not known may be anybody's data.
pub(super) fn may_be_shown(name: &str) -> bool {
    const SHOWN: [&str; 31] = [
        "AccessKeyId",
        "Action",
        "CameraSelection",
        "CertType",
        "CertifyId",
        "CertifyUrlStyle",
        "CertifyUrlType",
        "EncryptType",
        "Format",
        "Model",
        "OuterOrderNo",
        "PictureReturnType",
        "ProcedurePriority",
        "ProductCode",
        "RegionId",
        "SceneId",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "Timestamp",
        "Version",
        "accept",
        "content-type",
        "host",
        "x-acs-action",
        "x-acs-content-sha256",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-version",
        "user-agent",
    ];
    SHOWN.contains(&name)
}

/// Whether a text looks like the name of a parameter or header.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_is_cut_at_its_bound() {
        let text = "a".repeat(QUOTED + 1);
        assert_eq!(quoted(|to| to(text.as_bytes())).len(), QUOTED + 3);
        assert_eq!(quoted(|to| to(b"short")), "short");
    }
}
