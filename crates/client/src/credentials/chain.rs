//! The vendor's default chain: who is asked, in which order.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloudauth_protocol::{Body, UnixTime};
use cloudauth_transport::TransportError;
use http::Response;

use super::files::{Defaults, ProfileFile, credentials_file};
use super::metadata::{CredentialsUri, EcsMetadata};
use super::provide::{Fetch, FetchStep, ProvideCredentials, ProvideError};
use super::sts::AssumeRoleWithOidc;
use super::{Env, env_credentials, filled};
use crate::exchange::Entropy;

/// Providers that are asked in turn. The first that has credentials is remembered, and asked alone from then on; where
/// none has, the error tells of each.
pub struct Chain {
    links: Vec<(&'static str, Link)>,
    /// Which has given credentials; beyond the last, none so far.
    found: AtomicUsize,
}

/// A provider, or why it cannot be asked.
type Link = Result<Arc<dyn ProvideCredentials>, String>;

impl Chain {
    /// The vendor's default chain, from this process's environment and its user's home. What is configured is read now;
    /// nobody is asked before the first call.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(&|name| std::env::var(name).ok(), std::env::home_dir().as_deref())
    }

    pub(super) fn new(env: Env<'_>, home: Option<&Path>) -> Self {
        let get = |name: &str| filled(env(name));
        let says_true = |name: &str| get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let ecs = (!says_true("ALIBABA_CLOUD_ECS_METADATA_DISABLED")).then(|| {
            let mut metadata = EcsMetadata::new();
            if let Some(role) = get("ALIBABA_CLOUD_ECS_METADATA") {
                metadata = metadata.role(role);
            }
            if says_true("ALIBABA_CLOUD_IMDSV1_DISABLED") { metadata.token_required() } else { metadata }
        });
        let defaults = Defaults {
            ecs: ecs.clone(),
            sts_region: get("ALIBABA_CLOUD_STS_REGION"),
            sts_vpc: says_true("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"),
            session_name: get("ALIBABA_CLOUD_ROLE_SESSION_NAME"),
        };
        let mut links: Vec<(&'static str, Link)> = Vec::new();
        let mut link = |name, link: Link| links.push((name, link));

        match env_credentials(env) {
            Ok(Some(credentials)) => link("environment", Ok(Arc::new(credentials))),
            Ok(None) => link(
                "environment",
                Err("set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET".to_owned()),
            ),
            Err(error) => link("environment", Err(told(&error))),
        }
        let oidc =
            ["ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"];
        let oidc = oidc.map(get);
        if let [Some(arn), Some(provider), Some(file)] = oidc {
            let role = AssumeRoleWithOidc::new(arn, provider, file);
            link("OIDC", Ok(Arc::new(defaults.apply(role, "", "", false))));
        }
        let profile = get("ALIBABA_CLOUD_PROFILE");
        let ignored =
            says_true("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") || says_true("ALIBABA_CLOUD_IGNORE_PROFILE");
        let there = |path: PathBuf| Some(path).filter(|path| path.exists());
        if let Some(file) = home.and_then(|home| there(home.join(".aliyun").join("config.json")))
            && !ignored
        {
            let provider =
                ProfileFile::read(&file).and_then(|read| read.provider(profile.as_deref(), &file, &defaults));
            link("CLI profile", provider.map_err(|error| told(&error)));
        }
        let named = get("ALIBABA_CLOUD_CREDENTIALS_FILE").map(PathBuf::from);
        let usual = || {
            let folder = home?.join(".alibabacloud");
            there(folder.join("credentials.ini")).or_else(|| there(folder.join("credentials")))
        };
        if let Some(file) = named.or_else(usual) {
            let provider = credentials_file(&file, profile.as_deref().unwrap_or("default"), &defaults);
            link("credentials file", provider.map_err(|error| told(&error)));
        }
        if let Some(metadata) = ecs {
            link("ECS metadata", Ok(Arc::new(metadata)));
        }
        if let Some(uri) = get("ALIBABA_CLOUD_CREDENTIALS_URI") {
            let provider = CredentialsUri::new(&uri);
            let provider = provider.map(|uri| Arc::new(uri) as Arc<dyn ProvideCredentials>);
            link("credentials address", provider.map_err(|error| told(&error)));
        }
        Self { links, found: AtomicUsize::new(usize::MAX) }
    }

    /// Providers of your own, in this order; the names are for `Debug`, an error has the provider's own.
    pub fn of(providers: impl IntoIterator<Item = (&'static str, Arc<dyn ProvideCredentials>)>) -> Self {
        let links = providers.into_iter().map(|(name, provider)| (name, Ok(provider))).collect();
        Self { links, found: AtomicUsize::new(usize::MAX) }
    }
}

/// The names of those that are asked.
impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chain")?;
        f.debug_list().entries(self.links.iter().map(|(name, _)| name)).finish()
    }
}

