//! Credentials: the files of the vendor's tools, and the answers of STS, the metadata service and a credentials URI.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use cloudauth_client::Entropy;
use cloudauth_client::credentials::{
    AssumeRole, AssumeRoleWithOidc, Chain, CredentialStep, CredentialsUri, EcsMetadata, ProvideCredentials,
    from_cli_profile,
};
use cloudauth_protocol::{Body, Credentials, UnixTime};
use http::Response;
use serde_json::Value;
use tempfile::TempDir;

use crate::reach::reached;
use crate::secrets::{assert_hidden, is_telling, printed, strings, words};

const NOW: UnixTime = UnixTime::from_secs(1_767_323_045);

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// A profile file of the CLI, or a credentials file of the SDKs in the place that `ALIBABA_CLOUD_CREDENTIALS_FILE` names.
/// `cargo xtask fuzz` sets it.
pub(super) fn files(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.trim_start().starts_with('{') { profile_file(&text) } else { credentials_file(&text) }
}

fn profile_file(text: &str) {
    let path = FOLDER.path().join("config.json");
    std::fs::write(&path, text).unwrap();
    let read = from_cli_profile(&path, None);
    let document: Option<Value> = serde_json::from_str(text).ok();
    let mut hidden = Vec::new();
    match &document {
        // The ids of access keys are shown. A long name of a profile is not.
        Some(document) => strings(document, &["access_key_id"], &mut hidden),
        None => hidden.extend(words(text).filter(|word| is_telling(word))),
    }
    let mut shown = printed(&read);
    if let Ok(credentials) = &read {
        let id = credentials.access_key_id();
        assert!(text.contains('\\') || text.contains(id), "an access key that the file does not have");
        // A secret may be a part of the id.
        shown = shown.replace(id, "");
    }
    if hidden.iter().any(|text| is_telling(text)) {
        reached(match read {
            Ok(_) => "a profile with a secret",
            Err(_) if document.is_some() => "a profile with a secret and an error",
            Err(_) => "a profile file that is not JSON",
        });
    }
    assert_hidden(&shown, hidden);
}

fn credentials_file(text: &str) {
    let path = std::env::var_os("ALIBABA_CLOUD_CREDENTIALS_FILE");
    let path = path.expect("ALIBABA_CLOUD_CREDENTIALS_FILE must be set: use `cargo xtask fuzz`");
    std::fs::write(Path::new(&path), text).unwrap();
    let chain = Chain::from_environment();
    let step = chain.begin().next(NOW, Entropy([7; 24]), None);
    let shown = format!("{chain:?} {step:?}");
    let secrets = secret_lines(text);
    if secrets.iter().any(|secret| is_telling(secret)) {
        reached(match step {
            CredentialStep::Done(Ok(_)) => "a section with a secret",
            CredentialStep::Send(..) => "a section with a role",
            _ => "a section with a secret and an error",
        });
    }
    // What is shown is short, so that each secret is looked for there first. A secret may be written again as something that is shown,
    // such as the id of the access key.
    let found: BTreeSet<_> =
        secrets.into_iter().filter(|secret| is_telling(secret) && shown.contains(secret)).collect();
    assert_hidden(&shown, found.into_iter().take(10).filter(|secret| text.matches(secret).count() == 1));
}

/// The values of keys that hold secrets, and the lines that continue such a value. A comment ends a value.
fn secret_lines(text: &str) -> Vec<&str> {
    let (mut found, mut is_secret) = (Vec::new(), false);
    for line in text.split(['\n', '\r']) {
        let mut value = line;
        if let Some((name, rest)) = line.split_once(['=', ':']).filter(|_| !line.starts_with([' ', '\t'])) {
            let name = name.to_ascii_lowercase();
            is_secret = ["secret", "token", "policy"].iter().any(|part| name.contains(part));
            value = rest;
        }
        if is_secret {
            found.extend(value.split('#').next().map(str::trim).filter(|value| !value.is_empty()));
        }
    }
    found
}

/// The first byte chooses the provider; a line `--- STATUS` begins each answer.
pub(super) fn answers(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let by = || Credentials::new("testid", "testsecret").unwrap();
    let arn = "acs:ram::1234:role/test";
    let provider: Box<dyn ProvideCredentials> = match first % 5 {
        0 => Box::new(EcsMetadata::new()),
        1 => Box::new(EcsMetadata::new().role("fuzz").token_required()),
        2 => Box::new(AssumeRole::new(by(), arn)),
        3 => {
            let token = FOLDER.path().join("token");
            std::fs::write(&token, "eyJ0ZXN0").unwrap();
            Box::new(AssumeRoleWithOidc::new(arn, arn, token.display().to_string()))
        }
        _ => Box::new(CredentialsUri::new("https://credentials.example/x").unwrap()),
    };
    let mut answers = text.split("--- ").skip(1);
    let mut exchange = provider.begin();
    let (mut answer, mut hosts) = (None, Vec::new());
    for _ in 0..8 {
        let step = exchange.next(NOW, Entropy([7; 24]), answer.take());
        match step {
            CredentialStep::Send(request, _) => {
                let uri = request.uri();
                hosts.push(uri.host().unwrap_or_default().to_owned());
                assert!(hosts.iter().all(|host| *host == hosts[0]), "another host");
                assert!(
                    uri.path().split('/').all(|part| part != "..") && uri.path().len() < 256,
                    "a path of the answer's making"
                );
                let (status, body) =
                    answers.next().and_then(|part| part.split_once('\n')).unwrap_or(("500", ""));
                let status =
                    status.trim().parse().ok().filter(|code| (200..600).contains(code)).unwrap_or(200);
                let body = Body::from(body.to_owned());
                answer = Some(Ok(Response::builder().status(status).body(body).unwrap()));
            }
            CredentialStep::Done(result) => {
                let shown = printed(&result);
                reached(if result.is_ok() { "fetched credentials" } else { "an error of a service" });
                if let Ok(found) = &result {
                    let secret = found.credentials.secret().expose();
                    let id = found.credentials.access_key_id();
                    assert!(!is_telling(secret) || id.contains(secret) || !shown.contains(secret));
                }
                assert!(shown.len() < 4096, "{} bytes are shown", shown.len());
                return;
            }
            _ => panic!("an unknown step"),
        }
    }
    panic!("the exchange does not end");
}
