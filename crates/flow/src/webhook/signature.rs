//! Signs messages, and checks them for a receiver.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloudauth_protocol::UnixTime;
use hmac::Mac;

use crate::webhook::secret::WebhookSecret;

/// By how much the time of a message may differ from the receiver's clock.
pub const WEBHOOK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The longest header `webhook-signature`. A signature has 47 characters, and a sender has two secrets.
const LONGEST: usize = 1024;

/// The headers of a message, by which a receiver checks it.
#[derive(Clone, Copy, Debug)]
pub struct WebhookHeaders<'a> {
    /// `webhook-id`: the same in each attempt. Keep those that you handled: a message may come again.
    pub id: &'a str,
    /// `webhook-timestamp`: the time of the attempt, in seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: signatures, each after its version and a comma, with spaces between them.
    pub signature: &'a str,
}

impl WebhookHeaders<'_> {
    /// Checks a message that you received. `body` has the bytes as they came: a document that was read and written again has other
    /// bytes. Limit its size before. `secrets` has the current and, during a rotation, the previous secret.
    ///
    /// ```
    /// use cloudauth_flow::{WebhookHeaders, WebhookSecret};
    /// use cloudauth_protocol::UnixTime;
    ///
    /// let secret = WebhookSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?; // the specification's, never yours
    /// let headers = WebhookHeaders {
    ///     id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    ///     timestamp: "1614265330",
    ///     signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    /// };
    /// let now = UnixTime::from_secs(1_614_265_400);
    /// headers.verify(&[secret], br#"{"test": 2432232314}"#, now)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the time is more than five minutes away, or if no signature is by one of the secrets. Answer 401, and do not handle the
    /// message.
    pub fn verify(&self, secrets: &[WebhookSecret], body: &[u8], now: UnixTime) -> Result<(), WebhookError> {
        let is_number = self.timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = self.timestamp.parse().ok().filter(|_| is_number).ok_or(WebhookError::Malformed)?;
        if self.signature.len() > LONGEST {
            return Err(WebhookError::Malformed);
        }
        let at = UnixTime::from_secs(seconds);
        if at.since(now).max(now.since(at)) > WEBHOOK_TOLERANCE {
            return Err(WebhookError::OtherTime);
        }
        let signatures: Vec<Vec<u8>> = self
            .signature
            .split(' ')
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .collect();
        // Compared in constant time.
        let fits = secrets.iter().any(|secret| {
            let code = secret.code(self.id, self.timestamp, body);
            signatures.iter().any(|signature| code.clone().verify_slice(signature).is_ok())
        });
        if fits { Ok(()) } else { Err(WebhookError::OtherSignature) }
    }
}

/// Returns the header `webhook-signature`: one signature for each secret.
#[cfg(any(feature = "driver", test))]
pub(super) fn sign(secrets: &[WebhookSecret], id: &str, timestamp: &str, body: &[u8]) -> String {
    let sign = |secret: &WebhookSecret| {
        let code = secret.code(id, timestamp, body).finalize();
        format!("v1,{}", STANDARD.encode(code.into_bytes()))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

/// The error of a message that does not come from your sender, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookError {
    /// A header has another form.
    Malformed,
    /// The message was sent more than five minutes ago, or one of the clocks is wrong.
    OtherTime,
    /// No signature is by one of the secrets.
    OtherSignature,
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "checking a webhook failed: a header is malformed",
            Self::OtherTime => "checking a webhook failed: its time is more than five minutes away",
            Self::OtherSignature => "checking a webhook failed: no signature is by one of the secrets",
        })
    }
}

impl std::error::Error for WebhookError {}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    /// The vector in the tests of the specification's libraries.
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> WebhookSecret {
        WebhookSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    fn other() -> WebhookSecret {
        WebhookSecret::new(&WebhookSecret::text(&[1; 32])).unwrap()
    }

    fn verify(signature: &str, secrets: &[WebhookSecret], second: u64) -> Result<(), WebhookError> {
        let headers = WebhookHeaders { id: ID, timestamp: TIMESTAMP, signature };
        headers.verify(secrets, BODY, UnixTime::from_secs(second))
    }

    #[test]
    fn the_vector_of_the_specification_is_signed_and_verified() {
        assert_eq!(sign(&[secret()], ID, TIMESTAMP, BODY), SIGNATURE);
        assert_eq!(verify(SIGNATURE, &[secret()], 1_614_265_330), Ok(()));
    }

    #[test]
    fn a_rotation_needs_no_moment_at_which_both_sides_change() {
        let both = sign(&[other(), secret()], ID, TIMESTAMP, BODY);
        assert_eq!(both.split(' ').count(), 2);
        for receiver in [vec![secret()], vec![other()], vec![secret(), other()]] {
            assert_eq!(verify(&both, &receiver, 1_614_265_330), Ok(()));
        }
        assert_eq!(verify(SIGNATURE, &[other(), secret()], 1_614_265_330), Ok(()));
    }

    #[test]
    fn an_error_says_what_to_look_at() {
        let shown = |error: WebhookError| error.to_string();
        assert_eq!(
            [WebhookError::Malformed, WebhookError::OtherTime, WebhookError::OtherSignature].map(shown),
            [
                "checking a webhook failed: a header is malformed",
                "checking a webhook failed: its time is more than five minutes away",
                "checking a webhook failed: no signature is by one of the secrets",
            ]
        );
    }

    #[test]
    fn the_time_may_differ_by_five_minutes() {
        for (second, expected) in [
            (1_614_265_330 - 300, Ok(())),
            (1_614_265_330 + 300, Ok(())),
            (1_614_265_330 - 301, Err(WebhookError::OtherTime)),
            (1_614_265_330 + 301, Err(WebhookError::OtherTime)),
        ] {
            assert_eq!(verify(SIGNATURE, &[secret()], second), expected, "{second}");
        }
    }

    #[test]
    fn a_changed_message_does_not_verify() {
        let now = UnixTime::from_secs(1_614_265_330);
        let check = |id, timestamp, signature, body: &[u8]| {
            WebhookHeaders { id, timestamp, signature }.verify(&[secret()], body, now)
        };
        let forged = Err(WebhookError::OtherSignature);
        assert_eq!(check("msg_other", TIMESTAMP, SIGNATURE, BODY), forged);
        assert_eq!(check(ID, "1614265331", SIGNATURE, BODY), forged);
        assert_eq!(check(ID, TIMESTAMP, SIGNATURE, br#"{"test": 2432232315}"#), forged);
        let bare = SIGNATURE.replace("v1,", "");
        let asymmetric = SIGNATURE.replace("v1,", "v1a,");
        for bad in ["", "v1,", "v1", &bare, &asymmetric, "v1,AAAA"] {
            assert_eq!(check(ID, TIMESTAMP, bad, BODY), forged, "{bad}");
        }
        assert_eq!(verify(SIGNATURE, &[], 1_614_265_330), forged);
        for bad in ["", "+1614265330", "1614265330.0", "99999999999999999999"] {
            assert_eq!(check(ID, bad, SIGNATURE, BODY), Err(WebhookError::Malformed), "{bad}");
        }
        let longest = format!("{:A<LONGEST$}", format!("{SIGNATURE} v1,"));
        assert_eq!(check(ID, TIMESTAMP, &longest, BODY), Ok(()));
        let longer = longest.clone() + "A";
        assert_eq!(check(ID, TIMESTAMP, &longer, BODY), Err(WebhookError::Malformed));
    }
}
