//! Begins a verification on your server, and starts it when the browser brings its MetaInfo.

use std::time::Duration;

use cloudauth_protocol::{CertName, CertNo, CertifyUrl, Identity, MetaInfo, OuterOrderNo};
use hmac::digest::Output;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::driver::error::{FlowError, PageRefusal};
use crate::driver::flow::Flow;
use crate::driver::signals;
use crate::driver::ticket::{Capability, NewVerification};
use crate::hosted::seal::Purpose;
use crate::hosted::settings::{BrowserUrl, StartPage};
use crate::machine::commit::{CommitOutcome, PageLink, Sealed};
use crate::machine::ids::{CapabilityHash, Digest, VerificationId};
use crate::machine::refusal::Refusal;
use crate::machine::state::AttemptState;
use crate::store::contract::{Lookup, Store};
use crate::store::pages::{NewPage, PAGE_LIFETIME, Page, Pages, SealedPage};

/// How often a page looks whether another tab has the link, a second apart.
const LOOKS: usize = 20;

const IDENTITY: &str = "identity";
const LINK: &str = "link";

/// What a page has for the browser.
pub(super) enum Found {
    Waiting(Box<NewVerification>, Identity, SealedPage),
    Linked(BrowserUrl),
}

impl<S: Store> Flow<S> {
    /// The same flow, with a start page.
    #[must_use]
    pub fn with_start_page(self, page: StartPage) -> Self {
        Self { start_page: Some(page), ..self }
    }

    /// Begins a verification: keeps the identity, sealed, until the person's browser opens the address that this returns. Redirect the
    /// person to it, and answer it with [`serve`](Self::serve). It is valid for ten minutes, and for one verification.
    ///
    /// Nothing is counted and no call is made before the browser comes: [`get`](Self::get) finds no verification until then. The same
    /// order and key again give another address, and the one before is unknown.
    ///
    /// # Errors
    /// Those that [`start`](Self::start) would return before its call, such as [`FlowError::AlreadyStarted`] for a key that was used;
    /// and [`FlowError::NoStartPage`].
    pub async fn begin(&self, new: NewVerification, identity: &Identity) -> Result<BrowserUrl, FlowError> {
        let (settings, pages) = self.pages()?;
        self.check(&new, identity).await?;
        let capability = Zeroizing::new(Digest::new(self.random()?).to_string());
        let hash = Capability::digest(&capability);
        let request = serde_json::to_string(&new).map_err(|_| FlowError::Sealed)?;
        let purpose = Purpose { kind: IDENTITY, page: hash.as_bytes(), request: &request };
        let sealed =
            settings.keys.seal(purpose, self.random()?, &written(identity)).ok_or(FlowError::Sealed)?;
        let page = NewPage {
            capability: hash,
            order: new.order,
            key: new.key,
            request: request.into(),
            sealed: Sealed::new(sealed),
            lifetime: PAGE_LIFETIME,
        };
        if !pages.open_page(&page, self.clock.now()).await? {
            return Err(FlowError::AlreadyStarted);
        }
        Ok(BrowserUrl::new(Zeroizing::new(format!("{}/{}", settings.address, *capability))))
    }

    /// Starts the verification of a start page with the MetaInfo of the browser, and returns the link. The same page again returns the
    /// same link, also while the first request waits for it. [`serve`](Self::serve) calls it.
    ///
    /// # Errors
    /// [`FlowError::Page`] if the capability is unknown, used or expired; otherwise those of [`start`](Self::start).
    pub async fn start_from_page(
        &self,
        capability: &str,
        meta_info: &MetaInfo,
    ) -> Result<BrowserUrl, FlowError> {
        let (settings, _) = self.pages()?;
        for look in 0..LOOKS {
            if look > 0 {
                self.client.sleep(Duration::from_secs(1)).await;
            }
            let (new, identity, page) = match self.find(capability).await? {
                Found::Linked(link) => return Ok(link),
                Found::Waiting(new, identity, page) => (new, identity, page),
            };
            let nonce = self.random()?;
            let seal = |link: &CertifyUrl| {
                let (hash, request) = (page.capability.as_bytes(), &*page.request);
                let purpose = Purpose { kind: LINK, page: hash, request };
                let sealed = settings.keys.seal(purpose, nonce, link.expose())?;
                Some(PageLink { page: page.capability, sealed: Sealed::new(sealed) })
            };
            let (hash, meta_info) = (Some(&page.capability), meta_info.clone());
            let result = self.start_sealing(*new, identity, meta_info, |init| init, hash, seal).await;
            // Another tab creates the link, or has it since: it counts the start.
            if let Err(FlowError::Refused(Refusal::StartInProgress { .. }) | FlowError::AlreadyStarted) =
                result
            {
                continue;
            }
            signals::started(&result);
            return result.map(|started| BrowserUrl::new(Zeroizing::new(started.link.expose().to_owned())));
        }
        Err(FlowError::Busy)
    }