impl ProvideCredentials for Chain {
    fn begin(&self) -> Box<dyn Fetch + '_> {
        let found = self.found.load(Ordering::Relaxed);
        let (first, last) = if found < self.links.len() { (found, found) } else { (0, usize::MAX) };
        Box::new(ChainFetch { of: self, at: first, last, current: None, errors: Vec::new() })
    }
}

struct ChainFetch<'a> {
    of: &'a Chain,
    at: usize,
    last: usize,
    current: Option<Box<dyn Fetch + 'a>>,
    errors: Vec<ProvideError>,
}

impl Fetch for ChainFetch<'_> {
    fn next(
        &mut self,
        now: UnixTime,
        entropy: Entropy,
        mut answer: Option<Result<Response<Body>, TransportError>>,
    ) -> FetchStep {
        loop {
            let step = match (&mut self.current, self.of.links.get(self.at)) {
                (Some(current), _) => current.next(now, entropy, answer.take()),
                (None, Some((_, Ok(provider)))) => {
                    self.current = Some(provider.begin());
                    continue;
                }
                (None, Some((name, Err(why)))) => {
                    FetchStep::Done(Err(ProvideError::new(*name, why.as_str())))
                }
                (None, None) => {
                    return FetchStep::Done(Err(ProvideError::all(std::mem::take(&mut self.errors))));
                }
            };
            match step {
                FetchStep::Done(Err(error)) if self.at < self.last => {
                    self.errors.push(error);
                    (self.at, self.current) = (self.at + 1, None);
                }
                FetchStep::Done(Ok(provided)) => {
                    self.of.found.store(self.at, Ordering::Relaxed);
                    return FetchStep::Done(Ok(provided));
                }
                step => return step,
            }
        }
    }
}

