//! `cloudauth sign`: signs a call without sending it.

use std::time::SystemTime;

use cloudauth::{
    Effect, Endpoint, Nonce, ParamLocation, RawOperation, Stamp, UnixTime, credentials, explain,
};
use serde_json::json;

use crate::args::Sign;
use crate::failure::Failure;
use crate::output::Output;
use crate::person::{read_object, text_of};
use crate::random::entropy;
use crate::words::calls as words;

/// The parameters of `InitFaceVerify` that the vendor's metadata puts into the body. All others of the flow are in the
/// query.
const IN_BODY: [&str; 4] = ["AuthId", "Crop", "FaceContrastPicture", "Model"];

pub(crate) fn run(args: &Sign, output: &Output) -> Result<u8, Failure> {
    let by = credentials::load().map_err(Failure::credentials)?;
    let endpoint = args.target.endpoint()?.unwrap_or_else(Endpoint::cn_shanghai);
    let mut op = RawOperation::new(&args.action, Effect::Read).map_err(Failure::usage)?;
    for (name, value) in read_object(&args.params)? {
        let location =
            if IN_BODY.contains(&name.as_str()) { ParamLocation::Body } else { ParamLocation::Query };
        op = op.param(location, &name, &text_of(&value));
    }
    let at = args.timestamp.map_or_else(|| SystemTime::now().into(), UnixTime::from_secs);
    let nonce = Nonce::from_entropy(match &args.nonce {
        Some(digits) => from_hex(digits).ok_or_else(|| Failure::usage(words::NONCE))?,
        None => entropy()?,
    });
    let explained = explain(&op, &endpoint, &by, args.target.signing.into(), Stamp::new(at, nonce));
    let explained = explained.map_err(Failure::usage)?;
    let stages = if args.reveal { explained.expose() } else { explained.masked() };
    let document = json!({
        "canonical": args.explain.then_some(&stages.canonical),
        "string_to_sign": args.explain.then_some(&stages.string_to_sign),
        "signature": stages.signature,
        "masked": !args.reveal,
    });
    let human = if args.explain {
        output.pick(words::stages(&stages.canonical, &stages.string_to_sign, &stages.signature, !args.reveal))
    } else {
        stages.signature.clone()
    };
    output.print(&human, &document);
    Ok(0)
}

/// Reads exactly 32 hexadecimal digits. The standard library's parser alone would take fewer, and a sign.
fn from_hex(digits: &str) -> Option<[u8; 16]> {
    let is_nonce = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let nonce = is_nonce.then(|| u128::from_str_radix(digits, 16).ok())?;
    nonce.map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_exactly_32_hexadecimal_digits() {
        let digits = "000102030405060708090a0b0c0D0E0f";
        assert_eq!(from_hex(digits), Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
        let with_sign = digits.replacen("00", "+1", 1);
        for wrong in [
            &digits.replacen("00", "0", 1),
            &format!("{digits}0"),
            &with_sign,
            &digits.replacen("00", "g0", 1),
            "",
        ] {
            assert_eq!(from_hex(wrong), None, "{wrong}");
        }
        assert_eq!(from_hex(&"é".repeat(16)), None, "32 bytes that are no digits");
    }
}
