//! The error of a credentials provider.

use std::fmt;
use std::sync::Arc;

use cloudauth_protocol::CredentialsError;
use cloudauth_transport::BoxError;

use super::load_error::LoadError;
use super::provide_problem::ProvideProblem;

/// The error of a credentials provider: its name and the reason. It shows no secret and no text of a response.
#[derive(Clone, Debug)]
pub struct ProvideError(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    One {
        provider: String,
        reason: String,
        transient: bool,
        absent: bool,
        source: Option<BoxError>,
        /// The reason as data, if the provider is one of this crate.
        problem: Option<ProvideProblem>,
    },
    AllAbsent(Vec<ProvideError>),
}

impl ProvideError {
    /// Creates an error of `provider`. Neither text may hold a secret.
    pub fn new(provider: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::one(provider.into(), reason.into(), None)
    }

    /// Creates an error of a provider of this crate.
    pub(super) fn of(provider: &str, problem: ProvideProblem) -> Self {
        Self::one(provider.to_owned(), problem.to_string(), Some(problem))
    }

    fn one(provider: String, reason: String, problem: Option<ProvideProblem>) -> Self {
        let (transient, absent, source) = (false, false, None);
        Self(Arc::new(Inner::One { provider, reason, transient, absent, source, problem }))
    }

    /// Adds the underlying error, which must not show a secret either.
    #[must_use]
    pub fn with_source(self, error: impl Into<BoxError>) -> Self {
        self.changed(|_, _, source| *source = Some(error.into()))
    }

    /// Marks the failure as transient: a later attempt may succeed.
    #[must_use]
    pub fn transient(self) -> Self {
        self.changed(|transient, _, _| *transient = true)
    }

    /// Marks the source as absent: it is not configured, so a [`Chain`](super::Chain) continues with the next
    /// one. Any other failure ends the chain, because the next source could belong to another account.
    #[must_use]
    pub fn absent(self) -> Self {
        self.changed(|_, absent, _| *absent = true)
    }

    /// Returns whether the source is absent, so that a chain continues with the next one.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        match &*self.0 {
            Inner::One { absent, .. } => *absent,
            Inner::AllAbsent(_) => true,
        }
    }

    /// Returns whether a later attempt may succeed. Among several failures, one transient failure is enough.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &*self.0 {
            Inner::One { transient, .. } => *transient,
            Inner::AllAbsent(errors) => errors.iter().any(Self::is_transient),
        }
    }

    /// Returns the name of the provider; `None` if all sources of a chain are absent.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        match &*self.0 {
            Inner::One { provider, .. } => Some(provider),
            Inner::AllAbsent(_) => None,
        }
    }

    /// Returns the reason in English; `None` if all sources of a chain are absent.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match &*self.0 {
            Inner::One { reason, .. } => Some(reason),
            Inner::AllAbsent(_) => None,
        }
    }

    /// Returns the error of each source, if all sources of a chain are absent.
    #[must_use]
    pub fn absent_sources(&self) -> &[Self] {
        match &*self.0 {
            Inner::One { .. } => &[],
            Inner::AllAbsent(errors) => errors,
        }
    }

    /// Returns the reason as data, if the provider is one of this crate.
    #[must_use]
    pub fn problem(&self) -> Option<&ProvideProblem> {
        match &*self.0 {
            Inner::One { problem, .. } => problem.as_ref(),
            Inner::AllAbsent(_) => None,
        }
    }

    /// Creates the error of a source that is configured but unusable.
    pub(super) fn unusable(provider: &str, error: LoadError) -> Self {
        Self::of(provider, ProvideProblem::Load(error))
    }

    /// Changes an error that has not been cloned yet.
    fn changed(mut self, change: impl FnOnce(&mut bool, &mut bool, &mut Option<BoxError>)) -> Self {
        if let Some(Inner::One { transient, absent, source, .. }) = Arc::get_mut(&mut self.0) {
            change(transient, absent, source);
        }
        self
    }

    /// Creates the error of a chain whose sources are all absent.
    pub(super) fn all_absent(errors: Vec<Self>) -> Self {
        Self(Arc::new(Inner::AllAbsent(errors)))
    }

    pub(super) fn invalid_credentials(provider: &str, error: CredentialsError) -> Self {
        Self::of(provider, ProvideProblem::InvalidCredentials).with_source(error)
    }
}

impl fmt::Display for ProvideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::One { provider, reason, .. } => write!(f, "{provider}: {reason}"),
            Inner::AllAbsent(errors) => {
                f.write_str("no credentials found")?;
                // `source` returns only one error, so the message includes the sources of all of them.
                for error in errors {
                    write!(f, "; {error}")?;
                    let mut source = std::error::Error::source(error);
                    while let Some(error) = source {
                        write!(f, ": {error}")?;
                        source = error.source();
                    }
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ProvideError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Inner::One { source, .. } => source.as_deref().map(|error| error as _),
            Inner::AllAbsent(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_one_source_gives_its_name_and_reason() {
        let own = ProvideError::new("vault", "sealed").with_source("not a secret").transient();
        assert_eq!((own.provider(), own.reason()), (Some("vault"), Some("sealed")));
        assert!(own.problem().is_none() && own.absent_sources().is_empty());
        assert!(own.is_transient() && !own.is_absent());
        assert_eq!(std::error::Error::source(&own).unwrap().to_string(), "not a secret");
        let built_in = ProvideError::of("STS", ProvideProblem::TooSlow);
        assert!(matches!(built_in.problem(), Some(ProvideProblem::TooSlow)));
        assert_eq!(built_in.to_string(), "STS: did not return in time");
        assert!(!built_in.is_transient() && !built_in.is_absent());
    }

    #[test]
    fn error_of_a_chain_lists_its_sources() {
        let absent = |name: &str| ProvideError::new(name, "no key").absent();
        let (one, other) = (absent("one"), absent("other").with_source("no file"));
        let all = ProvideError::all_absent(vec![one.clone(), other]);
        assert_eq!(all.to_string(), "no credentials found; one: no key; other: no key: no file");
        assert!(all.provider().is_none() && all.reason().is_none() && all.problem().is_none());
        assert!(all.is_absent() && !all.is_transient() && all.absent_sources().len() == 2);
        // It is worth trying again if one of the sources may come back.
        assert!(ProvideError::all_absent(vec![one, absent("later").transient()]).is_transient());
    }
}
