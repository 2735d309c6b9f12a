//! The columns of a table, read as the lab reads a row: the same steps as in [`crate::row`].

use cloudauth_policy::{Dialect, Input, InputKind};

use super::day;
use super::engine::{Key, filled, no_sql};
use crate::error::{LabError, LabProblem};
use crate::input::mapping::{Mapping, Of};
use crate::tally::issues::IssueKind;

/// The columns of the two reading layers, and the possible data issues.
pub(super) struct SqlRows {
    pub(super) raw: Vec<String>,
    pub(super) read: Vec<String>,
    /// The condition of each data issue, on a row of `cloudauth_lab_raw`.
    pub(super) notes: Vec<(IssueKind, String)>,
    names: Vec<String>,
}

impl SqlRows {
    pub(super) fn of(
        dialect: Dialect,
        mapping: &Mapping,
        is_asked: &dyn Fn(Input) -> bool,
    ) -> Result<Self, LabError> {
        let rows = Self { raw: Vec::new(), read: Vec::new(), notes: Vec::new(), names: Vec::new() };
        let mut reader = Reader { dialect, mapping, rows };
        // These two inputs depend on each other, and scores are always counted, whether a policy reads them or not.
        for input in Input::ALL {
            let counts = matches!(input, Input::SubCode | Input::Passed) || input.kind() == InputKind::Score;
            // The SQL of a policy that reads it is refused.
            if input != Input::DeviceRisk && (is_asked(input) || counts) {
                reader.input(input, is_asked(input))?;
            }
        }
        reader.label()?;
        reader.time()?;
        for (number, segment) in mapping.segments.iter().enumerate() {
            let name = format!("segment_{number}");
            let (key, bad) = reader.key(&name, Some(segment), IssueKind::Segment(number))?;
            let value = format!("CASE WHEN {key} IS NULL THEN '' WHEN {bad} = 1 THEN '' ELSE {key} END");
            reader.read(&name, &value);
        }
        Ok(reader.rows)
    }

    /// The column names of the second layer.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Returns all columns of a layer unchanged.
    pub(super) fn kept(&self, from: &str) -> Vec<String> {
        self.names().map(|name| format!("{from}.{name} AS {name}")).collect()
    }
}

struct Reader<'r> {
    dialect: Dialect,
    mapping: &'r Mapping,
    rows: SqlRows,
}

