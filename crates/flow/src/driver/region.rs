//! The region of a session, by the endpoint that created it.

use cloudauth_protocol::Endpoint;
use sha2::{Digest as _, Sha256};

use crate::machine::ids::{Digest, Region};

/// Returns the region of an endpoint: its host and port, without the brackets of an IPv6 address. A longer one than a region
/// can have, or one with another character, has its digest instead: without a region, no look would end an attempt before
/// [`Rules::look_until`](crate::Rules::look_until).
pub(crate) fn region(endpoint: &Endpoint) -> Option<Region> {
    let authority = endpoint.authority().as_str();
    let digest = || Digest::new(Sha256::digest(authority).into()).to_string();
    Region::new(&authority.replace(['[', ']'], "")).or_else(|_| Region::new(&digest())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host: &str) -> Region {
        region(&host.parse().unwrap()).unwrap()
    }

    #[test]
    fn every_endpoint_has_a_region_of_its_own() {
        assert_eq!(of("cloudauth.cn-shanghai.aliyuncs.com").as_str(), "cloudauth.cn-shanghai.aliyuncs.com");
        let long = |name: &str| format!("{}.vpc.internal.example", name.repeat(50));
        let (one, other) = (of(&long("a")), of(&long("b")));
        assert_eq!((one.as_str().len(), one == other), (64, false));
        assert_eq!(one, of(&long("a")));
    }
}
