//! From TOML to a document: unknown words, double names and wrong types are found here, each with its place.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::condition::{comparisons, words};
use crate::decision::Verdict;
use crate::document::{
    Assert, Condition, Document, Example, Given, Input, Kind, Name, Outcome, Promise, Rule, Span, Threshold,
};
use crate::far;
use crate::problem::{Problems, did_you_mean};

/// The version of the format that is read.
pub const FORMAT: i64 = 1;

type Value<'a> = Spanned<DeValue<'a>>;

/// Reads a document; what is wrong with it goes into `problems`. `None` if there is no going on.
pub(crate) fn document(text: &str, problems: &mut Problems<'_>) -> Option<Document> {
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let at = error.span().unwrap_or(0..0);
            problems.add("V1", &at, format!("this is no TOML: {}", error.message()), None);
            return None;
        }
    };
    let mut reader = Reader { problems };
    let mut table = reader.table("the file", &root);
    match table.take("format").map(|value| (integer(value), value.span())) {
        Some((Some(FORMAT), _)) => {}
        Some((found, at)) => {
            let found = found.map_or_else(|| "something else".to_owned(), |number| number.to_string());
            let message = format!("the format is {found}, and this program reads {FORMAT}");
            reader.problems.add("V1", &at, message, None);
            return None;
        }
        None => {
            reader.problems.add(
                "V1",
                &(0..0),
                "`format` is missing",
                Some(format!("begin with `format = {FORMAT}`")),
            );
        }
    }
    let policy = table.take("policy");
    let (mut thresholds, threshold_order) = reader.thresholds(table.take("thresholds"));
    let inputs = reader.inputs(table.take("inputs"));
    let mut used = vec![None; thresholds.len()];
    let mut scope = Scope { inputs: &inputs, thresholds: &thresholds, used: &mut used };
    let rules = reader.rules(table.take("rule"), &mut scope);
    let asserts = reader.asserts(table.take("assert"), &mut scope);
    let examples = reader.examples(table.take("example"), &rules);
    for (threshold, _) in thresholds.iter().zip(&used).filter(|(_, used)| used.is_none()) {
        let message = format!("the threshold `{}` is not used", threshold.name);
        reader.problems.add(
            "V1",
            &threshold.span,
            message,
            Some("use it as $name, or take it out".to_owned()),
        );
    }
    reader.order(&thresholds, threshold_order);
    for (threshold, used) in thresholds.iter_mut().zip(used) {
        threshold.of = used;
    }
    table.finish(&mut reader);
    let Some(policy) = policy else {
        reader.problems.add("V1", &(0..0), "the table [policy] is missing", None);
        return None;
    };
    let mut table = reader.inner("[policy]", policy)?;
    let (otherwise, otherwise_span) = match table.take("otherwise") {
        Some(value) => (reader.outcome("[policy.otherwise]", value, "decision"), value.span()),
        None => {
            let help = "what shall be decided where no rule speaks? `[policy.otherwise]` with `decision` and `reason`";
            reader.problems.add("V1", &policy.span(), "[policy.otherwise] is missing", Some(help.to_owned()));
            (None, policy.span())
        }
    };
    let document = Document {
        id: reader.required(&mut table, "id"),
        version: reader.required(&mut table, "version"),
        owner: reader.optional(&mut table, "owner"),
        description: reader.optional(&mut table, "description"),
        effective: match table.take("effective").map(|value| (value.get_ref(), value.span())) {
            Some((DeValue::Datetime(time), _)) => Some(time.to_string()),
            Some((_, at)) => {
                let help = "write 2026-01-01T00:00:00+08:00, without quotes".to_owned();
                reader.problems.add("V1", &at, "`effective` is no date and time", Some(help));
                None
            }
            None => None,
        },
        supersedes: reader.optional(&mut table, "supersedes"),
        change_note: reader.optional(&mut table, "change_note"),
        otherwise: otherwise?,
        otherwise_span,
        thresholds,
        inputs,
        rules,
        asserts,
        examples,
    };
    table.finish(&mut reader);
    Some(document)
}

/// What conditions may speak of.
struct Scope<'a> {
    inputs: &'a [Input],
    thresholds: &'a [Threshold],
    used: &'a mut [Option<Name>],
}

/// A table whose entries are taken out one by one; what is left over is unknown.
struct Entries<'a> {
    what: &'static str,
    at: Span,
    left: Vec<(&'a Spanned<Cow<'a, str>>, &'a Value<'a>)>,
    asked: Vec<&'static str>,
}