impl Reader<'_> {
    fn column(&self, name: &str) -> Result<String, LabError> {
        if name.contains('.') {
            return Err(LabProblem::SqlOfPath(name.to_string()).into_error());
        }
        Ok(format!("cloudauth_row.{}", self.dialect.name(name).map_err(no_sql)?))
    }

    /// Adds a string column of the table. Returns its name in the layer.
    fn text(&mut self, name: &str, column: Option<&String>) -> Result<String, LabError> {
        let column = column.map_or_else(|| Ok("NULL".to_owned()), |column| self.column(column))?;
        let text = self.dialect.exact_text(&column);
        Ok(self.take(name, &text, &text))
    }

    /// Adds a column whose integers may be stored as doubles.
    fn word(&mut self, name: &str, column: Option<&String>) -> Result<String, LabError> {
        let Some(column) = column else { return self.text(name, None) };
        let column = self.column(column)?;
        let key = Key::of(self.dialect, &column);
        Ok(self.take(name, &self.dialect.exact_text(&column), &key.text))
    }

    /// Adds a column that rows are counted by. Returns its name, and a column that is 1 if its value cannot be a key, which is
    /// a data issue.
    fn key(
        &mut self,
        name: &str,
        column: Option<&String>,
        what: IssueKind,
    ) -> Result<(String, String), LabError> {
        let raw = self.word(name, column)?;
        let Some(column) = column else { return Ok((raw, "0".to_owned())) };
        let is_bad = Key::of(self.dialect, &self.column(column)?).is_bad;
        self.rows.raw.push(format!("CASE WHEN {is_bad} THEN 1 ELSE 0 END AS raw_{name}_bad"));
        let bad = format!("{raw}_bad");
        self.note(true, what, format!("{bad} = 1"));
        Ok((raw, bad))
    }

    /// Adds an expression, or NULL for a string that means missing.
    fn take(&mut self, name: &str, text: &str, expression: &str) -> String {
        self.rows.raw.push(format!("{} AS raw_{name}", filled(text, expression)));
        format!("cloudauth_lab_raw.raw_{name}")
    }

    fn read(&mut self, name: &str, value: &str) {
        self.rows.read.push(format!("{value} AS lab_{name}"));
        self.rows.names.push(format!("lab_{name}"));
    }

    fn note(&mut self, is_asked: bool, what: IssueKind, when: String) {
        if is_asked {
            self.rows.notes.push((what, when));
        }
    }

    fn input(&mut self, input: Input, is_asked: bool) -> Result<(), LabError> {
        let name = input.name();
        let mapping = self.mapping;
        let of = mapping.inputs.get(&input);
        let column = match of {
            Some(Of::Column(column)) => Some(column),
            Some(Of::Words(words)) => Some(&words.column),
            _ => None,
        };
        if let Some(Of::Value(constant)) = of {
            let value = self.dialect.text(&constant.value).map_err(no_sql)?;
            self.read(name, &value);
            return Ok(());
        }
        if input.kind() == InputKind::Score {
            return self.score(input, column, is_asked);
        }
        let raw = match of {
            Some(Of::Words(_)) => self.word(name, column)?,
            _ => self.text(name, column)?,
        };
        let missing = format!("{raw} IS NULL");
        if input.kind() != InputKind::Flag {
            self.note(is_asked, IssueKind::Missing(input), missing);
            let exact = self.dialect.exact_text(&raw);
            let is_code = self.dialect.is_code(&exact);
            let (with_zeros, _) = self.dialect.code_with_zeros(&exact);
            let odd = format!(
                "{raw} IS NOT NULL AND CASE WHEN {is_code} THEN 0 WHEN {with_zeros} THEN 0 ELSE 1 END = 1"
            );
            self.note(is_asked, IssueKind::NotUnderstood(input), odd);
            let value = match self.sub_code_in_passed()? {
                Some(by_callback) if input == Input::SubCode => {
                    self.rows.notes.push((IssueKind::Callback, by_callback.clone()));
                    format!("CASE WHEN {by_callback} THEN cloudauth_lab_raw.raw_passed ELSE {raw} END")
                }
                _ => raw,
            };
            self.read(name, &value);
            return Ok(());
        }
        let flag = match of {
            Some(Of::Words(words)) => format!(
                "CASE WHEN {} THEN 'T' WHEN {} THEN 'F' END",
                self.is_one_of(&raw, &words.yes)?,
                self.is_one_of(&raw, &words.no)?
            ),
            _ => format!("CASE WHEN {} IN ('T', 'F') THEN {raw} END", self.dialect.exact_text(&raw)),
        };
        let flag = match self.sub_code_in_passed()? {
            Some(by_callback) if input == Input::Passed => {
                // A flag that is not read has no issues.
                let rest =
                    |when: &str| format!("CASE WHEN {by_callback} THEN 0 WHEN {when} THEN 1 ELSE 0 END = 1");
                self.note(is_asked, IssueKind::Missing(input), rest(&missing));
                let odd = format!("{raw} IS NOT NULL AND ({flag}) IS NULL");
                self.note(is_asked, IssueKind::NotUnderstood(input), rest(&odd));
                format!("CASE WHEN {by_callback} THEN NULL ELSE {flag} END")
            }
            _ => {
                self.note(is_asked, IssueKind::Missing(input), missing);
                let odd = format!("{raw} IS NOT NULL AND ({flag}) IS NULL");
                self.note(is_asked, IssueKind::NotUnderstood(input), odd);
                flag
            }
        };
        self.read(name, &flag);
        Ok(())
    }

    /// The condition that `passed` carries the SubCode, as in callbacks.
    fn sub_code_in_passed(&self) -> Result<Option<String>, LabError> {
        if matches!(self.mapping.inputs.get(&Input::SubCode), Some(Of::Value(_))) {
            return Ok(None);
        }
        let passed = "cloudauth_lab_raw.raw_passed";
        let is_code = self.dialect.is_sub_code_in_passed(passed);
        let when = format!("cloudauth_lab_raw.raw_sub_code IS NULL AND {is_code}");
        Ok(Some(match self.mapping.inputs.get(&Input::Passed) {
            // A word of the mapping is a flag.
            Some(Of::Words(words)) => {
                let all: Vec<String> = words.yes.iter().chain(&words.no).cloned().collect();
                format!("{when} AND CASE WHEN {} THEN 0 ELSE 1 END = 1", self.is_one_of(passed, &all)?)
            }
            _ => when,
        }))
    }

    fn score(&mut self, input: Input, column: Option<&String>, is_asked: bool) -> Result<(), LabError> {
        let name = input.name();
        let dialect = self.dialect;
        let (raw, number) = (format!("cloudauth_lab_raw.raw_{name}"), |number: f64| dialect.number(number));
        let score = match column {
            Some(column) => dialect.score(name, &self.column(column)?),
            None => format!("CASE WHEN 1 = 0 THEN {} END", number(0.0)),
        };
        self.rows.raw.push(format!("{score} AS raw_{name}"));
        let is_number = format!("{raw} >= {} AND {raw} <= {}", number(f64::MIN), number(f64::MAX));
        let mut missing = format!("{raw} IS NULL");
        let mut odd = format!("{raw} IS NOT NULL AND CASE WHEN {is_number} THEN 0 ELSE 1 END = 1");
        if let (Dialect::Sqlite, Some(column)) = (dialect, column) {
            // SQLite stores strings and bytes in numeric columns; they are not scores.
            let column = self.column(column)?;
            let text = dialect.exact_text(&column);
            self.rows.raw.push(format!("CASE WHEN typeof({column}) IN ('text', 'blob') AND {text} NOT IN ('', 'null') THEN 1 ELSE 0 END AS raw_{name}_odd"));
            missing += &format!(" AND {raw}_odd = 0");
            odd = format!("{raw}_odd = 1 OR {odd}");
        }
        self.note(is_asked, IssueKind::Missing(input), missing);
        self.note(is_asked, IssueKind::NotUnderstood(input), odd);
        self.read(name, &raw);
        Ok(())
    }

    /// Returns whether a string is one of these words. Words that mean missing are never read.
    fn is_one_of(&self, text: &str, words: &[String]) -> Result<String, LabError> {
        let words = words.iter().filter(|word| !matches!(word.as_str(), "" | "null"));
        let words = words.map(|word| self.dialect.text(word)).collect::<Result<Vec<_>, _>>();
        let words = words.map_err(no_sql)?.join(", ");
        Ok(if words.is_empty() {
            "1 = 0".to_owned()
        } else {
            format!("{} IN ({words})", self.dialect.exact_text(text))
        })
    }

    fn label(&mut self) -> Result<(), LabError> {
        let of = &self.mapping.label;
        let label = self.word("label", of.column.as_ref())?;
        let (attack, bad) = self.key("attack", of.attack.as_ref(), IssueKind::Attack)?;
        let attack = format!("CASE WHEN {bad} = 0 THEN {attack} END");
        let (genuine, impostor) =
            (self.is_one_of(&label, &of.genuine)?, self.is_one_of(&label, &of.impostor)?);
        let odd = format!(
            "{label} IS NOT NULL AND CASE WHEN {genuine} THEN 0 WHEN {impostor} THEN 0 ELSE 1 END = 1"
        );
        self.note(of.column.is_some(), IssueKind::Label, odd);
        let both = of.column.is_some() && of.attack.is_some();
        self.note(both, IssueKind::GenuineAttack, format!("{genuine} AND {attack} IS NOT NULL"));
        self.read(
            "label",
            &format!(
                "CASE WHEN {bad} = 1 THEN 'unlabelled' WHEN {genuine} THEN CASE WHEN {attack} IS NULL THEN 'genuine' ELSE 'unlabelled' END WHEN {attack} IS NOT NULL THEN 'impostor' WHEN {impostor} THEN 'impostor' ELSE 'unlabelled' END"
            ),
        );
        // Without ELSE NULL, because some engines would not know its type.
        self.read(
            "attack",
            &format!("CASE WHEN CASE WHEN {genuine} THEN 0 ELSE 1 END = 1 THEN {attack} END"),
        );
        Ok(())
    }

    fn time(&mut self) -> Result<(), LabError> {
        let Some(column) = &self.mapping.time else {
            self.read("day", "''");
            return Ok(());
        };
        let time = day::text(self.dialect, &self.column(column)?);
        let time = filled(&time, &time);
        self.rows.raw.push(format!("{time} AS raw_time"));
        let odd = "cloudauth_lab_raw.raw_time IS NOT NULL AND cloudauth_lab_raw.raw_day = ''";
        self.note(true, IssueKind::Time, odd.to_owned());
        self.read("day", "cloudauth_lab_raw.raw_day");
        Ok(())
    }
}
