//! URLs: adding parameters, and hiding what may be secret.

/// A URL with these behind its own query, and its fragment where it was.
pub(crate) fn with_pairs(url: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut added = form_urlencoded::Serializer::new(String::new());
    added.extend_pairs(pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
    let (front, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let joint = if front.contains('?') { '&' } else { '?' };
    format!("{front}{joint}{}{fragment}", added.finish())
}

/// A URL as it may be shown: what is behind the path can be anybody's secret.
pub(crate) fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_behind_the_query_and_before_the_fragment() {
        let with = |url| with_pairs(url, &[("a", Some("1 +")), ("b", None), ("c", Some("3"))]);
        assert_eq!(with("https://x/p"), "https://x/p?a=1+%2B&c=3");
        assert_eq!(with("https://x/p?q=0#f"), "https://x/p?q=0&a=1+%2B&c=3#f");
        assert_eq!(shown("https://x/p?q=secret#f"), "https://x/p");
    }
}
