//! The unverified claims of a signed request.

/// The claims that V1 and V3 have in common.
pub(super) struct Claims<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) time: &'a str,
    pub(super) nonce: &'a str,
}
