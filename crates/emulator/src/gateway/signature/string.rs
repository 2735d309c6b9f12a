//! Strings to sign for display: cut in error messages, masked in explanations.

use super::encode::Sink;
use crate::sessions::masked;

/// The maximum length of a string to sign in an error message, in bytes.
const MAX_QUOTED: usize = 64 << 10;

/// A string to sign, and the same string with personal data masked.
#[derive(Default)]
pub(super) struct SignedString {
    pub(super) plain: String,
    pub(super) masked: String,
}

impl SignedString {
    /// Collects what `write` writes, both plain and masked.
    pub(super) fn of(write: impl Fn(bool, &mut Sink<'_>)) -> Self {
        let collected = |masked| {
            let mut text = Vec::new();
            write(masked, &mut |piece| text.extend_from_slice(piece));
            String::from_utf8_lossy(&text).into_owned()
        };
        Self { plain: collected(false), masked: collected(true) }
    }
}

/// Collects a string to sign for an error message. A long string is cut.
pub(super) fn quoted(write: impl FnOnce(&mut Sink<'_>)) -> String {
    let (mut text, mut is_cut) = (Vec::new(), false);
    write(&mut |piece| {
        let piece = piece.get(..MAX_QUOTED.saturating_sub(text.len()).min(piece.len())).unwrap_or_default();
        text.extend_from_slice(piece);
        is_cut |= text.len() == MAX_QUOTED;
    });
    let dots = if is_cut { "..." } else { "" };
    format!("{}{dots}", String::from_utf8_lossy(&text))
}

/// The replacement of values that may be personal data.
pub(super) const MASK: &str = "***";

/// Returns whether the value of a parameter or header may be shown. Unknown ones may be personal data, and so may a phone or ID number
/// in a known one.
pub(super) fn may_be_shown(name: &str, value: &str) -> bool {
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
    // A digest may have many digits in a row.
    SHOWN.contains(&name) && (name == "x-acs-content-sha256" || masked(value) == value)
}

/// Returns whether a text looks like the name of a parameter or header.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_unknown_values_and_numbers_of_people() {
        for (name, value, expected) in [
            ("OuterOrderNo", "order1", true),
            ("OuterOrderNo", "13800000000", false),
            ("OuterOrderNo", "999999199001012047", false),
            ("user-agent", "of 13800000000", false),
            ("SceneId", "1000000006", true),
            ("SignatureNonce", "12345678-1234-1234-1234-12345678901a", true),
            ("x-acs-content-sha256", "123456789012", true),
            ("CertName", "zhang", false),
        ] {
            assert_eq!(may_be_shown(name, value), expected, "{name} {value}");
        }
    }

    #[test]
    fn cuts_a_long_string() {
        let text = "a".repeat(MAX_QUOTED + 1);
        assert_eq!(quoted(|to| to(text.as_bytes())).len(), MAX_QUOTED + 3);
        assert_eq!(quoted(|to| to(b"short")), "short");
    }
}
