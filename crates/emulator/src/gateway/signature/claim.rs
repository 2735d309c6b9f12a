//! What a request claims.

/// What a request claims, by either signature.
pub(super) struct Claim<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) time: &'a str,
    pub(super) nonce: &'a str,
}
