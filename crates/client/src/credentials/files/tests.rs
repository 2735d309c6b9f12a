//! The files of `tests/data/profiles.jsonl`, each with the credentials that it must give. The interop task gives the same
//! files to the vendor's Python package `alibabacloud-credentials`. Where its result (`vendor`) differs, `why` explains it.

use std::path::Path;
use std::sync::Arc;

use cloudauth_protocol::UnixTime;
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};
use serde_json::{Value, json};

use super::{Defaults, ProfileFile, credentials_file};
use crate::credentials::{CredentialStep, EcsMetadata, LoadError, ProvideCredentials};
use crate::inputs::Entropy;

const TABLE: &str = include_str!("../../../tests/data/profiles.jsonl");

fn provider(case: &Value) -> Result<Arc<dyn ProvideCredentials>, LoadError> {
    let (file, text) = (Path::new("file"), case["text"].as_str().unwrap());
    let defaults =
        Defaults { ecs: Some(EcsMetadata::new()), sts_region: None, sts_vpc: false, session_name: None };
    let profile = case["profile"].as_str();
    // Written to a file, so that byte order marks are tested too.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, text).unwrap();
    let text = super::text::read(&path)?;
    match case["file"].as_str() {
        Some("cli") => ProfileFile::parse(&text, file)?.provider(profile, file, &defaults),
        _ => credentials_file::parse(&text, file, profile.unwrap_or("default"), &defaults),
    }
}

/// Returns the credentials of a provider, or the service that it asks for them.
fn outcome(provider: &dyn ProvideCredentials) -> Value {
    let mut exchange = provider.begin();
    let mut answer = None;
    loop {
        match exchange.next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), answer.take()) {
            CredentialStep::Done(Ok(provided)) => {
                let by = provided.credentials;
                let token = by.security_token().map(|token| token.expose().to_owned());
                return json!({ "id": by.access_key_id(), "secret": by.secret().expose(), "token": token });
            }
            CredentialStep::Done(Err(error)) => panic!("{error}"),
            CredentialStep::Send(request, _) if request.uri().scheme_str() == Some("https") => {
                let form = String::from_utf8(request.body().as_bytes().to_vec()).unwrap();
                let field = |name: &str| {
                    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
                    pairs.find(|(found, _)| *found == name).unwrap().1.replace("%3A", ":").replace("%2F", "/")
                };
                let mut role = json!({
                    "role": field("RoleArn"),
                    "source": field("AccessKeyId"),
                    "session": field("RoleSessionName"),
                    "seconds": field("DurationSeconds").parse::<u64>().unwrap(),
                });
                let host = request.uri().host().unwrap();
                if host != "sts.aliyuncs.com" {
                    role["host"] = host.into();
                }
                return role;
            }
            CredentialStep::Send(request, _) => {
                let role = request.uri().path().strip_prefix("/latest/meta-data/ram/security-credentials/");
                if let Some(role) = role {
                    return json!({ "ecs": role });
                }
                answer = Some(Err(TransportError::new(TransportErrorKind::Connect, Sent::No)));
            }
        }
    }
}

#[test]
fn files_give_the_credentials_of_the_table() {
    let cases: Vec<Value> = TABLE.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for case in &cases {
        let got = provider(case).map_or(Value::Null, |provider| outcome(&*provider));
        assert_eq!(got, case["expect"], "{} ({})", case["case"], case["file"]);
    }
    let refused = cases.iter().filter(|case| case["expect"].is_null()).count();
    assert!(cases.len() >= 60 && refused >= 20, "{} files, {refused} of them refused", cases.len());
}

#[test]
fn a_file_over_1_mib_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.ini");
    for (length, is_read) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        std::fs::write(&path, vec![b' '; length]).unwrap();
        let read = super::text::read(&path);
        let too_large =
            |error: LoadError| matches!(error, LoadError::Unreadable(_, std::io::ErrorKind::FileTooLarge));
        assert!(read.map_or_else(|error| !is_read && too_large(error), |_| is_read), "{length}");
    }
}
