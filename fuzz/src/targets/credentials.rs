//! Credentials: the files of the vendor's tools, and the answers of STS, the metadata service and a credentials URI.

use std::path::Path;
use std::sync::LazyLock;

use cloudauth_client::Entropy;
use cloudauth_client::credentials::{
    AssumeRole, AssumeRoleWithOidc, Chain, CredentialStep, CredentialsUri, EcsMetadata, ProvideCredentials,
    from_cli_profile,
};
use cloudauth_protocol::{Body, Credentials, UnixTime};
use http::Response;
use tempfile::TempDir;

use crate::secrets::{is_telling, printed};

const NOW: UnixTime = UnixTime::from_secs(1_767_323_045);

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// A profile file of the CLI, or a credentials file of the SDKs in the place that `ALIBABA_CLOUD_CREDENTIALS_FILE` names.
/// `cargo xtask fuzz` sets it.
pub(super) fn files(data: &[u8]) {
    let shown = if data.trim_ascii_start().starts_with(b"{") {
        let path = FOLDER.path().join("config.json");
        std::fs::write(&path, data).unwrap();
        let read = from_cli_profile(&path, None);
        if let Ok(credentials) = &read {
            assert!(contains(data, credentials.access_key_id()), "an access key that the file does not have");
        }
        printed(&read)
    } else {
        let path = std::env::var_os("ALIBABA_CLOUD_CREDENTIALS_FILE");
        let path = path.expect("ALIBABA_CLOUD_CREDENTIALS_FILE must be set: use `cargo xtask fuzz`");
        std::fs::write(Path::new(&path), data).unwrap();
        let chain = Chain::from_environment();
        let step = chain.begin().next(NOW, Entropy([7; 24]), None);
        format!("{chain:?} {step:?}")
    };
    assert_hidden(&shown, data);
}

/// Returns whether the text is in the file, as it is or with escapes.
fn contains(data: &[u8], text: &str) -> bool {
    data.contains(&b'\\') || String::from_utf8_lossy(data).contains(text)
}

/// No value of the file is shown. Names of profiles are shown, and so are access key ids.
fn assert_hidden(shown: &str, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for line in text.lines() {
        let secret = ["secret", "token", "policy"].iter().any(|name| line.contains(name));
        let Some((name, value)) = line.split_once(['=', ':']).filter(|_| secret) else { continue };
        let value = value.trim().trim_matches(['"', ',']);
        let is_shown = is_telling(value) && shown.contains(value);
        let is_elsewhere = || text.matches(value).count() > 1 || name.contains(value);
        assert!(!is_shown || is_elsewhere(), "a secret is shown");
    }
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
