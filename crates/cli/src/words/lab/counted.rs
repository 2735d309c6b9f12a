//! English nouns after a count, which is grouped text: `1 row`, `1,234 rows`.

/// A count with its noun.
pub(super) fn nouns(count: &str, one: &str, many: &str) -> String {
    format!("{count} {}", if count == "1" { one } else { many })
}

pub(super) fn rows(count: &str) -> String {
    nouns(count, "row", "rows")
}

pub(super) fn genuine(attempts: &str) -> String {
    nouns(attempts, "genuine attempt", "genuine attempts")
}

pub(super) fn impostors(count: &str) -> String {
    nouns(count, "impostor", "impostors")
}
