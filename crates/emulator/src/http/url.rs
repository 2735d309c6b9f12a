//! URLs: adding query parameters, and removing them for display.

/// Appends these parameters to the query of a URL, before its fragment. Pairs without a value are skipped.
pub(crate) fn with_parameters(url: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut added = form_urlencoded::Serializer::new(String::new());
    added.extend_pairs(pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
    let (front, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let joint = if front.contains('?') { '&' } else { '?' };
    format!("{front}{joint}{}{fragment}", added.finish())
}

/// Removes the query and the fragment of a URL for display: both may contain secrets.
pub(crate) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_parameters_to_the_query_before_the_fragment() {
        let with = |url| with_parameters(url, &[("a", Some("1 +")), ("b", None), ("c", Some("3"))]);
        assert_eq!(with("https://x/p"), "https://x/p?a=1+%2B&c=3");
        assert_eq!(with("https://x/p?q=0#f"), "https://x/p?q=0&a=1+%2B&c=3#f");
        assert_eq!(without_query("https://x/p?q=secret#f"), "https://x/p");
    }
}
