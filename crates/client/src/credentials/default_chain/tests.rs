//! Tests of the default chain: which source is used, skipped or ends the chain.

use std::fs;

use cloudauth_protocol::{Body, UnixTime};
use cloudauth_transport::{Sent, TransportError, TransportErrorKind};
use http::Response;

use super::super::provider::CredentialStep;
use super::*;
use crate::inputs::Entropy;

/// Runs a chain whose requests all fail. Returns their URLs, and the access key id or the error.
fn run_offline(chain: &Chain) -> (Vec<String>, Result<String, String>) {
    let (mut exchange, mut answer, mut urls) = (chain.begin(), None, Vec::new());
    loop {
        match exchange.next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), answer.take()) {
            CredentialStep::Send(request, _) => {
                urls.push(request.uri().to_string());
                answer = Some(Err(TransportError::new(TransportErrorKind::Connect, Sent::No)));
            }
            CredentialStep::Done(Ok(provided)) => {
                return (urls, Ok(provided.credentials.access_key_id().to_owned()));
            }
            CredentialStep::Done(Err(error)) => return (urls, Err(error.to_string())),
        }
    }
}

fn chain(env: &[(&str, &str)], home: Option<&Path>) -> Chain {
    let find =
        |name: &str| env.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
    default_chain(&find, home)
}

const NO_ECS: (&str, &str) = ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");

#[test]
fn environment_comes_first() {
    assert_eq!(run_offline(&chain(&[ID, SECRET], None)), (vec![], Ok("envid".to_owned())));
}

const ID: (&str, &str) = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "envid");
const SECRET: (&str, &str) = ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted-secret");

/// A home directory whose CLI profile and credentials file both hold the keys of another account.
fn home_of_another_account() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".aliyun")).unwrap();
    fs::create_dir_all(home.path().join(".alibabacloud")).unwrap();
    let profile = r#"{"current":"p","profiles":[
        {"name":"p","mode":"AK","access_key_id":"other","access_key_secret":"s"},
        {"name":"half","mode":"AK","access_key_id":"","access_key_secret":""},
        {"name":"chained","mode":"ChainableRamRoleArn","source_profile":"gone","ram_role_arn":"acs:ram::1:role/r"},
        {"name":"swapped","mode":"plantedsecretplantedsecret3030"}]}"#;
    fs::write(home.path().join(".aliyun/config.json"), profile).unwrap();
    let section = "[default]\ntype=access_key\naccess_key_id=other\naccess_key_secret=s\n\
                   [chained]\ntype=access_key\naccess_key_id=other\naccess_key_secret=s\n";
    fs::write(home.path().join(".alibabacloud/credentials.ini"), section).unwrap();
    home
}

