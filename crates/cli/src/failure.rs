//! The failure of a command, with its exit code.

use std::path::{Path, PathBuf};

use cloudauth::{Code, ErrorKind, GatewayCode};
use serde_json::Value;

use crate::words::errors::chain;
use crate::words::{Language, Said, service};

/// A failure with its exit code. The message shows no secret and no personal data.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: Said,
    /// The file that it is about, unless the message may not name it.
    path: Option<PathBuf>,
    /// The line in it.
    line: Option<usize>,
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
    fn new(code: u8, message: impl Into<Said>, zh: &str) -> Self {
        Self { code, message: message.into().led_by(zh), path: None, line: None }
    }

    pub(crate) fn usage(error: impl Into<Said>) -> Self {
        Self::new(USAGE, error, "输入有误")
    }

    pub(crate) fn credentials(error: impl Into<Said>) -> Self {
        Self::new(CREDENTIALS, error, "访问凭证有误")
    }

    pub(crate) fn refused(error: impl Into<Said>) -> Self {
        Self::new(CREDENTIALS, error, "没有权限")
    }

    pub(crate) fn network(error: impl Into<Said>) -> Self {
        Self::new(NETWORK, error, "网络或服务不可用")
    }

    pub(crate) fn other(error: impl Into<Said>) -> Self {
        Self::new(OTHER, error, "执行失败")
    }

    /// A server that does not start. The caller's file or address cannot be used, unless another process has it now or the
    /// system failed.
    pub(crate) fn start(kind: std::io::ErrorKind, error: impl Into<Said>) -> Self {
        use std::io::ErrorKind as Kind;
        match kind {
            Kind::NotFound
            | Kind::PermissionDenied
            | Kind::IsADirectory
            | Kind::NotADirectory
            | Kind::ReadOnlyFilesystem
            | Kind::InvalidFilename
            | Kind::InvalidInput
            | Kind::InvalidData
            | Kind::AddrNotAvailable
            | Kind::Unsupported => Self::usage(error),
            _ => Self::other(error),
        }
    }

    /// A failure of the system, whose text exists in English only.
    pub(crate) fn system(error: impl std::fmt::Display) -> Self {
        Self::other(Said::untranslated(error))
    }

    /// Adds the file that it is about: that of `text::path_named`.
    pub(crate) fn about(mut self, file: Option<&Path>) -> Self {
        self.path = file.map(Path::to_owned);
        self
    }

    /// Adds the line.
    #[cfg(feature = "lab")]
    pub(crate) fn at(self, line: Option<usize>) -> Self {
        Self { line, ..self }
    }

    /// Returns the file that it is about.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the line in it.
    pub(crate) const fn line(&self) -> Option<usize> {
        self.line
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        self.code
    }

    /// The members that report it in a document.
    pub(crate) fn members(&self) -> [(&'static str, Value); 2] {
        [("error", self.message(Language::En).into()), ("exit_code", self.code.into())]
    }

    /// The message, which documents hold in English.
    pub(crate) fn message(&self, language: Language) -> &str {
        self.message.of(language)
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
        let message = service::failed(&error, &chain(&error), manual.map(|entry| entry.next));
        Self { code, message, path: None, line: None }
    }
}

/// What the lab cannot read is an invalid input, as a file that another command cannot read is.
#[cfg(feature = "lab")]
impl From<cloudauth_lab::LabError> for Failure {
    fn from(error: cloudauth_lab::LabError) -> Self {
        use cloudauth_lab::LabProblem as Problem;
        let path = error.path().map(Path::to_owned);
        let failure = match error.problem() {
            Problem::CannotWrite(..)
            | Problem::Changed(_)
            | Problem::PolicyFails(..)
            | Problem::Rendering(_) => Self::other(error),
            _ => Self::usage(error),
        };
        Self { path, ..failure }
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
