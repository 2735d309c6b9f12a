//! Why a command failed, and the exit code for it.

use std::fmt;

use cloudauth::{Actor, ErrorKind, GatewayCode, TransportErrorKind};

/// A failure with its exit code. The message shows no secret and no personal data.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

pub(crate) const NOT_PASSED: u8 = 3;
pub(crate) const PENDING: u8 = 5;
const OTHER: u8 = 1;
const USAGE: u8 = 2;
const CREDENTIALS: u8 = 4;
const NETWORK: u8 = 6;

impl Failure {
    pub(crate) fn usage(error: impl fmt::Display) -> Self {
        Self { code: USAGE, message: error.to_string() }
    }

    pub(crate) fn credentials(error: &dyn std::error::Error) -> Self {
        Self { code: CREDENTIALS, message: chain(error) }
    }

    pub(crate) fn other(error: impl fmt::Display) -> Self {
        Self { code: OTHER, message: error.to_string() }
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
        let code = match (error.kind(), error.gateway_code(), error.code()) {
            (ErrorKind::Deadline, ..) => NETWORK,
            (ErrorKind::Transport, ..) => {
                let kind = error.transport().map(cloudauth::TransportError::kind);
                if kind == Some(TransportErrorKind::Unsupported) { OTHER } else { NETWORK }
            }
            (_, Some(GatewayCode::InternalError | GatewayCode::ServiceUnavailable), _) => NETWORK,
            (_, Some(code), _) if code.manual().is_some_and(|entry| entry.actor == Actor::Operator) => {
                CREDENTIALS
            }
            (_, _, Some(cloudauth::Code::NoRamPermission)) => CREDENTIALS,
            (_, _, Some(cloudauth::Code::SystemError)) => NETWORK,
            _ => OTHER,
        };
        let manual = error.gateway_code().and_then(GatewayCode::manual);
        let manual = manual.or_else(|| error.code().and_then(cloudauth::Code::manual));
        let next = manual.map(|entry| format!("\nnext: {}", entry.next.en)).unwrap_or_default();
        Self { code, message: format!("{}{next}", chain(&error)) }
    }
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
