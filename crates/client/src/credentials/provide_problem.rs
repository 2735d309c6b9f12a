//! The reasons for which the providers of this crate fail, as data.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::load_error::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, LoadError};

/// The reason for which a provider of this crate fails. It shows no secret and no text of a response. Exhaustive on purpose:
/// a program that explains it in another language must handle every reason.
#[derive(Debug)]
pub enum ProvideProblem {
    /// The environment sets no access key.
    NotInEnvironment,
    /// The chosen profile of this file holds no key.
    BlankProfile(PathBuf),
    /// The environment or a file is configured, but unusable.
    Load(LoadError),
    /// The credentials URI is not a valid `http` or `https` URL.
    InvalidUri,
    /// The credentials URI is neither `https` nor on this machine.
    InsecureUri,
    /// The name of the instance's role is invalid.
    InvalidRole,
    /// The name of the STS region is invalid.
    InvalidRegion,
    /// The OIDC token file cannot be read.
    UnreadableToken(PathBuf, io::ErrorKind),
    /// The request cannot be built.
    CannotBuild,
    /// The request cannot be signed.
    CannotSign,
    /// The server cannot be reached.
    Unreachable,
    /// The server refused the request.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code of the response, if it is a plain word.
        code: Option<String>,
    },
    /// The response is not a credentials document.
    NotADocument,
    /// The response is not a single word.
    NotAWord,
    /// The response lacks a part of the credentials.
    Incomplete,
    /// The `Expiration` of the response is not a time.
    InvalidExpiration,
    /// The credentials of the response are invalid; the source says why.
    InvalidCredentials,
    /// The credentials of the response have expired.
    Expired,
    /// The service refused the credentials as soon as they were fetched.
    RefusedAtOnce,
    /// The provider did not return in time.
    TooSlow,
    /// The exchange was polled without a response.
    PolledWithoutResponse,
    /// The system provided no random bytes.
    NoRandomness,
}

impl fmt::Display for ProvideProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInEnvironment => return write!(f, "set {ACCESS_KEY_ID} and {ACCESS_KEY_SECRET}"),
            Self::BlankProfile(file) => {
                return write!(f, "the chosen profile of {} holds no key", file.display());
            }
            Self::Load(error) => {
                return match std::error::Error::source(error) {
                    // The cause stands on the same line, because a chain shows the errors of all its sources.
                    Some(source) => write!(f, "{error}: {source}"),
                    None => write!(f, "{error}"),
                };
            }
            Self::UnreadableToken(file, kind) => {
                return write!(f, "cannot read the token file {}: {kind}", file.display());
            }
            Self::Refused { status, code: Some(code) } => {
                return write!(f, "refused with HTTP {status}, code {code}");
            }
            Self::Refused { status, code: None } => return write!(f, "refused with HTTP {status}"),
            Self::InvalidUri => "not a valid http or https URL",
            Self::InsecureUri => "must be https, or http on this machine",
            Self::InvalidRole => "the role's name is invalid",
            Self::InvalidRegion => "the name of the STS region is invalid",
            Self::CannotBuild => "cannot build the request",
            Self::CannotSign => "cannot sign the request",
            Self::Unreachable => "cannot be reached",
            Self::NotADocument => "the response is not a credentials document",
            Self::NotAWord => "the response is not a word",
            Self::Incomplete => "the response lacks a part of the credentials",
            Self::InvalidExpiration => "the response's Expiration is not a time",
            Self::InvalidCredentials => "returned invalid credentials",
            Self::Expired => "returned expired credentials",
            Self::RefusedAtOnce => "returned credentials that were refused immediately",
            Self::TooSlow => "did not return in time",
            Self::PolledWithoutResponse => "polled without a response",
            Self::NoRandomness => "provided no random bytes",
        })
    }
}