#[test]
fn unusable_source_ends_the_chain_with_its_name() {
    let home = home_of_another_account();
    let arn = ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/p");
    for (env, expected) in [
        (
            vec![ID, ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted-secret\n")],
            "environment: invalid credentials: the access key secret begins or ends with white space, such \
             as the final newline of a file",
        ),
        (vec![ID, ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted\u{fffd}")], "outside ASCII"),
        (
            vec![ID],
            "environment: the environment variable ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing or empty",
        ),
        (
            vec![SECRET],
            "environment: the environment variable ALIBABA_CLOUD_ACCESS_KEY_ID is missing or empty",
        ),
        (
            vec![("ALIBABA_CLOUD_SECURITY_TOKEN", "planted-token")],
            "environment: the environment variable ALIBABA_CLOUD_ACCESS_KEY_ID is missing or empty",
        ),
        (vec![arn], "OIDC: the environment variable ALIBABA_CLOUD_ROLE_ARN is missing or empty"),
        (
            vec![arn, ("ALIBABA_CLOUD_ROLE_ARN", "r"), ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/nowhere/token")],
            "AssumeRoleWithOIDC: cannot read the token file /nowhere/token: entity not found",
        ),
        (vec![("ALIBABA_CLOUD_PROFILE", "missing")], "credentials.ini has no profile `missing`"),
        (vec![("ALIBABA_CLOUD_PROFILE", "half")], "invalid credentials: the access key id is empty"),
        (
            vec![("ALIBABA_CLOUD_PROFILE", "chained")],
            "the field `source_profile` names a profile that does not exist",
        ),
        (vec![("ALIBABA_CLOUD_PROFILE", "swapped")], "profile `swapped` has the unsupported mode `...`"),
    ] {
        let (urls, error) = run_offline(&chain(&env, Some(home.path())));
        let error = error.unwrap_err();
        assert!(
            urls.is_empty() && error.contains(expected) && !error.contains("planted"),
            "{env:?}: {error}"
        );
    }
    for (file, text, expected) in [
        (".aliyun/config.json", "{", "CLI profile: "),
        (".aliyun/config.json", r#"{"current":"gone","profiles":[]}"#, "has no profile `gone`"),
        (
            ".aliyun/config.json",
            r#"{"profiles":[{"name":"default","mode":"External","process_command":"planted"}]}"#,
            "CLI profile: profile `default` has the unsupported mode `External`: external programs are not run",
        ),
        (
            ".aliyun/config.json",
            r#"{"profiles":[{"name":"default","mode":"AK","access_key_id":"planted"}]}"#,
            "CLI profile: invalid credentials: the access key secret is empty",
        ),
    ] {
        let home = home_of_another_account();
        fs::write(home.path().join(file), text).unwrap();
        let error = run_offline(&chain(&[], Some(home.path()))).1.unwrap_err();
        assert!(error.contains(expected) && !error.contains("planted"), "{error}");
    }
    let named = ("ALIBABA_CLOUD_CREDENTIALS_FILE", "/nowhere/credentials");
    let error =
        run_offline(&chain(&[named, ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/k")], None)).1;
    assert_eq!(error.unwrap_err(), "credentials file: cannot read /nowhere/credentials: entity not found");
    let error = run_offline(&chain(&[NO_ECS, ("ALIBABA_CLOUD_CREDENTIALS_URI", "ftp://planted")], None)).1;
    assert_eq!(error.unwrap_err(), "credentials URI: not a valid http or https URL");
    let role = ("ALIBABA_CLOUD_ECS_METADATA", "shop-role");
    let error =
        run_offline(&chain(&[role, ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/k")], None)).1;
    assert!(
        error.unwrap_err().starts_with("ECS metadata: cannot be reached"),
        "a role that is named must exist"
    );
}

#[test]
fn metadata_service_that_answered_once_is_not_absent() {
    let address = ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/keys");
    let chain = chain(&[address], None);
    let mut exchange = chain.begin();
    let mut next = |answer| exchange.next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), answer);
    assert!(matches!(next(None), CredentialStep::Send(..)));
    assert!(matches!(next(Some(Ok(Response::new(Body::from("token"))))), CredentialStep::Send(..)));
    let silent = TransportError::new(TransportErrorKind::Timeout, Sent::Maybe);
    let CredentialStep::Done(Err(error)) = next(Some(Err(silent))) else {
        panic!("the next source was asked")
    };
    assert!(error.is_transient() && !error.is_absent(), "{error}");
}

#[test]
fn absent_sources_are_skipped_and_listed_if_all_are_absent() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".aliyun")).unwrap();
    // The file that the CLI creates before the user has typed a key.
    let blank = r#"{"current":"default","profiles":[{"name":"default","mode":"AK","access_key_id":"","access_key_secret":""}]}"#;
    fs::write(home.path().join(".aliyun/config.json"), blank).unwrap();
    let sections = home.path().join("sections.ini");
    fs::write(&sections, "[other]\ntype=access_key\n").unwrap();
    let env = [
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r"),
        ("ALIBABA_CLOUD_CREDENTIALS_FILE", sections.to_str().unwrap()),
    ];
    let (urls, error) = run_offline(&chain(&env, Some(home.path())));
    let base = "http://100.100.100.200/latest";
    assert_eq!(urls, [format!("{base}/api/token"), format!("{base}/meta-data/ram/security-credentials/")]);
    let error = error.unwrap_err();
    for expected in [
        "no credentials found; environment: set ALIBABA_CLOUD_ACCESS_KEY_ID and",
        "; CLI profile: the chosen profile of ",
        "sections.ini has no profile `default`; ",
        "; ECS metadata: cannot be reached: no connection to the endpoint (nothing was sent)",
    ] {
        assert!(error.contains(expected), "{expected}\n{error}");
    }
    let section = "[shop]\ntype=access_key\naccess_key_id=shopid\naccess_key_secret=s\n";
    fs::write(&sections, section).unwrap();
    let env = [env[1], ("ALIBABA_CLOUD_PROFILE", "shop")];
    let found = run_offline(&chain(&env, Some(home.path()))).1;
    assert_eq!(found.unwrap(), "shopid", "the profile may be in either file");
}

#[test]
fn cli_profile_may_refer_to_another_profile_but_not_to_itself() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".aliyun")).unwrap();
    let file = r#"{"current":"shop","profiles":[
        {"name":"base","mode":"AK","access_key_id":"baseid","access_key_secret":"s"},
        {"name":"shop","mode":"ChainableRamRoleArn","source_profile":"base","ram_role_arn":"acs:ram::1:role/shop",
         "sts_region":"cn-hangzhou"},
        {"name":"loop","mode":"ChainableRamRoleArn","source_profile":"loop","ram_role_arn":"acs:ram::1:role/x"},
        {"name":"machine","mode":"EcsRamRole","ram_role_name":"shop-role"}]}"#;
    fs::write(home.path().join(".aliyun/config.json"), file).unwrap();
    let with = |profile| run_offline(&chain(&[("ALIBABA_CLOUD_PROFILE", profile)], Some(home.path())));
    assert_eq!(with("").0[0], "https://sts.cn-hangzhou.aliyuncs.com/");
    assert_eq!(with("base").1.unwrap(), "baseid");
    assert!(with("loop").1.unwrap_err().contains("the chain of source profiles is circular or too long"));
    let ecs = with("machine").0;
    assert!(ecs[1].ends_with("/ram/security-credentials/shop-role"), "{ecs:?}");

    let env = [("ALIBABA_CLOUD_PROFILE", "machine"), NO_ECS];
    let (urls, error) = run_offline(&chain(&env, Some(home.path())));
    assert!(urls.is_empty() && error.unwrap_err().contains("ALIBABA_CLOUD_ECS_METADATA_DISABLED"));
    let env = [("ALIBABA_CLOUD_PROFILE", "shop"), ("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true"), NO_ECS];
    assert_eq!(run_offline(&chain(&env, Some(home.path()))).0, ["https://sts-vpc.cn-hangzhou.aliyuncs.com/"]);
}

#[test]
fn reads_the_credentials_file_with_its_comments() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.ini");
    let text = "# mine\n[default]\ntype = access_key # the usual\naccess_key_id = fileid # planted\n\
                access_key_secret = s;ecret=\n[role]\ntype=ram_role_arn\naccess_key_id=a\naccess_key_secret=b\n\
                role_arn=acs:ram::1:role/shop\n[pair]\ntype=rsa_key_pair\n";
    fs::write(&file, text).unwrap();
    let with = |section| {
        let file = file.to_str().unwrap();
        let env = [("ALIBABA_CLOUD_CREDENTIALS_FILE", file), ("ALIBABA_CLOUD_PROFILE", section), NO_ECS];
        run_offline(&chain(&env, None))
    };
    assert_eq!(with("").1.unwrap(), "fileid");
    assert_eq!(with("role").0, ["https://sts.aliyuncs.com/"]);
    assert!(with("pair").1.unwrap_err().contains("has the unsupported mode `rsa_key_pair`"));
    assert!(with("missing").1.unwrap_err().contains("has no profile `missing`"));
}

