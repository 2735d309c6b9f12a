//! The queries of the dashboard, on the page and in `docs/dashboard.json`, name only metrics, labels and values that
//! `docs/observability.md` documents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

const PAGE: &str = include_str!("../../docs/observability.md");
const DASHBOARD: &str = include_str!("../../docs/dashboard.json");

/// Each label of a metric with its values; no values if they are not listed.
type Labels = BTreeMap<String, BTreeSet<String>>;

#[test]
fn queries_of_the_page_name_what_is_documented() {
    let documented = documented();
    let alert = section("A dashboard").lines().last().unwrap();
    let queries = panels().into_iter().map(|[_, query, _]| query).chain([codes(alert).remove(0)]);
    let queries: Vec<_> = queries.collect();
    assert!(queries.len() > 9 && queries.iter().any(|query| query.contains("sweeps")), "{queries:?}");
    for query in &queries {
        check(query, &documented).unwrap();
    }
    for wrong in [
        "rate(cloudauth_flow_starts[5m])",
        "rate(cloudauth_flow_starts_total_count[5m])",
        "rate(cloudauth_client_call_duration_seconds[5m])",
        "rate(cloudauth_flow_starts_total{result=\"gone\"}[5m])",
        "rate(cloudauth_flow_starts_total{queue=\"results\"}[5m])",
        "rate(cloudauth_client_retries_total{error_type!=\"Gone\"}[5m])",
        "sum by (queue) (rate(cloudauth_flow_starts_total[5m]))",
        "sum by (result) (rate(cloudauth_flow_claims_total[5m]))",
        "vector(1)",
    ] {
        check(wrong, &documented).unwrap_err();
    }
}

#[test]
fn the_dashboard_has_the_panels_of_the_page() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut places = BTreeSet::new();
    let found = dashboard["panels"].as_array().unwrap().iter().map(|panel| {
        let (x, y) = (panel["gridPos"]["x"].as_u64().unwrap(), panel["gridPos"]["y"].as_u64().unwrap());
        assert!(places.insert((y, x)) && x % 8 == 0 && y % 8 == 0, "{panel}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        [text(&panel["title"]), text(&panel["targets"][0]["expr"]), text(&panel["description"])]
    });
    assert_eq!(found.collect::<Vec<_>>(), panels());
}

/// The rows of the page's table: title, query, when to look closer.
fn panels() -> Vec<[String; 3]> {
    let rows = section("A dashboard").lines().filter(|line| line.starts_with("| ")).skip(2);
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let panel = |cells: Vec<&str>| {
        let [title, query, when] = cells[..] else { panic!("{cells:?}") };
        [title.to_owned(), codes(query).concat(), when.replace('`', "")]
    };
    cells.map(panel).collect()
}

/// The metrics of the page. A histogram is the names of its sum and count.
fn documented() -> BTreeMap<String, Labels> {
    let rows = |title: &str, begin: &str| -> Vec<Vec<&'static str>> {
        let rows = section(title).lines().filter(|line| line.starts_with(begin));
        rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
    };
    let mut all = BTreeMap::new();
    for row in rows("The flow", "| `cloudauth_flow_") {
        let (name, results, text) = (codes(row[0]).concat(), codes(row[1]), codes(row[2]));
        let (label, values) = match &text[..] {
            [label, values @ ..] if row[2].contains("label `") => (label.clone(), values.to_vec()),
            _ => ("result".to_owned(), results),
        };
        let labels = (!values.is_empty()).then(|| (label, values.into_iter().collect()));
        all.insert(name, labels.into_iter().collect());
    }
    let mut values = Labels::new();
    for row in rows("The metrics of calls", "| `").iter().filter(|row| row.len() == 2) {
        values.insert(codes(row[0]).concat(), codes(row[1]).into_iter().collect());
    }
    let kinds = rows("The span `cloudauth`", "| `error.type`").concat();
    values.insert("error_type".to_owned(), codes(kinds[2]).into_iter().collect());
    for row in rows("The metrics of calls", "| `cloudauth_client_") {
        let labels: Labels =
            codes(row[3]).into_iter().map(|label| (label.clone(), values[&label].clone())).collect();
        let name = codes(row[0]).concat();
        if row[1] == "histogram" {
            all.extend(["_sum", "_count"].map(|end| (format!("{name}{end}"), labels.clone())));
        } else {
            all.insert(name, labels);
        }
    }
    all
}

/// Checks the metrics, the labels in braces and those after `by`.
fn check(query: &str, documented: &BTreeMap<String, Labels>) -> Result<(), String> {
    let grouped: Vec<_> = query.split("by (").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let mut found = 0;
    for rest in query.split("cloudauth_").skip(1) {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let labels = documented
            .get(&format!("cloudauth_{name}"))
            .ok_or_else(|| format!("no metric {name}: {query}"))?;
        let matchers = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or_default();
        for matcher in matchers.split(',').filter(|matcher| !matcher.is_empty()) {
            let (label, value) = matcher.split_once('=').ok_or(query)?;
            let label = label.trim_end_matches('!').trim();
            let values = labels.get(label).ok_or_else(|| format!("no label {label}: {query}"))?;
            let value = value.trim().trim_matches('"');
            if !value.is_empty() && !values.is_empty() && !values.contains(value) {
                return Err(format!("no value {value}: {query}"));
            }
        }
        for label in grouped.iter().flat_map(|labels| labels.split(',')) {
            if !labels.contains_key(label.trim()) {
                return Err(format!("no label {label}: {query}"));
            }
        }
        found += 1;
    }
    if found > 0 { Ok(()) } else { Err(format!("no metric: {query}")) }
}

/// The text of a section of the page.
fn section(title: &str) -> &'static str {
    let (_, section) = PAGE.split_once(&format!("\n## {title}")).unwrap();
    section.split("\n## ").next().unwrap()
}

/// The texts in backticks.
fn codes(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
