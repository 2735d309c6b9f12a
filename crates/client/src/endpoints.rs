//! A client's list of endpoints, which is never empty.

use std::fmt;

use cloudauth_protocol::Endpoint;

/// One or more endpoints: the first is preferred, the others are for failover. An empty list cannot be built,
/// so a misread configuration never sends a person's data to an unintended service.
///
/// ```
/// use cloudauth_client::Endpoints;
/// use cloudauth_protocol::Endpoint;
///
/// let fixed = Endpoints::from([Endpoint::cn_beijing(), Endpoint::cn_shanghai()]);
/// assert_eq!(fixed.len(), 2);
///
/// let configured: Vec<Endpoint> = Vec::new();
/// assert!(Endpoints::new(configured).is_err());
/// ```
///
/// An empty array does not compile:
///
/// ```compile_fail,E0080
/// let none = cloudauth_client::Endpoints::from([]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    first: Endpoint,
    others: Vec<Endpoint>,
}

impl Endpoints {
    /// Creates a list of endpoints, in order of preference.
    ///
    /// # Errors
    /// If the list is empty.
    pub fn new(endpoints: impl IntoIterator<Item = Endpoint>) -> Result<Self, NoEndpoints> {
        let mut endpoints = endpoints.into_iter();
        let first = endpoints.next().ok_or(NoEndpoints)?;
        Ok(Self { first, others: endpoints.collect() })
    }

    /// Returns the preferred endpoint.
    #[must_use]
    pub const fn first(&self) -> &Endpoint {
        &self.first
    }

    /// Returns all endpoints, the preferred one first.
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns the number of endpoints, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// Returns the endpoint at an index, or the first one if the index is out of range.
    pub(crate) fn at(&self, index: usize) -> &Endpoint {
        index.checked_sub(1).and_then(|index| self.others.get(index)).unwrap_or(&self.first)
    }
}

/// Shanghai, then Beijing, as in the vendor's failover sample.
impl Default for Endpoints {
    fn default() -> Self {
        Self::from([Endpoint::cn_shanghai(), Endpoint::cn_beijing()])
    }
}

impl From<Endpoint> for Endpoints {
    fn from(endpoint: Endpoint) -> Self {
        Self { first: endpoint, others: Vec::new() }
    }
}

/// An empty array does not compile.
impl<const N: usize> From<[Endpoint; N]> for Endpoints {
    fn from(endpoints: [Endpoint; N]) -> Self {
        const { assert!(N > 0, "at least one endpoint is required") };
        let mut endpoints = endpoints.into_iter();
        #[expect(clippy::expect_used, reason = "the array has an element, as asserted above")]
        let first = endpoints.next().expect("an array that is not empty");
        Self { first, others: endpoints.collect() }
    }
}

impl TryFrom<Vec<Endpoint>> for Endpoints {
    type Error = NoEndpoints;

    fn try_from(endpoints: Vec<Endpoint>) -> Result<Self, NoEndpoints> {
        Self::new(endpoints)
    }
}

/// The error for an empty list of endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEndpoints;

impl fmt::Display for NoEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list of endpoints is empty: at least one is required")
    }
}

impl std::error::Error for NoEndpoints {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_an_empty_list() {
        assert_eq!(Endpoints::new([]), Err(NoEndpoints));
        assert_eq!(Endpoints::try_from(Vec::new()), Err(NoEndpoints));
    }

    #[test]
    fn keeps_the_order_of_preference() {
        let endpoints = Endpoints::new([Endpoint::global(), Endpoint::cn_beijing()]).unwrap();
        assert_eq!((endpoints.first(), endpoints.len()), (&Endpoint::global(), 2));
        assert_eq!((endpoints.at(0), endpoints.at(1)), (&Endpoint::global(), &Endpoint::cn_beijing()));
        assert!(endpoints.iter().eq([&Endpoint::global(), &Endpoint::cn_beijing()]));
    }

    #[test]
    fn other_lists_of_endpoints_keep_theirs() {
        let (global, beijing) = (Endpoint::global(), Endpoint::cn_beijing());
        let only = Endpoints::from(global.clone());
        assert!(only.len() == 1 && only.first() == &global, "nothing is sent to another region");
        for both in [
            Endpoints::from([global.clone(), beijing.clone()]),
            Endpoints::try_from(vec![global.clone(), beijing.clone()]).unwrap(),
        ] {
            assert!(both.iter().eq([&global, &beijing]) && both.len() == 2);
        }
        assert!(Endpoints::default().iter().eq([&Endpoint::cn_shanghai(), &beijing]));
        assert_eq!(only.at(1), &global, "an index that is out of range");
    }
}