    /// Returns what the page of a capability has.
    pub(super) async fn find(&self, capability: &str) -> Result<Found, FlowError> {
        let (settings, pages) = self.pages()?;
        let hash = Capability::digest(capability);
        let page = match pages.find_page(&hash, self.clock.now()).await? {
            Some(Page::Waiting(page) | Page::Linked(page)) if !is_same(&page.capability, &hash) => {
                return Err(PageRefusal::Unknown.into());
            }
            Some(Page::Waiting(page)) => {
                let new = serde_json::from_str(&page.request).map_err(|_| FlowError::Sealed)?;
                let text = self.opened(settings, IDENTITY, &page)?;
                let identity = read(&text).ok_or(FlowError::Sealed)?;
                return Ok(Found::Waiting(Box::new(new), identity, page));
            }
            Some(Page::Linked(page)) => page,
            other => return Err(PageRefusal::of(other.as_ref()).into()),
        };
        let new: NewVerification = serde_json::from_str(&page.request).map_err(|_| FlowError::Sealed)?;
        let stored = self.store.load(Lookup::Order(&new.order)).await?;
        let is_open = stored.is_some_and(|stored| {
            let own = stored.verification.attempts.iter().rfind(|attempt| attempt.key == new.key);
            own.is_some_and(|attempt| attempt.state == AttemptState::Open)
        });
        if !is_open {
            return Err(PageRefusal::Used.into());
        }
        Ok(Found::Linked(BrowserUrl::new(self.opened(settings, LINK, &page)?)))
    }

    fn opened(
        &self,
        settings: &StartPage,
        kind: &'static str,
        page: &SealedPage,
    ) -> Result<Zeroizing<String>, FlowError> {
        let purpose = Purpose { kind, page: page.capability.as_bytes(), request: &page.request };
        settings.keys.open(purpose, page.sealed.as_bytes()).ok_or(FlowError::Sealed)
    }

    /// Makes the first step of a start, and commits nothing.
    async fn check(&self, new: &NewVerification, identity: &Identity) -> Result<(), FlowError> {
        self.checked_now().await?;
        let input = new.clone().start(
            VerificationId::new(self.random()?),
            self.settings.refs.of(identity),
            OuterOrderNo::generate(self.random()?),
            CapabilityHash::new(self.random()?),
            None,
        );
        let stored = self.store.load(Lookup::Order(&new.order)).await?;
        match self.step(stored.as_ref(), &input).await?.outcome() {
            CommitOutcome::Started(_) => Ok(()),
            _ => Err(FlowError::AlreadyStarted),
        }
    }

    pub(super) fn pages(&self) -> Result<(&StartPage, &dyn Pages), FlowError> {
        self.start_page.as_ref().zip(self.store.pages()).ok_or(FlowError::NoStartPage)
    }
}

/// Compares in constant time.
fn is_same(one: &CapabilityHash, other: &CapabilityHash) -> bool {
    let of = |hash: &CapabilityHash| {
        hmac::digest::CtOutput::<Sha256>::new(Output::<Sha256>::from(*hash.as_bytes()))
    };
    of(one) == of(other)
}

/// Writes an identity. Neither a name nor a ciphertext in Base64 has a control character.
fn written(identity: &Identity) -> Zeroizing<String> {
    let kind = if identity.is_encrypted() { "sm2" } else { "plain" };
    Zeroizing::new(format!("{kind}\0{}\0{}", identity.name().expose(), identity.number().expose()))
}

fn read(text: &str) -> Option<Identity> {
    let (kind, rest) = text.split_once('\0')?;
    let (name, number) = rest.split_once('\0')?;
    match kind {
        "sm2" => Identity::sm2(name, number).ok(),
        _ => Some(Identity::plain(CertName::new(name).ok()?, CertNo::new(number).ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_as_it_was_written() {
        let plain = Identity::plain(
            CertName::new("阿卜杜拉·买买提").unwrap(),
            CertNo::new("99999919900101202X").unwrap(),
        );
        for identity in [plain, Identity::sm2("AAEC", "AwQF").unwrap()] {
            let found = read(&written(&identity)).unwrap();
            assert_eq!(found.is_encrypted(), identity.is_encrypted());
            assert_eq!((found.name(), found.number()), (identity.name(), identity.number()));
        }
        assert!(read("").is_none() && read("plain\0a").is_none());
    }

    #[test]
    fn digests_are_compared_as_a_whole() {
        let hash = |last| CapabilityHash::new(std::array::from_fn(|at| if at == 31 { last } else { 7 }));
        assert!(is_same(&hash(1), &hash(1)) && !is_same(&hash(1), &hash(2)));
    }
}