/// An error and its source in one line.
fn told(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What each request went to, until there are credentials or no more links. Nobody answers.
    fn unanswered(chain: &Chain) -> (Vec<String>, Result<String, String>) {
        let (mut fetch, mut answer, mut asked) = (chain.begin(), None, Vec::new());
        loop {
            match fetch.next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), answer.take()) {
                FetchStep::Send(request, _) => {
                    asked.push(request.uri().to_string());
                    let nobody = cloudauth_transport::TransportErrorKind::Connect;
                    answer = Some(Err(TransportError::new(nobody, cloudauth_transport::Sent::No)));
                }
                FetchStep::Done(Ok(provided)) => {
                    return (asked, Ok(provided.credentials.access_key_id().to_owned()));
                }
                FetchStep::Done(Err(error)) => return (asked, Err(error.to_string())),
            }
        }
    }

    fn chain(env: &[(&str, &str)], home: Option<&Path>) -> Chain {
        let find =
            |name: &str| env.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
        Chain::new(&find, home)
    }

    const NO_ECS: (&str, &str) = ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");

    #[test]
    fn the_first_that_has_credentials_wins_and_is_remembered() {
        let keys = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "envid"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s")];
        let chain_of_keys = chain(&keys, None);
        assert_eq!(unanswered(&chain_of_keys), (vec![], Ok("envid".to_owned())));

        #[derive(Debug)]
        struct Counted(AtomicUsize);
        impl ProvideCredentials for Counted {
            fn begin(&self) -> Box<dyn Fetch + '_> {
                self.0.fetch_add(1, Ordering::Relaxed);
                Box::new(|_| Err(ProvideError::new("it", "has none")))
            }
        }
        let (has_none, has) = (Arc::new(Counted(AtomicUsize::new(0))), Arc::new(chain_of_keys));
        let both = Chain::of([("one", has_none.clone() as Arc<dyn ProvideCredentials>), ("other", has)]);
        for _ in 0..3 {
            assert_eq!(unanswered(&both).1.unwrap(), "envid");
        }
        assert_eq!(has_none.0.load(Ordering::Relaxed), 1, "who had none is not asked again");
    }

    #[test]
    fn where_nobody_has_any_each_is_told() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join(".aliyun")).unwrap();
        let file = r#"{"current":"ext","profiles":[{"name":"ext","mode":"External","process_command":"planted-secret"}]}"#;
        fs::write(home.path().join(".aliyun/config.json"), file).unwrap();
        let env = [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "half"),
            ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r"),
            ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/p"),
            ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/nowhere/token"),
            ("ALIBABA_CLOUD_CREDENTIALS_FILE", "/nowhere/credentials"),
            ("ALIBABA_CLOUD_CREDENTIALS_URI", "ftp://planted-secret"),
        ];
        let (asked, error) = unanswered(&chain(&env, Some(home.path())));
        let base = "http://100.100.100.200/latest";
        assert_eq!(
            asked,
            [format!("{base}/api/token"), format!("{base}/meta-data/ram/security-credentials/")]
        );
        let error = error.unwrap_err();
        for told in [
            "environment: the environment variable ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing or empty; ",
            "AssumeRoleWithOIDC: cannot read the token file /nowhere/token: entity not found; ",
            "CLI profile: the profile `ext` has the mode `External`, which is not supported here: it runs a program, and \
             none is run; ",
            "credentials file: cannot read /nowhere/credentials: entity not found; ",
            "ECS metadata: cannot be reached: no connection to the endpoint (nothing was sent); ",
            "credentials address: the credentials address: is neither https nor http on this machine",
        ] {
            assert!(error.contains(told), "{told}\n{error}");
        }
        assert!(!error.contains("planted"), "{error}");
    }

    #[test]
    fn the_cli_profile_may_build_on_another_but_not_on_itself() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join(".aliyun")).unwrap();
        let file = r#"{"current":"shop","profiles":[
            {"name":"base","mode":"AK","access_key_id":"baseid","access_key_secret":"s"},
            {"name":"shop","mode":"ChainableRamRoleArn","source_profile":"base","ram_role_arn":"acs:ram::1:role/shop",
             "sts_region":"cn-hangzhou"},
            {"name":"loop","mode":"ChainableRamRoleArn","source_profile":"loop","ram_role_arn":"acs:ram::1:role/x"},
            {"name":"machine","mode":"EcsRamRole","ram_role_name":"shop-role"}]}"#;
        fs::write(home.path().join(".aliyun/config.json"), file).unwrap();
        let with = |profile| unanswered(&chain(&[("ALIBABA_CLOUD_PROFILE", profile)], Some(home.path())));
        assert_eq!(with("").0[0], "https://sts.cn-hangzhou.aliyuncs.com/");
        assert_eq!(with("base").1.unwrap(), "baseid");
        assert!(with("loop").1.unwrap_err().contains("has profiles that build on each other"));
        let ecs = with("machine").0;
        assert!(ecs[1].ends_with("/ram/security-credentials/shop-role"), "{ecs:?}");

        let env = [("ALIBABA_CLOUD_PROFILE", "machine"), NO_ECS];
        let (asked, error) = unanswered(&chain(&env, Some(home.path())));
        assert!(asked.is_empty() && error.unwrap_err().contains("ALIBABA_CLOUD_ECS_METADATA_DISABLED"));
        let env = [("ALIBABA_CLOUD_PROFILE", "shop"), ("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true"), NO_ECS];
        assert_eq!(
            unanswered(&chain(&env, Some(home.path()))).0,
            ["https://sts-vpc.cn-hangzhou.aliyuncs.com/"]
        );
    }

    #[test]
    fn the_credentials_file_is_read_with_its_comments() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credentials.ini");
        let text = "# mine\n[default]\ntype = access_key # the usual\naccess_key_id = fileid # planted\n\
                    access_key_secret = s;ecret=\n[role]\ntype=ram_role_arn\naccess_key_id=a\naccess_key_secret=b\n\
                    role_arn=acs:ram::1:role/shop\n[pair]\ntype=rsa_key_pair\n";
        fs::write(&file, text).unwrap();
        let with = |section| {
            let file = file.to_str().unwrap();
            let env = [("ALIBABA_CLOUD_CREDENTIALS_FILE", file), ("ALIBABA_CLOUD_PROFILE", section), NO_ECS];
            unanswered(&chain(&env, None))
        };
        assert_eq!(with("").1.unwrap(), "fileid");
        assert_eq!(with("role").0, ["https://sts.aliyuncs.com/"]);
        assert!(
            with("pair").1.unwrap_err().contains("has the mode `rsa_key_pair`, which is not supported here")
        );
        assert!(with("nobody").1.unwrap_err().contains("has no profile `nobody`"));
    }
}
