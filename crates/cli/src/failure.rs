//! Why a command failed, and the exit code for it.

use std::fmt;

use cloudauth::{Code, ErrorKind, GatewayCode};

/// A failure with its exit code. The message shows no secret and no personal data.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

pub(crate) const NOT_PASSED: u8 = 3;
pub(crate) const PENDING: u8 = 5;
pub(crate) const REVIEW: u8 = 8;
const OTHER: u8 = 1;
const USAGE: u8 = 2;
const CREDENTIALS: u8 = 4;
const NETWORK: u8 = 6;
const THROTTLED: u8 = 7;

impl Failure {
    pub(crate) fn usage(error: impl fmt::Display) -> Self {
        Self { code: USAGE, message: error.to_string() }
    }

    pub(crate) fn credentials(error: &dyn std::error::Error) -> Self {
        Self { code: CREDENTIALS, message: chain(error) }
    }

    pub(crate) fn refused(error: impl fmt::Display) -> Self {
        Self { code: CREDENTIALS, message: error.to_string() }
    }

    pub(crate) fn network(error: impl fmt::Display) -> Self {
        Self { code: NETWORK, message: error.to_string() }
    }

    pub(crate) fn other(error: impl fmt::Display) -> Self {
        Self { code: OTHER, message: error.to_string() }
    }

    pub(crate) fn chained(error: &dyn std::error::Error) -> Self {
        Self { code: OTHER, message: chain(error) }
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<cloudauth::Error> for Failure {
    fn from(error: cloudauth::Error) -> Self {
        let code = match (error.gateway_code(), error.code()) {
            (Some(code), _) if is_about_credentials(code) => CREDENTIALS,
            (_, Some(Code::NoRamPermission)) => CREDENTIALS,
            (Some(code), _) if code.as_str().starts_with("Throttling") => THROTTLED,
            _ if error.kind() == ErrorKind::Credentials => CREDENTIALS,
            _ if error.is_transient() => NETWORK,
            _ => OTHER,
        };
        let manual = error.gateway_code().and_then(GatewayCode::manual);
        let manual = manual.or_else(|| error.code().and_then(Code::manual));
        let next = manual.map(|entry| format!("\nnext: {}", entry.next.en)).unwrap_or_default();
        Self { code, message: format!("{}{next}", chain(&error)) }
    }
}

fn is_about_credentials(code: &GatewayCode) -> bool {
    matches!(
        code,
        GatewayCode::MissingAccessKeyId
            | GatewayCode::MissingSecurityToken
            | GatewayCode::AccessKeyNotFound
            | GatewayCode::AccessKeyInactive
            | GatewayCode::SecurityTokenExpired
            | GatewayCode::SecurityTokenMalformed
            | GatewayCode::SecurityTokenMismatch
            | GatewayCode::SignatureDoesNotMatch
            | GatewayCode::ForbiddenRam
            | GatewayCode::Forbidden
            | GatewayCode::NoPermission
    )
}

/// An error and all its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
