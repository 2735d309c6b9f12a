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
use super::{Env, LoadError, env_credentials, filled, variable};
use crate::exchange::Entropy;

/// Providers that are asked in turn. The first that has credentials is remembered and asked alone from then on. A provider
/// that fails ends the chain, unless its error is [`absent`](ProvideError::absent): then the next one is asked. Where all are
/// absent, the error names each.
pub struct Chain {
    links: Vec<(&'static str, Link)>,
    /// Which has given credentials; beyond the last, none so far.
    found: AtomicUsize,
}

/// A provider, or why it cannot be asked.
type Link = Result<Arc<dyn ProvideCredentials>, ProvideError>;

impl Chain {
    /// The vendor's default chain, from this process's environment and its user's home. What is configured is read now;
    /// nobody is asked before the first call.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(&variable, std::env::home_dir().as_deref())
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
            Ok(None) => {
                let hint = "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET";
                link("environment", Err(ProvideError::new("environment", hint).absent()));
            }
            Err(error) => link("environment", Err(broken("environment", &error))),
        }
        const OIDC: [&str; 3] =
            ["ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"];
        match OIDC.map(get) {
            [Some(arn), Some(provider), Some(file)] => {
                let role = AssumeRoleWithOidc::new(arn, provider, file);
                link("OIDC", Ok(Arc::new(defaults.apply(role, "", "", None))));
            }
            // The role's name has other uses; the other two are for this alone.
            [_, None, None] => {}
            found => {
                let missing = OIDC.iter().zip(&found).find(|(_, value)| value.is_none());
                let missing = LoadError::Missing(missing.map_or("", |(name, _)| *name));
                link("OIDC", Err(broken("OIDC", &missing)));
            }
        }
        let profile = get("ALIBABA_CLOUD_PROFILE");
        let ignored =
            says_true("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") || says_true("ALIBABA_CLOUD_IGNORE_PROFILE");
        // A file that may not be looked at, or a link to nowhere, is there.
        let is_absent = |path: &Path| {
            let kinds = [std::io::ErrorKind::NotFound, std::io::ErrorKind::NotADirectory];
            path.symlink_metadata().is_err_and(|error| kinds.contains(&error.kind()))
        };
        let there = |path: PathBuf| Some(path).filter(|path| !is_absent(path));
        // A name that the environment gives may be in either of the two files, and must be in one.
        let mut unknown = None;
        if let Some(file) = home.and_then(|home| there(home.join(".aliyun").join("config.json")))
            && !ignored
        {
            match cli_profile(&file, profile.as_deref(), &defaults) {
                Ok(Some(provider)) => link("CLI profile", Ok(provider)),
                Ok(None) => {
                    let why = format!("the chosen profile of {} holds no key", file.display());
                    link("CLI profile", Err(ProvideError::new("CLI profile", why).absent()));
                }
                Err(error @ LoadError::NoProfile(..)) if profile.is_some() => unknown = Some(error),
                Err(error) => link("CLI profile", Err(broken("CLI profile", &error))),
            }
        }
        let named = get("ALIBABA_CLOUD_CREDENTIALS_FILE").map(PathBuf::from);
        let usual = || {
            let folder = home?.join(".alibabacloud");
            there(folder.join("credentials.ini")).or_else(|| there(folder.join("credentials")))
        };
        if let Some(file) = named.or_else(usual) {
            match credentials_file(&file, profile.as_deref().unwrap_or("default"), &defaults) {
                Ok(provider) => {
                    unknown = None;
                    link("credentials file", Ok(provider));
                }
                Err(error @ LoadError::NoProfile(..)) if profile.is_none() => {
                    link("credentials file", Err(broken("credentials file", &error).absent()));
                }
                Err(error) => link("credentials file", Err(broken("credentials file", &error))),
            }
        }
        if let Some(error) = unknown {
            link("CLI profile", Err(broken("CLI profile", &error)));
        }
        if let Some(metadata) = ecs {
            link("ECS metadata", Ok(Arc::new(metadata)));
        }
        if let Some(uri) = get("ALIBABA_CLOUD_CREDENTIALS_URI") {
            let provider = CredentialsUri::new(&uri);
            link("credentials address", provider.map(|uri| Arc::new(uri) as Arc<dyn ProvideCredentials>));
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
                (None, Some((_, Err(error)))) => FetchStep::Done(Err(error.clone())),
                (None, None) => {
                    return FetchStep::Done(Err(ProvideError::all(std::mem::take(&mut self.errors))));
                }
            };
            match step {
                FetchStep::Done(Err(error)) if error.is_absent() && self.at < self.last => {
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

/// The provider of a profile; `None` if the profile holds no key.
fn cli_profile(
    file: &Path,
    name: Option<&str>,
    defaults: &Defaults,
) -> Result<Option<Arc<dyn ProvideCredentials>>, LoadError> {
    let read = ProfileFile::read(file)?;
    // A profile that was asked for by name must hold a key.
    if name.is_none() && read.profile(name, file)?.is_blank() {
        return Ok(None);
    }
    read.provider(name, file, defaults).map(Some)
}

/// A source that is present and cannot be used: its name, what is wrong, and the cause of that, in one line.
fn broken(source: &str, error: &LoadError) -> ProvideError {
    use std::error::Error;
    let why = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    ProvideError::new(source, why)
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
                Box::new(|_| Err(ProvideError::new("it", "has none").absent()))
            }
        }
        let (has_none, has) = (Arc::new(Counted(AtomicUsize::new(0))), Arc::new(chain_of_keys));
        let both = Chain::of([("one", has_none.clone() as Arc<dyn ProvideCredentials>), ("other", has)]);
        for _ in 0..3 {
            assert_eq!(unanswered(&both).1.unwrap(), "envid");
        }
        assert_eq!(has_none.0.load(Ordering::Relaxed), 1, "who had none is not asked again");
    }

