//! A chain of credentials providers, tried in order.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloudauth_protocol::{Body, UnixTime};
use cloudauth_transport::TransportError;
use http::Response;

use super::error::ProvideError;
use super::provider::{CredentialExchange, CredentialStep, ProvideCredentials};
use crate::inputs::Entropy;

/// A chain of providers, tried in order. After the first success, only the provider that succeeded is used. A
/// provider that fails ends the chain, unless its error is [`absent`](ProvideError::absent). If all providers
/// are absent, the error lists them.
pub struct Chain {
    links: Vec<(&'static str, Link)>,
    /// The index of the provider that succeeded; out of range before the first success.
    found: AtomicUsize,
}

/// A provider, or the reason why it is unusable.
pub(super) type Link = Result<Arc<dyn ProvideCredentials>, ProvideError>;

impl Chain {
    /// Creates a chain of your own providers, in this order. `Debug` prints the names. An error has the name
    /// that the provider itself sets.
    pub fn new(providers: impl IntoIterator<Item = (&'static str, Arc<dyn ProvideCredentials>)>) -> Self {
        Self::of_links(providers.into_iter().map(|(name, provider)| (name, Ok(provider))).collect())
    }

    pub(super) const fn of_links(links: Vec<(&'static str, Link)>) -> Self {
        Self { links, found: AtomicUsize::new(usize::MAX) }
    }
}

/// Prints the names of the providers.
impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chain")?;
        f.debug_list().entries(self.links.iter().map(|(name, _)| name)).finish()
    }
}

impl ProvideCredentials for Chain {
    fn begin(&self) -> Box<dyn CredentialExchange + '_> {
        let found = self.found.load(Ordering::Relaxed);
        let (first, last) = if found < self.links.len() { (found, found) } else { (0, usize::MAX) };
        Box::new(ChainExchange { chain: self, at: first, last, current: None, absent: Vec::new() })
    }
}

struct ChainExchange<'a> {
    chain: &'a Chain,
    /// The index of the current provider.
    at: usize,
    /// The index of the last provider to try.
    last: usize,
    current: Option<Box<dyn CredentialExchange + 'a>>,
    /// The errors of the absent providers.
    absent: Vec<ProvideError>,
}

impl CredentialExchange for ChainExchange<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        entropy: Entropy,
        mut answer: Option<Result<Response<Body>, TransportError>>,
    ) -> CredentialStep {
        loop {
            let step = match (&mut self.current, self.chain.links.get(self.at)) {
                (Some(current), _) => current.next(now, entropy, answer.take()),
                (None, Some((_, Ok(provider)))) => {
                    self.current = Some(provider.begin());
                    continue;
                }
                (None, Some((_, Err(error)))) => CredentialStep::Done(Err(error.clone())),
                (None, None) => {
                    let absent = std::mem::take(&mut self.absent);
                    return CredentialStep::Done(Err(ProvideError::all_absent(absent)));
                }
            };
            match step {
                CredentialStep::Done(Err(error)) if error.is_absent() && self.at < self.last => {
                    self.absent.push(error);
                    (self.at, self.current) = (self.at + 1, None);
                }
                CredentialStep::Done(Ok(credentials)) => {
                    self.chain.found.store(self.at, Ordering::Relaxed);
                    return CredentialStep::Done(Ok(credentials));
                }
                step => return step,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cloudauth_protocol::Credentials;

    use super::*;

    /// An absent provider that counts how often it is tried.
    #[derive(Debug)]
    struct Absent(AtomicUsize);

    impl ProvideCredentials for Absent {
        fn begin(&self) -> Box<dyn CredentialExchange + '_> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Box::new(|_| Err(ProvideError::new("test", "no credentials").absent()))
        }
    }

    #[test]
    fn remembers_the_first_provider_that_succeeds() {
        let absent = Arc::new(Absent(AtomicUsize::new(0)));
        let fixed = Arc::new(Credentials::new("fixed", "secret").unwrap());
        let chain = Chain::new([
            ("absent", Arc::clone(&absent) as Arc<dyn ProvideCredentials>),
            ("fixed", fixed as Arc<dyn ProvideCredentials>),
        ]);
        for _ in 0..3 {
            let step = chain.begin().next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), None);
            let CredentialStep::Done(Ok(found)) = step else { panic!("{step:?}") };
            assert_eq!(found.credentials.access_key_id(), "fixed");
        }
        assert_eq!(absent.0.load(Ordering::Relaxed), 1, "an absent provider is asked once");
    }
}
