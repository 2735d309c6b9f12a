//! The files that later versions must read are the ones that were written: no test and no tool has changed them.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Each file and its SHA-256. A new file gets a line here; a line never changes.
const FILES: &str = "\
24a2234d5f8d4eeb2b97b28513105d50ac0a4025535f2ee113095b2f27418af8  0.1/audit.json
27779f0a5efceaaf16a1a15ee35ed44aef9bc5495ebd22781f0e707c891d1c85  0.1/checkpoint.json
d4085e421fef582a39ad7309e6f92eee788302dcdbd6135c0670523b2b4c57c6  0.1/checkpoint-9.json
e15e07726763a0455912526d24af72771dae886cc3968acfdaded85206a79456  0.1/checkpoint-10.json
652de955f26c42faf7ead6bec636aac1f9871df726d9b38be57998ed5d265163  0.1/costs.toml
c0e50af0e1b83f3b0e81a6dcf1dfc0f4192b160c8680da7f326f0af32c6cc8be  0.1/counts.csv
ac6e01483afcadd27303b4401a061957dfc443595ca277c9c0909ffa0f3fa217  0.1/emulator.db
b9cabf78c72a9bf32c728598d2b7536532632b5c36349fd974193f45e6b689dd  0.1/emulator-full.db
edd34ed3068ae94e2f030de1c9f65405ceca4941c7689bcc2362f8887e63101a  0.1/flow-lives.db
9d67aabbdee8ac65ead0e9e7dfc0c916504ee7a4cc5af556f718c5c0901d8492  0.1/flow.db
28f9b5ef0212f3c266308c22ff8a49442bddf1e6d4eeb7edb1f772043ad18ded  0.1/mapping.toml
92f4ef8926d1bc0eac6c9b2b9494913fffb24249e158d65e115b4628e193ccc8  0.1/policy.toml
e6f7da69df483f78d009e312650e83f6ed1bee36cb58507468509d4bc03fdf21  0.1/rows.csv
4f96fd4dcc8f17f044d5c9cff5c0ec3f719acc86171049c65411de8dc3072a09  0.1/snapshot.json
2478ac04dad994836ee1778afca55018866e67c82cb7b390f6d67f60b9bde889  0.1/snapshot-full.json
";

/// Schemas that stores in use have, and their SHA-256. A published schema never changes: it is a step that those stores have
/// already taken. An edit reaches new stores only, and the tests of migrations start from the edited file, so they would not
/// see that an old store lacks it. A change of the tables is a new step, and its schema gets a line here when it is published.
const SCHEMAS: &str = "\
b66a3cf92c21393b9de1ea6632c0eaecf49baad8f9abc77de7838768674129de  flow-sqlite/src/schema-1.sql
67bc990a836d345277fa0ea3670b34108c82a762ffca61931d4e2f42b68f3caf  flow-postgres/src/schema-1.sql
";

fn sha256(path: &Path) -> String {
    let hash = Sha256::digest(fs::read(path).unwrap());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn no_published_schema_was_changed() {
    for (hash, name) in SCHEMAS.lines().map(|line| line.split_once("  ").unwrap()) {
        assert_eq!(
            sha256(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(name)),
            hash,
            "{name}"
        );
    }
}

#[test]
fn no_kept_file_was_changed_added_or_lost() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("kept");
    let mut found = BTreeMap::new();
    for version in fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap()) {
        if version.file_type().unwrap().is_file() {
            assert_eq!(version.file_name(), "README.md");
            continue;
        }
        for file in fs::read_dir(version.path()).unwrap().map(|entry| entry.unwrap()) {
            let name = format!("{}/{}", version.file_name().display(), file.file_name().display());
            found.insert(name, sha256(&file.path()));
        }
    }
    let known = FILES.lines().map(|line| line.split_once("  ").unwrap());
    let known: BTreeMap<_, _> = known.map(|(hash, name)| (name.to_owned(), hash.to_owned())).collect();
    assert_eq!(found, known);
}