    const ID: (&str, &str) = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "envid");
    const SECRET: (&str, &str) = ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted-secret");

    /// A home whose CLI profile and credentials file both hold the keys of another account.
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
    fn a_source_that_is_present_and_unusable_ends_the_chain_with_its_name() {
        let home = home_of_another_account();
        let arn = ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1:oidc-provider/p");
        for (env, told) in [
            (
                vec![ID, ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted-secret\n")],
                "environment: the credentials cannot be used: the access key secret begins or ends with white space, such \
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
                vec![
                    arn,
                    ("ALIBABA_CLOUD_ROLE_ARN", "r"),
                    ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/nowhere/token"),
                ],
                "AssumeRoleWithOIDC: cannot read the token file /nowhere/token: entity not found",
            ),
            (vec![("ALIBABA_CLOUD_PROFILE", "nobody")], "credentials.ini has no profile `nobody`"),
            (
                vec![("ALIBABA_CLOUD_PROFILE", "half")],
                "the credentials cannot be used: the access key id is empty",
            ),
            (
                vec![("ALIBABA_CLOUD_PROFILE", "chained")],
                "the field `source_profile` names no profile of the file",
            ),
            (vec![("ALIBABA_CLOUD_PROFILE", "swapped")], "the profile `swapped` has the mode `...`"),
        ] {
            let (asked, error) = unanswered(&chain(&env, Some(home.path())));
            let error = error.unwrap_err();
            assert!(
                asked.is_empty() && error.contains(told) && !error.contains("planted"),
                "{env:?}: {error}"
            );
        }
        for (file, text, told) in [
            (".aliyun/config.json", "{", "CLI profile: "),
            (".aliyun/config.json", r#"{"current":"gone","profiles":[]}"#, "has no profile `gone`"),
            (
                ".aliyun/config.json",
                r#"{"profiles":[{"name":"default","mode":"External","process_command":"planted"}]}"#,
                "CLI profile: the profile `default` has the mode `External`, which is not supported here: it runs a program",
            ),
            (
                ".aliyun/config.json",
                r#"{"profiles":[{"name":"default","mode":"AK","access_key_id":"planted"}]}"#,
                "CLI profile: the credentials cannot be used: the access key secret is empty",
            ),
        ] {
            let home = home_of_another_account();
            fs::write(home.path().join(file), text).unwrap();
            let error = unanswered(&chain(&[], Some(home.path()))).1.unwrap_err();
            assert!(error.contains(told) && !error.contains("planted"), "{error}");
        }
        let named = ("ALIBABA_CLOUD_CREDENTIALS_FILE", "/nowhere/credentials");
        let error =
            unanswered(&chain(&[named, ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/k")], None)).1;
        assert_eq!(
            error.unwrap_err(),
            "credentials file: cannot read /nowhere/credentials: entity not found"
        );
        let error = unanswered(&chain(&[NO_ECS, ("ALIBABA_CLOUD_CREDENTIALS_URI", "ftp://planted")], None)).1;
        assert_eq!(error.unwrap_err(), "the credentials address: is neither https nor http on this machine");
        let role = ("ALIBABA_CLOUD_ECS_METADATA", "shop-role");
        let error =
            unanswered(&chain(&[role, ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/k")], None)).1;
        assert!(
            error.unwrap_err().starts_with("ECS metadata: cannot be reached"),
            "a role that is named is expected"
        );
    }

    #[test]
    fn a_metadata_service_that_has_answered_once_is_not_absent() {
        let address = ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/keys");
        let chain = chain(&[address], None);
        let mut fetch = chain.begin();
        let mut next = |answer| fetch.next(UnixTime::from_secs(1_767_323_045), Entropy([7; 24]), answer);
        assert!(matches!(next(None), FetchStep::Send(..)));
        assert!(matches!(next(Some(Ok(Response::new(Body::from("token"))))), FetchStep::Send(..)));
        let timeout = cloudauth_transport::TransportErrorKind::Timeout;
        let silent = TransportError::new(timeout, cloudauth_transport::Sent::Maybe);
        let FetchStep::Done(Err(error)) = next(Some(Err(silent))) else {
            panic!("the next source was asked")
        };
        assert!(error.is_passing() && !error.is_absent(), "{error}");
    }

    #[test]
    fn absent_sources_are_passed_over_and_named_where_all_are_absent() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join(".aliyun")).unwrap();
        // As the CLI leaves it behind before anybody has typed a key.
        let blank = r#"{"current":"default","profiles":[{"name":"default","mode":"AK","access_key_id":"","access_key_secret":""}]}"#;
        fs::write(home.path().join(".aliyun/config.json"), blank).unwrap();
        let sections = home.path().join("sections.ini");
        fs::write(&sections, "[other]\ntype=access_key\n").unwrap();
        let env = [
            ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r"),
            ("ALIBABA_CLOUD_CREDENTIALS_FILE", sections.to_str().unwrap()),
        ];
        let (asked, error) = unanswered(&chain(&env, Some(home.path())));
        let base = "http://100.100.100.200/latest";
        assert_eq!(
            asked,
            [format!("{base}/api/token"), format!("{base}/meta-data/ram/security-credentials/")]
        );
        let error = error.unwrap_err();
        for told in [
            "no credentials found; environment: set ALIBABA_CLOUD_ACCESS_KEY_ID and",
            "; CLI profile: the chosen profile of ",
            "sections.ini has no profile `default`; ",
            "; ECS metadata: cannot be reached: no connection to the endpoint (nothing was sent)",
        ] {
            assert!(error.contains(told), "{told}\n{error}");
        }
        let section = "[shop]\ntype=access_key\naccess_key_id=shopid\naccess_key_secret=s\n";
        fs::write(&sections, section).unwrap();
        let env = [env[1], ("ALIBABA_CLOUD_PROFILE", "shop")];
        let found = unanswered(&chain(&env, Some(home.path()))).1;
        assert_eq!(found.unwrap(), "shopid", "a name may stand in either file");
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
