//! The files of `tests/data/profiles.jsonl`, each with the credentials that it must give. The interop task asks the
//! vendor's Python package `alibabacloud-credentials` for the same; where `vendor` differs, `why` says so.

use std::path::Path;

use cloudauth_protocol::UnixTime;
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};
use serde_json::{Value, json};

use super::{Defaults, LoadError, ProfileFile, Provider, credentials_text};
use crate::credentials::{EcsMetadata, FetchStep, ProvideCredentials};
use crate::exchange::Entropy;

const TABLE: &str = include_str!("../../../tests/data/profiles.jsonl");

fn provider(case: &Value) -> Result<Provider, LoadError> {
    let (file, text) = (Path::new("file"), case["text"].as_str().unwrap());
    let defaults =
        Defaults { ecs: Some(EcsMetadata::new()), sts_region: None, sts_vpc: false, session_name: None };
    let profile = case["profile"].as_str();
    // Through the file system, as users do: that is where a byte order mark is met.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, text).unwrap();
    let text = super::text_of(&path)?;
    match case["file"].as_str() {
        Some("cli") => ProfileFile::parse(&text, file)?.provider(profile, file, &defaults),
        _ => credentials_text(&text, file, profile.unwrap_or("default"), &defaults),
    }
}

/// The credentials that a provider gives, or whom it asks for them.
fn outcome(provider: &dyn ProvideCredentials) -> Value {
    let mut fetch = provider.begin();
    let mut answer = None;
    loop {
        match fetch.next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), answer.take()) {
            FetchStep::Done(Ok(provided)) => {
                let by = provided.credentials;
                let token = by.security_token().map(|token| token.expose().to_owned());
                return json!({ "id": by.access_key_id(), "secret": by.secret().expose(), "token": token });
            }
            FetchStep::Done(Err(error)) => panic!("{error}"),
            FetchStep::Send(request, _) if request.uri().host() == Some("sts.aliyuncs.com") => {
                let form = String::from_utf8(request.body().as_bytes().to_vec()).unwrap();
                let field = |name: &str| {
                    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
                    pairs.find(|(found, _)| *found == name).unwrap().1.replace("%3A", ":").replace("%2F", "/")
                };
                return json!({
                    "role": field("RoleArn"),
                    "source": field("AccessKeyId"),
                    "session": field("RoleSessionName"),
                    "seconds": field("DurationSeconds").parse::<u64>().unwrap(),
                });
            }
            FetchStep::Send(request, _) => {
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
fn each_file_gives_the_credentials_of_the_table() {
    let cases: Vec<Value> = TABLE.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for case in &cases {
        let got = provider(case).map_or(Value::Null, |provider| outcome(&*provider));
        assert_eq!(got, case["expect"], "{} ({})", case["case"], case["file"]);
    }
    let refused = cases.iter().filter(|case| case["expect"].is_null()).count();
    assert!(cases.len() >= 60 && refused >= 20, "{} files, {refused} of them refused", cases.len());
}