impl<'a> Entries<'a> {
    fn take(&mut self, name: &'static str) -> Option<&'a Value<'a>> {
        self.asked.push(name);
        let at = self.left.iter().position(|(key, _)| key.get_ref() == name)?;
        Some(self.left.remove(at).1)
    }

    fn finish(self, reader: &mut Reader<'_, '_>) {
        for (key, _) in self.left {
            let message = format!("{} has no `{}`", self.what, key.get_ref());
            reader.problems.add(
                "V1",
                &key.span(),
                message,
                Some(did_you_mean(key.get_ref(), self.asked.clone())),
            );
        }
    }
}

struct Reader<'p, 't> {
    problems: &'p mut Problems<'t>,
}

impl Reader<'_, '_> {
    fn wrong(&mut self, at: &Range<usize>, message: impl Into<String>, help: &str) {
        self.problems.add("V1", at, message, Some(help.to_owned()));
    }

    fn table<'a>(&mut self, what: &'static str, table: &'a Spanned<DeTable<'a>>) -> Entries<'a> {
        entries(what, table.span(), table.get_ref())
    }

    fn inner<'a>(&mut self, what: &'static str, value: &'a Value<'a>) -> Option<Entries<'a>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(entries(what, value.span(), table)),
            _ => {
                self.wrong(
                    &value.span(),
                    format!("{what} is no table"),
                    "write it as `{ name = value }` or with a heading",
                );
                None
            }
        }
    }

    fn list<'a>(&mut self, what: &'static str, value: Option<&'a Value<'a>>) -> Vec<&'a Value<'a>> {
        match value.map(|value| (value.get_ref(), value.span())) {
            Some((DeValue::Array(list), _)) => list.iter().collect(),
            Some((_, at)) => {
                self.wrong(
                    &at,
                    format!("{what} is no list"),
                    "write each with two brackets, such as [[rule]]",
                );
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn string(&mut self, name: &str, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned).filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.wrong(&value.span(), format!("`{name}` is no text"), "write it in quotes");
        }
        text
    }

    fn required(&mut self, table: &mut Entries<'_>, name: &'static str) -> String {
        match table.take(name) {
            Some(value) => self.string(name, value).unwrap_or_default(),
            None => {
                let at = table.at.clone();
                self.problems.add("V1", &at, format!("{} lacks `{name}`", table.what), None);
                String::new()
            }
        }
    }

    fn optional(&mut self, table: &mut Entries<'_>, name: &'static str) -> Option<String> {
        table.take(name).and_then(|value| self.string(name, value))
    }

    fn verdict(&mut self, value: &Value<'_>) -> Option<Verdict> {
        let text = value.get_ref().as_str().unwrap_or_default();
        let verdict = Verdict::find(text);
        if verdict.is_none() {
            let help = did_you_mean(text, Verdict::ALL.map(Verdict::as_str));
            self.problems.add("V1", &value.span(), format!("`{text}` is no decision"), Some(help));
        }
        verdict
    }

    fn outcome(&mut self, what: &'static str, value: &Value<'_>, decision: &'static str) -> Option<Outcome> {
        let mut table = self.inner(what, value)?;
        let verdict = match table.take(decision) {
            Some(value) => self.verdict(value),
            None => {
                let at = table.at.clone();
                self.problems.add("V1", &at, format!("{what} lacks `{decision}`"), None);
                None
            }
        };
        let reason = self.required(&mut table, "reason");
        let hint = self.optional(&mut table, "hint");
        let queue = self.optional(&mut table, "queue");
        table.finish(self);
        Some(Outcome { verdict: verdict?, reason, hint, queue })
    }

    fn thresholds<'a>(&mut self, value: Option<&'a Value<'a>>) -> (Vec<Threshold>, Option<&'a Value<'a>>) {
        let (mut all, mut order) = (Vec::new(), None);
        let Some(table) = value.and_then(|value| self.inner("[thresholds]", value)) else {
            return (all, order);
        };
        for (key, value) in table.left {
            if key.get_ref() == "order" && matches!(value.get_ref(), DeValue::Array(_)) {
                order = Some(value);
                continue;
            }
            let Some(mut entry) = self.inner("a threshold", value) else { continue };
            let name = key.get_ref().to_string();
            let number = match entry.take("value").map(|value| (float(value), value.span())) {
                Some((Some(number), _)) if number.is_finite() => Some(number),
                Some((_, at)) => {
                    self.problems.add("V8", &at, format!("the threshold `{name}` is no number"), None);
                    None
                }
                None => {
                    self.wrong(
                        &key.span(),
                        format!("the threshold `{name}` lacks `value`"),
                        "write { value = 75.0 }",
                    );
                    None
                }
            };
            let claim = entry.take("far");
            let note = self.optional(&mut entry, "note");
            entry.finish(self);
            let Some(number) = number else { continue };
            if let Some(claim) = claim {
                let text = self.string("far", claim).unwrap_or_default();
                if let Err((message, help)) = far::check(&text, number) {
                    self.problems.add("V8", &claim.span(), message, Some(help));
                }
            }
            all.push(Threshold { name, value: number, note, of: None, span: key.span() });
        }
        (all, order)
    }

    /// `order = ["match_floor", "match_auto"]` in [thresholds]: each is below the next.
    fn order(&mut self, thresholds: &[Threshold], order: Option<&Value<'_>>) {
        let Some(DeValue::Array(names)) = order.map(|order| order.get_ref()) else { return };
        let mut last: Option<&Threshold> = None;
        for value in names {
            let name = value.get_ref().as_str().unwrap_or_default();
            let Some(threshold) = thresholds.iter().find(|threshold| threshold.name == name) else {
                let help = did_you_mean(name, thresholds.iter().map(|threshold| threshold.name.as_str()));
                self.problems.add("V1", &value.span(), format!("there is no threshold `{name}`"), Some(help));
                continue;
            };
            if let Some(before) = last.filter(|before| before.value >= threshold.value) {
                let message = format!(
                    "`{}` ({}) is not below `{name}` ({})",
                    before.name, before.value, threshold.value
                );
                self.problems.add("V8", &value.span(), message, None);
            }
            last = Some(threshold);
        }
    }

    fn inputs<'a>(&mut self, value: Option<&'a Value<'a>>) -> Vec<Input> {
        let Some(value) = value else {
            self.wrong(&(0..0), "the table [inputs] is missing", "it says which inputs the rules speak of");
            return Vec::new();
        };
        let Some(table) = self.inner("[inputs]", value) else { return Vec::new() };
        let mut inputs = Vec::new();
        for (key, value) in table.left {
            let Some(name) = Name::find(key.get_ref()) else {
                let help = did_you_mean(key.get_ref(), Name::ALL.iter().map(|name| name.text()));
                self.problems.add(
                    "V1",
                    &key.span(),
                    format!("there is no input `{}`", key.get_ref()),
                    Some(help),
                );
                continue;
            };
            let Some(mut entry) = self.inner("an input", value) else { continue };
            let kind = self.required(&mut entry, "type");
            if kind != name.kind() {
                let message = format!("`{}` is not of type `{kind}`", name.text());
                self.problems.add(
                    "V1",
                    &key.span(),
                    message,
                    Some(format!("its type is \"{}\"", name.kind())),
                );
            }
            let kind = match name.kind() {
                "code" | "labels" => {
                    let values = entry.take("values");
                    let values = self.distinct(name.text(), values, &key.span());
                    if name.kind() == "code" { Kind::Code(values) } else { Kind::Labels(values) }
                }
                "score" => {
                    let range = entry.take("range");
                    self.range(name.text(), range, &key.span())
                }
                _ => Kind::Flag,
            };
            entry.finish(self);
            inputs.push(Input { name, kind, span: key.span() });
        }
        inputs
    }

    fn distinct(&mut self, name: &str, value: Option<&Value<'_>>, at: &Span) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for value in self.list("`values`", value) {
            let Some(text) = self.string(name, value) else { continue };
            if matches!(text.as_str(), "unknown" | "missing" | "none" | "invalid") || values.contains(&text) {
                self.wrong(
                    &value.span(),
                    format!("`{text}` cannot be a value here"),
                    "each once, and none of the words that the format keeps for itself",
                );
            } else {
                values.push(text);
            }
        }
        if values.is_empty() {
            self.wrong(at, format!("`{name}` has no values"), "write values = [\"..\", \"..\"]");
        }
        values
    }

    fn range(&mut self, name: &str, value: Option<&Value<'_>>, at: &Span) -> Kind {
        let numbers: Vec<f64> = self.list("`range`", value).into_iter().filter_map(float).collect();
        if let [least, most] = numbers[..]
            && least.is_finite()
            && most.is_finite()
            && least < most
        {
            return Kind::Score { least, most };
        }
        self.problems.add(
            "V8",
            at,
            format!("`{name}` lacks a range of two numbers"),
            Some("write range = [0.0, 100.0]".to_owned()),
        );
        Kind::Score { least: 0.0, most: 100.0 }
    }

    fn when(&mut self, value: Option<&Value<'_>>, at: &Span, scope: &mut Scope<'_>) -> Vec<Condition> {
        let Some(value) = value else {
            self.wrong(at, "`when` is missing", "a rule for everything is [policy.otherwise]");
            return Vec::new();
        };
        let Some(table) = self.inner("`when`", value) else { return Vec::new() };
        let mut conditions = Vec::new();
        for (key, value) in table.left {
            let Some(input) = scope.inputs.iter().position(|input| input.name.text() == key.get_ref()) else {
                let help = did_you_mean(key.get_ref(), scope.inputs.iter().map(|input| input.name.text()));
                let message = format!("`{}` is not among the [inputs]", key.get_ref());
                self.problems.add("V1", &key.span(), message, Some(help));
                continue;
            };
            let Some(declared) = scope.inputs.get(input) else { continue };
            let (test, text) = match value.get_ref() {
                DeValue::String(text) => {
                    (comparisons(declared, text, scope.thresholds, scope.used), text.to_string())
                }
                DeValue::Array(list) => {
                    let all: Vec<&str> = list.iter().filter_map(|word| word.get_ref().as_str()).collect();
                    if all.len() == list.len() {
                        (words(declared, &all), all.join(", "))
                    } else {
                        (
                            Err((
                                "the list holds something else than texts".to_owned(),
                                "write each in quotes".to_owned(),
                            )),
                            String::new(),
                        )
                    }
                }
                _ => (
                    Err((
                        "this is no condition".to_owned(),
                        "write it in quotes, such as \"T\" or \">= 75\"".to_owned(),
                    )),
                    String::new(),
                ),
            };
            match test {
                Ok(test) => conditions.push(Condition { input, test, text }),
                Err((message, help)) => {
                    self.problems.add("V1", &value.span(), message, Some(help));
                }
            }
        }
        if conditions.is_empty() && self.problems.is_empty() {
            self.wrong(
                &value.span(),
                "`when` has no condition",
                "a rule for everything is [policy.otherwise]",
            );
        }
        conditions
    }

    fn rules(&mut self, value: Option<&Value<'_>>, scope: &mut Scope<'_>) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for value in self.list("`rule`", value) {
            let Some(mut table) = self.inner("[[rule]]", value) else { continue };
            let id = self.id(&mut table, |id| rules.iter().any(|rule| rule.id == id));
            let when = table.take("when");
            let when = self.when(when, &value.span(), scope);
            let then = table.take("then").and_then(|then| self.outcome("`then`", then, "decision"));
            if table.left.is_empty() && then.is_none() && self.problems.is_empty() {
                self.wrong(
                    &value.span(),
                    format!("the rule `{id}` lacks `then`"),
                    "write then = { decision = \"..\", reason = \"..\" }",
                );
            }
            table.finish(self);
            let fallback =
                || Outcome { verdict: Verdict::Review, reason: String::new(), hint: None, queue: None };
            rules.push(Rule { id, when, then: then.unwrap_or_else(fallback), span: value.span() });
        }
        if rules.is_empty() {
            self.wrong(&(0..0), "there is no [[rule]]", "a policy has one at least");
        }
        rules
    }

    fn id(&mut self, table: &mut Entries<'_>, taken: impl Fn(&str) -> bool) -> String {
        let at = table.at.clone();
        let id = self.required(table, "id");
        if id == "otherwise" || taken(&id) {
            self.wrong(
                &at,
                format!("the id `{id}` is taken"),
                "each has an id of its own, and `otherwise` is nobody's",
            );
        }
        id
    }

    fn asserts(&mut self, value: Option<&Value<'_>>, scope: &mut Scope<'_>) -> Vec<Assert> {
        let mut asserts: Vec<Assert> = Vec::new();
        for value in self.list("`assert`", value) {
            let Some(mut table) = self.inner("[[assert]]", value) else { continue };
            let id = self.id(&mut table, |id| asserts.iter().any(|assert| assert.id == id));
            let (never, monotone) = (table.take("never"), table.take("monotone"));
            let (when, order) = (table.take("when"), table.take("order"));
            let promise = match (never, monotone) {
                (Some(never), None) => {
                    let verdict = self.verdict(never);
                    let when = self.when(when, &value.span(), scope);
                    verdict.map(|verdict| Promise::Never { verdict, when })
                }
                (None, Some(monotone)) => self.monotone(monotone, order, scope),
                _ => {
                    self.wrong(
                        &value.span(),
                        format!("the promise `{id}` is none"),
                        "it has either `never` and `when`, or `monotone` and `order`",
                    );
                    None
                }
            };
            table.finish(self);
            asserts.extend(promise.map(|promise| Assert { id, promise, span: value.span() }));
        }
        asserts
    }

    fn monotone(
        &mut self,
        value: &Value<'_>,
        order: Option<&Value<'_>>,
        scope: &Scope<'_>,
    ) -> Option<Promise> {
        let name = value.get_ref().as_str().unwrap_or_default();
        let is_score = |input: &Input| input.name.text() == name && matches!(input.kind, Kind::Score { .. });
        let Some(input) = scope.inputs.iter().position(is_score) else {
            let scores = scope.inputs.iter().filter(|input| input.name.kind() == "score");
            let help = did_you_mean(name, scores.map(|input| input.name.text()));
            self.problems.add(
                "V1",
                &value.span(),
                format!("`{name}` is no score among the [inputs]"),
                Some(help),
            );
            return None;
        };
        let order: Vec<Verdict> =
            self.list("`order`", order).into_iter().filter_map(|value| self.verdict(value)).collect();
        let mut sorted = order.clone();
        sorted.sort();
        sorted.dedup();
        if sorted.len() != Verdict::ALL.len() || order.len() != sorted.len() {
            self.wrong(
                &value.span(),
                "`order` does not name each decision once",
                "from the worst to the best: [\"reject\", \"retry\", \"review\", \"approve\"]",
            );
            return None;
        }
        Some(Promise::Monotone { input, order })
    }

    fn examples(&mut self, value: Option<&Value<'_>>, rules: &[Rule]) -> Vec<Example> {
        let mut examples = Vec::new();
        for value in self.list("`example`", value) {
            let Some(mut table) = self.inner("[[example]]", value) else { continue };
            let name = self.required(&mut table, "name");
            let input = table.take("input").and_then(|input| self.inner("`input`", input));
            let expect = table.take("expect").and_then(|expect| self.inner("`expect`", expect));
            let whole = input.is_some() && expect.is_some();
            if !whole {
                self.wrong(
                    &value.span(),
                    format!("the example `{name}` lacks `input` or `expect`"),
                    "it has both, each in braces",
                );
            }
            table.finish(self);
            let (Some(input), Some(mut expect)) = (input, expect) else { continue };
            let input = input.left.into_iter().filter_map(|(key, value)| self.given(key, value)).collect();
            let verdict = expect.take("decision").and_then(|value| self.verdict(value));
            let rule = expect.take("rule");
            let at = rule.map_or(value.span(), Spanned::span);
            let rule = rule.and_then(|rule| self.string("rule", rule));
            expect.finish(self);
            if let Some(rule) =
                rule.as_deref().filter(|id| *id != "otherwise" && !rules.iter().any(|rule| rule.id == *id))
            {
                let help = did_you_mean(rule, rules.iter().map(|rule| rule.id.as_str()));
                self.problems.add("V1", &at, format!("there is no rule `{rule}`"), Some(help));
            }
            examples.extend(verdict.map(|verdict| Example {
                name,
                input,
                verdict,
                rule,
                span: value.span(),
            }));
        }
        examples
    }

    fn given(&mut self, key: &Spanned<Cow<'_, str>>, value: &Value<'_>) -> Option<(Name, Given)> {
        let Some(name) = Name::find(key.get_ref()) else {
            let help = did_you_mean(key.get_ref(), Name::ALL.iter().map(|name| name.text()));
            self.problems.add(
                "V1",
                &key.span(),
                format!("there is no input `{}`", key.get_ref()),
                Some(help),
            );
            return None;
        };
        let texts = |list: &[Value<'_>]| {
            list.iter().filter_map(|text| text.get_ref().as_str().map(str::to_owned)).collect()
        };
        let given = match value.get_ref() {
            DeValue::String(text) => Given::Text(text.to_string()),
            DeValue::Array(list) => Given::List(texts(list)),
            _ => Given::Number(float(value).unwrap_or(f64::NAN)),
        };
        Some((name, given))
    }
}

/// The entries in the order of the file.
fn entries<'a>(what: &'static str, at: Span, table: &'a DeTable<'a>) -> Entries<'a> {
    let mut left: Vec<_> = table.iter().collect();
    left.sort_by_key(|(key, _)| key.span().start);
    Entries { what, at, left, asked: Vec::new() }
}

fn integer(value: &Value<'_>) -> Option<i64> {
    match value.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}

/// An integer counts as a number, too: people write 75 for 75.0.
fn float(value: &Value<'_>) -> Option<f64> {
    match value.get_ref() {
        DeValue::Float(number) => number.as_str().parse().ok(),
        DeValue::Integer(_) => integer(value).map(|number| number as f64),
        _ => None,
    }
}
