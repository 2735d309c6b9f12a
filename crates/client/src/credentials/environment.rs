//! Credentials from environment variables.

use cloudauth_protocol::Credentials;

use super::load_error::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, LoadError, SECURITY_TOKEN};

/// A lookup of environment variables.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns a variable of this process. A value that is not UTF-8 counts as set, so that it is rejected and not skipped.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Returns a variable that is set and not empty.
pub(super) fn non_empty(env: Env<'_>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.is_empty())
}

/// Returns whether a variable is set to `true`, in any case.
pub(super) fn is_true(env: Env<'_>, name: &str) -> bool {
    env(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Returns whether the environment turns off the CLI's profile file.
pub(super) fn ignores_cli_profile(env: Env<'_>) -> bool {
    is_true(env, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED") || is_true(env, "ALIBABA_CLOUD_IGNORE_PROFILE")
}

/// Returns the credentials that the environment holds, or `None` if no variable is set.
pub(super) fn env_credentials(env: Env<'_>) -> Result<Option<Credentials>, LoadError> {
    match [ACCESS_KEY_ID, ACCESS_KEY_SECRET, SECURITY_TOKEN].map(|name| non_empty(env, name)) {
        [None, None, None] => Ok(None),
        [None, _, _] => Err(LoadError::MissingVariable(ACCESS_KEY_ID)),
        [Some(_), None, _] => Err(LoadError::MissingVariable(ACCESS_KEY_SECRET)),
        [Some(id), Some(secret), None] => Ok(Some(Credentials::new(&id, &secret)?)),
        [Some(id), Some(secret), Some(token)] => Ok(Some(Credentials::temporary(&id, &secret, &token)?)),
    }
}

/// The variables of the environment's OIDC role: role, provider and token file.
const OIDC: [&str; 3] =
    ["ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"];

/// Returns the role, provider and token file of the environment's OIDC role, or `None` if the environment selects none.
pub(super) fn env_oidc_role(env: Env<'_>) -> Result<Option<[String; 3]>, LoadError> {
    match OIDC.map(|name| non_empty(env, name)) {
        [Some(arn), Some(provider), Some(file)] => Ok(Some([arn, provider, file])),
        // The role alone does not select this source, because the variable has other uses.
        [_, None, None] => Ok(None),
        values => {
            let missing = OIDC.into_iter().zip(&values).find(|(_, value)| value.is_none());
            Err(LoadError::MissingVariable(missing.map_or("", |(name, _)| name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_of_the_process() {
        // Cargo sets it for the tests, too.
        assert_eq!(variable("CARGO_MANIFEST_DIR").as_deref(), Some(env!("CARGO_MANIFEST_DIR")));
        assert_eq!(variable("CLOUDAUTH_IS_NOT_SET"), None);
    }

    #[test]
    fn empty_variable_counts_as_not_set_and_a_switch_ignores_case() {
        let env = |name: &str| match name {
            "EMPTY" => Some(String::new()),
            "ON" => Some("True".to_owned()),
            "OFF" => Some("1".to_owned()),
            _ => None,
        };
        assert_eq!(non_empty(&env, "EMPTY"), None);
        assert_eq!(non_empty(&env, "ON").as_deref(), Some("True"));
        assert!(
            is_true(&env, "ON") && !is_true(&env, "OFF") && !is_true(&env, "EMPTY") && !is_true(&env, "X")
        );
        for name in ["ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "ALIBABA_CLOUD_IGNORE_PROFILE"] {
            assert!(ignores_cli_profile(&|found| (found == name).then(|| "true".to_owned())), "{name}");
        }
        assert!(!ignores_cli_profile(&env));
    }
}