#[test]
fn cluster_role_comes_from_the_environment_or_either_file() {
    let home = tempfile::tempdir().unwrap();
    let token = home.path().join("token");
    let (role, provider) = ("acs:ram::1:role/shop", "acs:ram::1:oidc-provider/p");
    fs::write(&token, "cluster-token\n").unwrap();
    let token = token.to_str().unwrap();
    let profile = serde_json::json!({"profiles": [{
        "name": "default", "mode": "OIDC", "ram_role_arn": role, "oidc_provider_arn": provider, "oidc_token_file": token,
        "role_session_name": "shop", "expired_seconds": 900, "policy": "p",
    }]});
    fs::create_dir_all(home.path().join(".aliyun")).unwrap();
    fs::write(home.path().join(".aliyun/config.json"), profile.to_string()).unwrap();
    let sections = home.path().join("sections.ini");
    let section = format!(
        "[default]\ntype=oidc_role_arn\nrole_arn={role}\noidc_provider_arn={provider}\noidc_token_file_path={token}\n\
         role_session_name=shop\npolicy=p\n"
    );
    fs::write(&sections, section).unwrap();
    let sections = [("ALIBABA_CLOUD_CREDENTIALS_FILE", sections.to_str().unwrap())];
    let variables = [
        ("ALIBABA_CLOUD_ROLE_ARN", role),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", provider),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", token),
        ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "shop"),
    ];
    for (env, home, seconds, policy) in [
        (&variables[..], None, "3600", None),
        (&[], Some(home.path()), "900", Some("p")),
        (&sections, None, "3600", Some("p")),
    ] {
        let chain = chain(env, home);
        let step = chain.begin().next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), None);
        let CredentialStep::Send(request, _) = step else { panic!("{env:?}: {step:?}") };
        let form = String::from_utf8(request.body().as_bytes().to_vec()).unwrap();
        let field = |name: &str| {
            let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value.replace("%3A", ":").replace("%2F", "/"))
        };
        for (name, value) in [
            ("Action", Some("AssumeRoleWithOIDC")),
            ("RoleArn", Some(role)),
            ("OIDCProviderArn", Some(provider)),
            ("OIDCToken", Some("cluster-token")),
            ("RoleSessionName", Some("shop")),
            ("DurationSeconds", Some(seconds)),
            ("Policy", policy),
        ] {
            assert_eq!(field(name).as_deref(), value, "{name} of {env:?}");
        }
    }
}
