//! The parts of the result: one `SELECT` each, all with the same columns. No column is ever NULL, so every export writes the
//! result in the same way.

use cloudauth_policy::{Dialect, Input, Policy, SqlError};

use super::engine::{deeper, floor, whole};
use super::rows::SqlRows;
use crate::input::mapping::Mapping;
use crate::tally::Scales;
use crate::tally::issues::IssueKind;
use crate::warehouse::counts::{FORMAT, part};
use cloudauth_stats::grid::Scale;

/// The columns of a part; constants for columns that it does not use.
struct Part {
    /// All columns except the policies and the count.
    columns: [(&'static str, String); 9],
    /// Only this part has the policies' hashes: they are long, and there are many lines.
    is_about: bool,
    /// The columns that it groups by.
    keys: Vec<String>,
    rows: String,
    from: String,
}

pub(super) fn all(
    dialect: Dialect,
    policy: &Policy,
    candidate: Option<&Policy>,
    mapping: &Mapping,
    rows: &SqlRows,
    scales: &Scales,
) -> Result<Vec<String>, SqlError> {
    let is_compared = candidate.is_some();
    let has_labels = mapping.label.column.is_some() || mapping.label.attack.is_some();
    let whole: Vec<&str> = [
        mapping.time.is_some().then_some(part::DAYS),
        mapping.time.is_some().then_some(part::MONTHS),
        has_labels.then_some(part::ATTACKS),
    ]
    .into_iter()
    .flatten()
    .collect();
    // The expected number of lines, and the parts.
    let format = Part::about("", &FORMAT.to_string(), rows.notes.len(), dialect)?
        .set("candidate_rule", mapping.segments.len().to_string())
        .set("label", format!("'{}'", whole.join(" ")))
        .set("verdict", format!("'{}'", mapping.timezone.name()))
        .set("candidate_verdict", format!("'{}'", scales.hash()));
    let mut parts = vec![format];
    for (number, segment) in mapping.segments.iter().enumerate() {
        parts.push(Part::about(segment, "", number, dialect)?);
    }
    parts.push(decisions(dialect, is_compared));
    if mapping.time.is_some() {
        parts.push(by_verdict(part::DAYS, "''", "lab_day", is_compared));
    }
    for (number, segment) in mapping.segments.iter().enumerate() {
        let name = dialect.text(segment)?;
        parts.push(by_verdict(part::SEGMENTS, &name, &format!("lab_segment_{number}"), is_compared));
    }
    parts.push(scores(dialect, scales));
    if mapping.time.is_some() {
        parts.extend(Input::SCORES.map(|score| months_of(dialect, score, scales)));
    }
    if has_labels {
        parts.push(attacks(dialect, scales));
    }
    parts.extend(notes(&rows.notes));
    let hash = |policy: Option<&Policy>| {
        dialect.text(policy.map_or("", |policy| policy.reference().content_hash.as_str()))
    };
    let (policy, candidate) = (hash(Some(policy))?, hash(candidate)?);
    Ok(parts
        .iter()
        .map(|part| if part.is_about { part.sql(&policy, &candidate) } else { part.sql("''", "''") })
        .collect())
}

impl Part {
    fn new(part: &str) -> Self {
        let text = |name| (name, "''".to_owned());
        let number = |name| (name, "-1".to_owned());
        Self {
            columns: [
                ("part", format!("'{part}'")),
                number("rule"),
                number("candidate_rule"),
                text("verdict"),
                text("candidate_verdict"),
                text("label"),
                text("name"),
                text("value"),
                number("hundredth"),
            ],
            is_about: false,
            keys: Vec::new(),
            rows: "COUNT(*)".to_owned(),
            from: String::new(),
        }
    }

    fn set(mut self, name: &str, expression: impl Into<String>) -> Self {
        let found = self.columns.iter_mut().find(|(other, _)| *other == name);
        if let Some((_, column)) = found {
            *column = expression.into();
        }
        self
    }

    /// Groups by a column of the layer.
    fn by(mut self, name: &str, column: &str) -> Self {
        self.keys.push(column.to_owned());
        self.set(name, column)
    }

    fn from(mut self, from: impl Into<String>) -> Self {
        self.from = from.into();
        self
    }

    /// Describes the counts, so that counts of something else are refused, and an empty table differs from a missing one.
    fn about(name: &str, value: &str, number: usize, dialect: Dialect) -> Result<Self, SqlError> {
        let mut part = Self::new(part::ABOUT)
            .set("rule", number.to_string())
            .set("name", dialect.text(name)?)
            .set("value", dialect.text(value)?);
        (part.rows, part.is_about) = ("0".to_owned(), true);
        Ok(part)
    }

    fn sql(&self, policy: &str, candidate: &str) -> String {
        let mut columns: Vec<String> =
            self.columns.iter().map(|(name, expression)| format!("{expression} AS {name}")).collect();
        columns.insert(1, format!("{policy} AS policy"));
        columns.insert(2, format!("{candidate} AS candidate"));
        columns.push(format!("{} AS row_count", self.rows));
        let mut sql = format!("SELECT {}", columns.join(", "));
        if !self.from.is_empty() {
            sql += &format!("\nFROM {}", self.from);
        }
        if !self.keys.is_empty() {
            sql += &format!("\nGROUP BY {}", self.keys.join(", "));
        }
        sql
    }
}

/// Counts by rules, SubCode and label.
fn decisions(dialect: Dialect, is_compared: bool) -> Part {
    let code = "read.lab_sub_code";
    let is_code = dialect.is_three_digits(code);
    let (with_zeros, whole) = dialect.code_with_zeros(code);
    let is_whole_code = dialect.is_three_digits(&whole);
    let mut keys = vec!["lab_rule", "lab_label"];
    keys.extend(is_compared.then_some("lab_candidate_rule"));
    let kept =
        |of: &str| keys.iter().map(|key| format!("{of}.{key} AS {key}")).collect::<Vec<_>>().join(",\n");
    // An empty code comes from the mapping, and is not a code. Without COALESCE, DataFusion is inconsistent about whether a
    // code can be NULL.
    let inner = format!(
        "SELECT{},\n  CASE WHEN {code} IS NULL THEN '(missing)' WHEN {is_code} THEN {code} WHEN {with_zeros} AND {is_whole_code} THEN COALESCE({whole}, '(no code)') ELSE '(no code)' END AS code\nFROM cloudauth_lab_said AS read",
        deeper(&kept("read"))
    );
    let part = Part::new(part::DECISIONS)
        .by("rule", "said.lab_rule")
        .by("label", "said.lab_label")
        .by("value", "said.code")
        .from(format!("({}\n) AS said", deeper(&inner)));
    if is_compared { part.by("candidate_rule", "said.lab_candidate_rule") } else { part }
}

/// Counts by both verdicts, label, and a column.
fn by_verdict(part: &'static str, name: &str, value: &str, is_compared: bool) -> Part {
    let part = Part::new(part)
        .by("verdict", "said.lab_verdict")
        .by("label", "said.lab_label")
        .set("name", name)
        .by("value", &format!("said.{value}"))
        .from("cloudauth_lab_said AS said");
    if is_compared { part.by("candidate_verdict", "said.lab_candidate_verdict") } else { part }
}

/// Counts `verify_score` by label, and whether the first policy approves.
fn scores(dialect: Dialect, scales: &Scales) -> Part {
    let keys = [
        ("label", "one.lab_label"),
        ("verdict", "CASE WHEN one.lab_verdict = 'approve' THEN 'approve' ELSE '' END"),
    ];
    Part::new(part::SCORES)
        .by("label", "placed.label")
        .by("verdict", "placed.verdict")
        .by("hundredth", "placed.hundredth")
        .from(placed(dialect, Input::VerifyScore, scales, "", &keys, "cloudauth_lab_said AS one"))
}

fn months_of(dialect: Dialect, score: Input, scales: &Scales) -> Part {
    Part::new(part::MONTHS)
        .set("name", format!("'{score}'"))
        .by("value", "placed.month")
        .by("hundredth", "placed.hundredth")
        .from(placed(
            dialect,
            score,
            scales,
            "",
            &[("month", "substr(one.lab_day, 1, 7)")],
            "cloudauth_lab_read AS one",
        ))
}

/// Counts `face_attack_score` by kind of attack, and of genuine people; and all other rows in total.
fn attacks(dialect: Dialect, scales: &Scales) -> Part {
    let keys = [
        (
            "part",
            "CASE WHEN one.lab_attack IS NOT NULL THEN 'attacks' WHEN one.lab_label = 'genuine' THEN 'bona_fide' ELSE 'others' END",
        ),
        ("kind", "CASE WHEN one.lab_attack IS NULL THEN '' ELSE one.lab_attack END"),
    ];
    let counts = "one.lab_attack IS NOT NULL OR one.lab_label = 'genuine'";
    let from = "cloudauth_lab_read AS one";
    Part::new("")
        .by("part", "placed.part")
        .by("value", "placed.kind")
        .by("hundredth", "placed.hundredth")
        .from(placed(dialect, Input::FaceAttackScore, scales, counts, &keys, from))
}

/// Groups by keys and by the number of a score's slot, -1 for an invalid score, by the rule of
/// [`cloudauth_stats::grid::Scale`]. On the grid, the product is at most one slot off, and the two adjacent edges correct it.
/// An edge is an integer divided by 100 or 10,000, which every engine divides alike. The slots off the grid are those of the
/// policy's own thresholds.
fn placed(
    dialect: Dialect,
    score: Input,
    scales: &Scales,
    counts: &str,
    keys: &[(&str, &str)],
    from: &str,
) -> String {
    let number = |number: f64| dialect.number(number);
    let scale = scales.scale(score);
    let (zero, one, per_unit) = (number(0.0), number(1.0), number(f64::from(scale.per_unit())));
    let score = match counts {
        "" => format!("one.lab_{score}"),
        counts => format!("CASE WHEN {counts} THEN one.lab_{score} END"),
    };
    let made: Vec<String> = keys.iter().map(|(name, key)| format!("{key} AS {name}")).collect();
    let scored = format!("SELECT{},\n  {score} AS score\nFROM {from}", deeper(&made.join(",\n")));
    let kept = |of: &str| {
        keys.iter().map(|(name, _)| format!("{of}.{name} AS {name}")).collect::<Vec<_>>().join(",\n")
    };
    // A score outside may be so large that the product is an error in PostgreSQL.
    let guessed = format!(
        "SELECT{},\n  scored.score AS score,\n  CASE WHEN scored.score >= {zero} AND scored.score <= {} THEN {} END AS guess\nFROM ({}\n) AS scored",
        deeper(&kept("scored")),
        number(scale.top()),
        floor(dialect, &format!("scored.score * {per_unit}")),
        deeper(&scored)
    );
    let put_right = format!(
        "guessed.guess + CASE WHEN guessed.score >= (guessed.guess + {one}) / {per_unit} THEN {one} ELSE {zero} END - CASE WHEN guessed.score < guessed.guess / {per_unit} THEN {one} ELSE {zero} END"
    );
    let on_grid =
        format!("CASE WHEN guessed.guess >= {zero} THEN {} ELSE -1 END", whole(dialect, &put_right));
    let placed = format!(
        "SELECT{},\n  {} AS hundredth\nFROM ({}\n) AS guessed",
        deeper(&kept("guessed")),
        in_slots(dialect, scale, &on_grid),
        deeper(&guessed)
    );
    format!("({}\n) AS placed", deeper(&placed))
}

/// The slots off the grid, then those of the grid; -1 outside the range of valid scores.
fn in_slots(dialect: Dialect, scale: &Scale, on_grid: &str) -> String {
    let at_least = |from: f64| format!("guessed.score >= {}", dialect.number(from));
    let bounds = |(slot, from, to): &(u16, f64, f64)| {
        let from = from.is_finite().then(|| at_least(*from));
        let to = to.is_finite().then(|| format!("guessed.score < {}", dialect.number(*to)));
        let bounds: Vec<String> = [from, to].into_iter().flatten().collect();
        format!("WHEN {} THEN {slot} ", bounds.join(" AND "))
    };
    let slots: String = scale.beside_grid().iter().map(bounds).collect();
    let slot = if slots.is_empty() { on_grid.to_owned() } else { format!("CASE {slots}ELSE {on_grid} END") };
    let (least, most) = scale.range();
    if (least, most) == (0.0, scale.top()) && slots.is_empty() {
        return slot;
    }
    format!(
        "CASE WHEN {} AND guessed.score <= {} THEN {slot} ELSE -1 END",
        at_least(least),
        dialect.number(most)
    )
}

/// Numbers of rows with data issues: one pass counts all of them, then each becomes a row. `COUNT` is a 64-bit integer in every
/// engine; a `SUM` is not (DuckDB's HUGEINT, which pandas exports as `5.0`).
fn notes(all: &[(IssueKind, String)]) -> Option<Part> {
    let (mut sums, mut names, mut counts, mut numbers) =
        (Vec::new(), String::new(), String::new(), Vec::new());
    for (number, (what, when)) in all.iter().enumerate() {
        sums.push(format!("COUNT(CASE WHEN {when} THEN 1 END) AS note_{number}"));
        names += &format!(" WHEN {number} THEN '{}'", part::note(*what)?);
        counts += &format!(" WHEN {number} THEN summed.note_{number}");
        numbers.push(format!("SELECT {number} AS number"));
    }
    let (sums, numbers) = (sums.join(",\n"), numbers.join(" UNION ALL "));
    let mut part =
        Part::new(part::NOTES).set("name", format!("CASE numbers.number{names} END")).from(format!(
            "(SELECT{}\n  FROM cloudauth_lab_raw\n) AS summed\nCROSS JOIN ({numbers}) AS numbers",
            deeper(&sums)
        ));
    part.rows = format!("CASE numbers.number{counts} ELSE 0 END");
    (!all.is_empty()).then_some(part)
}
