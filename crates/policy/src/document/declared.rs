//! Reads the thresholds and inputs that a policy file declares.

use cloudauth_protocol::{grammar, mask_digits};
use toml::de::DeValue;

use crate::document::condition::decimal_comma;
use crate::document::problem::{FilePart, Hint, ProblemKind};
use crate::document::reader::{Reader, Value, entries, float, shown, spelling};
use crate::document::vendor_table;
use crate::document::{DeclaredInput, Kind, Span, Threshold, mask_name};
use crate::evidence::input::{Input, InputKind};
use crate::suggest::did_you_mean;

impl Reader<'_, '_> {
    pub(super) fn thresholds<'a>(
        &mut self,
        value: Option<&'a Value<'a>>,
    ) -> (Vec<Threshold>, Option<&'a Value<'a>>) {
        let (mut all, mut order) = (Vec::new(), None);
        let Some(table) = value.and_then(|value| self.inner("[thresholds]", value)) else {
            return (all, order);
        };
        for (key, value) in table.left {
            if key.get_ref() == "order" && matches!(value.get_ref(), DeValue::Array(_)) {
                order = Some(value);
                continue;
            }
            let name = key.get_ref().to_string();
            let threshold = self.threshold(name, value, key.span());
            all.push(threshold);
        }
        (all, order)
    }

    /// Reads one threshold. It reports a value that is not a number and reads it as NaN, so that rules can name the threshold.
    fn threshold(&mut self, name: String, value: &Value<'_>, span: Span) -> Threshold {
        let mut threshold = Threshold { name, value: f64::NAN, note: None, claim: None, of: None, span };
        // For messages. Conditions need the name as it is written.
        let mut name = threshold.name.clone();
        mask_name(&mut name);
        let DeValue::Table(table) = value.get_ref() else {
            let number = number_of(value);
            let number = number.unwrap_or_else(|| "75.0".to_owned());
            let hint = Hint::Write(format!("{name} = {{ value = {number} }}"));
            self.wrong(&value.span(), ProblemKind::ThresholdNotATable(name.clone()), hint);
            return threshold;
        };
        let mut entry = entries(FilePart::Threshold, value.span(), table);
        match entry.take("value").map(|value| (float(value), value)) {
            Some((Some(number), _)) if number.is_finite() => threshold.value = number,
            Some((_, value)) => {
                let write = |number| Hint::Write(format!("{name} = {{ value = {number} }}"));
                let kind = ProblemKind::ThresholdNotANumber(name.clone());
                self.problems.add("V8", &value.span(), kind, number_of(value).map(write));
            }
            None => {
                let hint = Hint::Write(format!("{name} = {{ value = 75.0 }}"));
                self.wrong(&threshold.span, ProblemKind::ThresholdWithoutValue(name.clone()), hint);
            }
        }
        let claim = entry.take("far");
        threshold.note = self.optional(&mut entry, "note");
        entry.finish(self);
        threshold.claim = claim.and_then(|claim| Some((self.string("far", claim)?, claim.span())));
        threshold
    }

    /// Checks the `far` of a threshold against the vendor's table.
    pub(super) fn claim(&mut self, threshold: &Threshold) {
        let Some((claim, at)) = threshold.claim.as_ref().filter(|_| !threshold.value.is_nan()) else {
            return;
        };
        let wrong = match threshold.of {
            Some(Input::VerifyScore) | None => {
                vendor_table::check(claim, threshold.value).err().map(|wrong| *wrong)
            }
            Some(other) => {
                let (threshold, input) = (threshold.name.clone(), other.name());
                Some((ProblemKind::NoRateOfInput { threshold, input }, Hint::RemoveRate))
            }
        };
        if let Some((kind, hint)) = wrong {
            self.problems.add("V8", at, kind, hint);
        }
    }

    /// Checks `order = ["match_floor", "match_auto"]` in [thresholds]: each value is below the next. A list of lists has several
    /// orders.
    pub(super) fn order(&mut self, thresholds: &[Threshold], order: Option<&Value<'_>>) {
        let Some(DeValue::Array(names)) = order.map(|order| order.get_ref()) else { return };
        let is_list = |value: &Value<'_>| matches!(value.get_ref(), DeValue::Array(_));
        if !names.iter().any(is_list) {
            self.one_order(thresholds, names);
            return;
        }
        for value in names.iter() {
            match value.get_ref() {
                DeValue::Array(names) => self.one_order(thresholds, names),
                _ => self.wrong(&value.span(), ProblemKind::MixedOrder, Hint::OneOrder),
            }
        }
    }

    fn one_order(&mut self, thresholds: &[Threshold], names: &[Value<'_>]) {
        let mut last: Option<&Threshold> = None;
        for value in names {
            let name = value.get_ref().as_str().unwrap_or_default();
            let Some(threshold) = thresholds.iter().find(|threshold| threshold.name == name) else {
                let near = did_you_mean(name, thresholds.iter().map(|threshold| threshold.name.as_str()));
                self.wrong(&value.span(), ProblemKind::UnknownThreshold, Hint::Suggestion(near));
                continue;
            };
            if let Some(before) = last.filter(|before| before.value >= threshold.value) {
                let kind = ProblemKind::WrongOrder {
                    before: before.name.clone(),
                    before_value: before.value,
                    name: name.to_owned(),
                    value: threshold.value,
                };
                self.problems.add("V8", &value.span(), kind, Hint::ChangeOrder);
            }
            last = Some(threshold);
        }
    }

    pub(super) fn inputs<'a>(&mut self, value: Option<&'a Value<'a>>) -> Vec<DeclaredInput> {
        let Some(value) = value else {
            self.wrong(&(0..0), ProblemKind::MissingTable("[inputs]"), Hint::DeclareInputs);
            return Vec::new();
        };
        let Some(table) = self.inner("[inputs]", value) else { return Vec::new() };
        let mut inputs = Vec::new();
        for (key, value) in table.left {
            let Ok(name) = key.get_ref().parse::<Input>() else {
                let near = did_you_mean(key.get_ref(), Input::ALL.map(Input::name));
                let kind = ProblemKind::UnknownInput(shown(key.get_ref()));
                self.wrong(&key.span(), kind, Hint::Suggestion(near));
                continue;
            };
            let Some(mut entry) = self.inner(FilePart::Input, value) else { continue };
            let kind = self.required(&mut entry, "type");
            if kind != name.kind().as_str() {
                let wrong = ProblemKind::WrongInputType(name.name());
                self.wrong(&key.span(), wrong, Hint::TypeIs(name.kind()));
            }
            let kind = match name.kind() {
                InputKind::Code => Kind::Code(self.distinct(name, entry.take("values"), &key.span())),
                InputKind::Labels => Kind::Labels(self.distinct(name, entry.take("values"), &key.span())),
                InputKind::Score => self.range(name.name(), entry.take("range"), &key.span()),
                InputKind::Flag => Kind::Flag,
            };
            entry.finish(self);
            inputs.push(DeclaredInput { name, kind, span: key.span() });
        }
        inputs
    }

    /// Reads the declared codes or labels, and reports those that evidence can never hold.
    fn distinct(&mut self, input: Input, value: Option<&Value<'_>>, at: &Span) -> Vec<String> {
        let name = input.name();
        let mut values: Vec<String> = Vec::new();
        for value in self.list("`values`", value) {
            let Some(text) = self.string(name, value) else { continue };
            if let Some((kind, hint)) = unreadable(input.kind(), &text) {
                self.wrong(&value.span(), kind, hint);
            } else if values.contains(&text) {
                self.wrong(&value.span(), ProblemKind::DeclaredTwice(name), Hint::RemoveOne);
            } else {
                values.push(text);
            }
        }
        if values.is_empty() {
            let hint = Hint::Write("values = [\"..\", \"..\"]".to_owned());
            self.wrong(at, ProblemKind::NoValues(name), hint);
        }
        values
    }

    fn range(&mut self, name: &'static str, value: Option<&Value<'_>>, at: &Span) -> Kind {
        let numbers: Vec<Option<f64>> = self.list("`range`", value).into_iter().map(float).collect();
        // Negative zero becomes zero.
        if let [Some(least), Some(most)] = numbers[..]
            && let (least, most) = (least + 0.0, most + 0.0)
            && least.is_finite()
            && most.is_finite()
            && least < most
        {
            return Kind::Score { least, most };
        }
        let hint = Hint::Write("range = [0.0, 100.0]".to_owned());
        self.problems.add("V8", at, ProblemKind::NoRange(name), hint);
        Kind::Score { least: 0.0, most: 100.0 }
    }
}

