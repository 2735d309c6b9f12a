//! Reads the rules, assertions and examples of a policy file.

use std::borrow::Cow;

use cloudauth_protocol::mask_digits;
use toml::Spanned;
use toml::de::DeValue;

use crate::document::condition::{ConditionError, comparisons, words};
use crate::document::problem::{Hint, ProblemKind};
use crate::document::reader::{Reader, Scope, Value, entries, float, shown, spelling};
use crate::document::verdict::Verdict;
use crate::document::{
    Assert, Condition, DeclaredInput, Example, ExampleValue, Kind, Outcome, Promise, Rule, Span,
    VendorOverride,
};
use crate::evidence::input::{Input, InputKind};
use crate::suggest::did_you_mean;

impl Reader<'_, '_> {
    fn when(&mut self, value: Option<&Value<'_>>, at: &Span, scope: &mut Scope<'_>) -> Vec<Condition> {
        let Some(value) = value else {
            self.wrong(at, ProblemKind::Missing("`when`"), Hint::UseOtherwise);
            return Vec::new();
        };
        let Some(table) = self.inner("`when`", value) else { return Vec::new() };
        let mut conditions = Vec::new();
        for (key, value) in table.left {
            let Some(input) = self.declared(key, scope.inputs) else { continue };
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
                        (Err(in_quotes(declared, list)), String::new())
                    }
                }
                _ => (Err(in_quotes(declared, std::slice::from_ref(value))), String::new()),
            };
            match test {
                Ok(test) => conditions.push(Condition { input, test, text }),
                Err(refused) => {
                    self.problems.add(refused.rule, &value.span(), *refused.kind, *refused.hint);
                }
            }
        }
        if conditions.is_empty() && self.problems.is_empty() {
            self.wrong(&value.span(), ProblemKind::NoCondition, Hint::UseOtherwise);
        }
        conditions
    }

    pub(super) fn rules(&mut self, value: Option<&Value<'_>>, scope: &mut Scope<'_>) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for value in self.list("`rule`", value) {
            let Some(mut table) = self.inner("[[rule]]", value) else { continue };
            let id = self.id(&mut table, |id| rules.iter().any(|rule| rule.id == id));
            let when = table.take("when");
            let when = self.when(when, &value.span(), scope);
            let then = table.take("then").and_then(|then| self.outcome("`then`", then, "decision"));
            if table.left.is_empty() && then.is_none() && self.problems.is_empty() {
                let hint = Hint::Write("then = { decision = \"..\", reason = \"..\" }".to_owned());
                self.wrong(&value.span(), ProblemKind::RuleWithoutThen(id.clone()), hint);
            }
            let reasons = table.take("against_vendor");
            let approves = then.as_ref().is_none_or(|then| then.verdict == Verdict::Approve);
            let against_vendor = self.against_vendor(reasons, approves, scope.inputs);
            table.finish(self);
            let fallback =
                || Outcome { verdict: Verdict::Review, reason: String::new(), hint: None, queue: None };
            let then = then.unwrap_or_else(fallback);
            rules.push(Rule { id, when, then, against_vendor, span: value.span() });
        }
        if rules.is_empty() {
            self.wrong(&(0..0), ProblemKind::NoRule, Hint::AddRule);
        }
        rules
    }

    /// `against_vendor = { face_occlusion = "why" }`: a reason for each input.
    fn against_vendor(
        &mut self,
        value: Option<&Value<'_>>,
        approves: bool,
        inputs: &[DeclaredInput],
    ) -> Vec<VendorOverride> {
        let Some(value) = value else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            let kind = ProblemKind::NotATable("`against_vendor`".into());
            self.wrong(&value.span(), kind, Hint::ReasonOfEachInput);
            return Vec::new();
        };
        if !approves {
            self.wrong(&value.span(), ProblemKind::ReasonWithoutApproval, Hint::OnlyApprovals);
        }
        if table.is_empty() {
            self.wrong(&value.span(), ProblemKind::NoReason, Hint::Remove);
        }
        let mut reasons = Vec::new();
        for (key, value) in entries("`against_vendor`", value.span(), table).left {
            let Some(input) = self.declared(key, inputs) else { continue };
            let reason = self.string(key.get_ref(), value);
            reasons.extend(reason.map(|reason| VendorOverride { input, reason, span: key.span() }));
        }
        reasons
    }

    /// Returns the index of a declared input.
    fn declared(&mut self, key: &Spanned<Cow<'_, str>>, inputs: &[DeclaredInput]) -> Option<usize> {
        let found = inputs.iter().position(|input| input.name() == key.get_ref());
        if found.is_none() {
            let near = did_you_mean(key.get_ref(), inputs.iter().map(|input| input.name()));
            let kind = ProblemKind::UndeclaredInput(shown(key.get_ref()));
            self.wrong(&key.span(), kind, Hint::Suggestion(near));
        }
        found
    }

    pub(super) fn asserts(&mut self, value: Option<&Value<'_>>, scope: &mut Scope<'_>) -> Vec<Assert> {
        let mut asserts: Vec<Assert> = Vec::new();
        for value in self.list("`assert`", value) {
            let Some(mut table) = self.inner("[[assert]]", value) else { continue };
            let id = self.id(&mut table, |id| asserts.iter().any(|assert| assert.id == id));
            let (never, monotone) = (table.take("never"), table.take("monotone"));
            let promise = match (never, monotone) {
                (Some(never), None) => {
                    let verdict = self.verdict(never);
                    let when = table.take("when");
                    let when = self.when(when, &value.span(), scope);
                    verdict.map(|verdict| Promise::Never { verdict, when })
                }
                (None, Some(monotone)) => {
                    let order = table.take("order");
                    self.monotone(monotone, order, scope)
                }
                _ => {
                    let kind = ProblemKind::IncompleteAssertion(id.clone());
                    self.wrong(&value.span(), kind, Hint::NeverOrMonotone);
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
        let is_score =
            |input: &DeclaredInput| input.name() == name && matches!(input.kind, Kind::Score { .. });
        let Some(input) = scope.inputs.iter().position(is_score) else {
            let scores = scope.inputs.iter().filter(|input| input.name.kind() == InputKind::Score);
            let hint = Hint::Suggestion(did_you_mean(name, scores.map(|input| input.name())));
            self.wrong(&value.span(), ProblemKind::NotADeclaredScore, hint);
            return None;
        };
        let order: Vec<Verdict> =
            self.list("`order`", order).into_iter().filter_map(|value| self.verdict(value)).collect();
        let has_all = Verdict::ALL.iter().all(|verdict| order.contains(verdict));
        if !has_all || order.len() != Verdict::ALL.len() {
            self.wrong(&value.span(), ProblemKind::IncompleteOrder, Hint::WorstToBest);
            return None;
        }
        Some(Promise::Monotone { input, order })
    }

    pub(super) fn examples(
        &mut self,
        value: Option<&Value<'_>>,
        rules: &[Rule],
        inputs: &[DeclaredInput],
    ) -> Vec<Example> {
        let mut examples = Vec::new();
        for value in self.list("`example`", value) {
            let Some(mut table) = self.inner("[[example]]", value) else { continue };
            let name = self.required(&mut table, "name");
            if !name.is_empty() && examples.iter().any(|example: &Example| example.name == name) {
                self.wrong(&value.span(), ProblemKind::DuplicateExample(name.clone()), Hint::OwnName);
            }
            let input = table.take("input").and_then(|input| self.inner("`input`", input));
            let expect = table.take("expect").and_then(|expect| self.inner("`expect`", expect));
            let whole = input.is_some() && expect.is_some();
            if !whole {
                self.wrong(&value.span(), ProblemKind::IncompleteExample(name.clone()), Hint::BothInBraces);
            }
            table.finish(self);
            let (Some(input), Some(mut expect)) = (input, expect) else { continue };
            let input =
                input.left.into_iter().filter_map(|(key, value)| self.given(key, value, inputs)).collect();
            let decision = expect.take("decision");
            if decision.is_none() {
                let hint = Hint::Write("expect = { decision = \"..\" }".to_owned());
                self.wrong(&value.span(), ProblemKind::ExampleWithoutDecision(name.clone()), hint);
            }
            let verdict = decision.and_then(|value| self.verdict(value));
            let rule = expect.take("rule");
            let at = rule.map_or(value.span(), Spanned::span);
            let rule = rule.and_then(|rule| self.string("rule", rule));
            expect.finish(self);
            let ids = || rules.iter().map(|rule| rule.id.as_str());
            let number = |id: &str| ids().chain(["otherwise"]).position(|known| known == id);
            if let Some(unknown) = rule.as_deref().filter(|id| number(id).is_none()) {
                self.wrong(&at, ProblemKind::UnknownRule, Hint::Suggestion(did_you_mean(unknown, ids())));
            }
            examples.extend(verdict.map(|verdict| Example {
                name,
                input,
                verdict,
                rule: rule.as_deref().and_then(number),
                span: value.span(),
            }));
        }
        examples
    }

    fn given(
        &mut self,
        key: &Spanned<Cow<'_, str>>,
        value: &Value<'_>,
        inputs: &[DeclaredInput],
    ) -> Option<(Input, ExampleValue)> {
        // An input that the policy does not declare has no effect on the example.
        let input = inputs.get(self.declared(key, inputs)?)?;
        let name = input.name;
        let given = match (name.kind(), value.get_ref()) {
            (InputKind::Score, _) => float(value).map(ExampleValue::Number),
            (InputKind::Labels, DeValue::Array(list)) => {
                let text = |label: &Value<'_>| label.get_ref().as_str().map(str::to_owned);
                let labels = list.iter().map(text).collect::<Option<Vec<String>>>();
                labels.map(|labels| ExampleValue::List(serde_json::Value::from(labels).to_string()))
            }
            (_, DeValue::String(text)) => Some(ExampleValue::Text(text.to_string())),
            _ => None,
        };
        if given.is_none() {
            let right = spelling(name.kind(), value).map(|text| Hint::Write(format!("{name} = {text}")));
            let kind = ProblemKind::WrongExampleValue { input: name.name(), kind: name.kind() };
            self.wrong(&value.span(), kind, right.unwrap_or(Hint::ExampleValue(name.kind())));
        }
        Some((name, given?))
    }
}

/// Returns the error for a condition, or a list of values, without quotes.
fn in_quotes(declared: &DeclaredInput, values: &[Value<'_>]) -> ConditionError {
    let name = declared.name();
    let compared = |number: &str| (mask_digits(number) == number).then(|| format!("\">= {number}\""));
    let right = values.iter().map(|value| match value.get_ref() {
        DeValue::String(text) => is_value(declared, text).then(|| format!("\"{text}\"")),
        DeValue::Integer(number) if declared.name.kind() == InputKind::Score => compared(number.as_str()),
        DeValue::Float(number) if declared.name.kind() == InputKind::Score => compared(number.as_str()),
        _ => spelling(declared.name.kind(), value),
    });
    let right: Option<Vec<String>> = right.collect();
    let hint = match right.as_deref() {
        Some([one]) => Hint::Write(format!("{name} = {one}")),
        Some(all) if declared.name.kind() != InputKind::Score => {
            Hint::Write(format!("{name} = [{}]", all.join(", ")))
        }
        _ => Hint::ConditionInQuotes,
    };
    (ProblemKind::NotInQuotes(name), hint).into()
}

/// Returns whether a word is a value that the policy declares, so that a message may show it.
fn is_value(declared: &DeclaredInput, word: &str) -> bool {
    match &declared.kind {
        Kind::Code(values) | Kind::Labels(values) => values.iter().any(|value| value == word),
        Kind::Flag => matches!(word, "T" | "F"),
        Kind::Score { .. } => false,
    }
}
