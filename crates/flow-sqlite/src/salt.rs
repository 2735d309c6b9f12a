//! The digests of people in counts and blocks. They have a salt of the file, so that a redaction need not search them.

use cloudauth_flow::{IdentityRef, StoreError, SubjectRef};
use sha2::{Digest, Sha256};

use crate::cached::Cached;
use crate::error::failed;

/// The salt of a file.
pub(crate) struct Salt([u8; 32]);

impl Salt {
    pub(crate) fn of(connection: &Cached<'_>) -> Result<Self, StoreError> {
        let salt = connection.query_row("SELECT salt FROM ca_salt", [], |row| row.get(0));
        salt.map(Self).map_err(failed)
    }

    /// The digest of a person for the counts of a day.
    pub(crate) fn counted(&self, person: &SubjectRef, day: u32) -> [u8; 32] {
        let hash = Sha256::new().chain_update(self.0).chain_update(person.as_bytes());
        hash.chain_update(day.to_be_bytes()).finalize().into()
    }

    /// The digest of a person for the blocks.
    pub(crate) fn blocked(&self, person: &IdentityRef) -> [u8; 32] {
        Sha256::new().chain_update(self.0).chain_update(person.as_bytes()).finalize().into()
    }
}
