//! URLs: adding query parameters, and removing them for display.

/// Appends these parameters to the query of a URL, before its fragment. Pairs without a value are skipped.
pub(crate) fn with_parameters(url: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut added = form_urlencoded::Serializer::new(String::new());
    added.extend_pairs(pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
    let (front, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let joint = if front.contains('?') { '&' } else { '?' };
    format!("{front}{joint}{}{fragment}", added.finish())
}

/// Removes the user, the query and the fragment of a URL for display: each may contain secrets.
pub(crate) fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{scheme}://{}{path}", without_user(authority))
}

/// Returns the scheme, host and port of a URL: the path of a ReturnUrl may contain the browser's secret. A text that is not a URL is
/// returned up to its first `/`.
pub(crate) fn origin(url: &str) -> String {
    let url = without_secrets(url);
    let (scheme, rest) = url.split_once("://").unwrap_or(("", &url));
    let authority = rest.split('/').next().unwrap_or_default();
    if scheme.is_empty() { authority.to_owned() } else { format!("{scheme}://{authority}") }
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_parameters_to_the_query_before_the_fragment() {
        let with = |url| with_parameters(url, &[("a", Some("1 +")), ("b", None), ("c", Some("3"))]);
        assert_eq!(with("https://x/p"), "https://x/p?a=1+%2B&c=3");
        assert_eq!(with("https://x/p?q=0#f"), "https://x/p?q=0&a=1+%2B&c=3#f");
    }

    #[test]
    fn shows_no_part_of_a_url_that_may_be_a_secret() {
        for (url, shown, origin_of) in [
            ("https://x/p?q=secret#f", "https://x/p", "https://x"),
            ("https://user:secret@x:81/p/q", "https://x:81/p/q", "https://x:81"),
            ("https://user:secret@x?secret@y", "https://x", "https://x"),
            ("https://x#secret", "https://x", "https://x"),
            ("iframe", "iframe", "iframe"),
            ("", "", ""),
        ] {
            assert_eq!((without_secrets(url).as_str(), origin(url).as_str()), (shown, origin_of), "{url}");
        }
    }
}