/// Returns the problem of a declared value that evidence can never hold, because the grammar reads it as another
/// value or as malformed.
fn unreadable(kind: InputKind, text: &str) -> Option<(ProblemKind, Hint)> {
    if text.chars().any(char::is_control) {
        return Some((ProblemKind::DeclaredControlCharacters, Hint::RemoveThem));
    }
    if matches!(text, "null" | "unknown" | "missing" | "none" | "invalid") {
        return Some((ProblemKind::Reserved(text.to_owned()), Hint::ReservedWord));
    }
    if kind == InputKind::Code {
        let hint = match grammar::code(text) {
            Some(code) if code == text => return None,
            Some(code) if mask_digits(code) == code => Hint::Write(format!("\"{code}\"")),
            _ => Hint::CodeGrammar,
        };
        return Some((ProblemKind::NotACode, hint));
    }
    if text == grammar::MALFORMED {
        return Some((ProblemKind::MalformedLabel(text.to_owned()), Hint::MalformedLabel));
    }
    let mut labels = Vec::new();
    grammar::labels_of_text(text, &mut labels);
    let is_label = matches!(&*labels, [label] if **label == *text);
    (!is_label).then_some((ProblemKind::NotALabel, Hint::LabelGrammar))
}

/// Returns the text of a number, with or without quotes.
fn number_of(value: &Value<'_>) -> Option<String> {
    match value.get_ref() {
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => {
            Some(number.as_str().to_owned()).filter(|_| float(value).is_some_and(f64::is_finite))
        }
        DeValue::String(text) => spelling(InputKind::Score, value).or_else(|| decimal_comma(text)),
        _ => None,
    }
    .filter(|text| mask_digits(text) == *text)
}
