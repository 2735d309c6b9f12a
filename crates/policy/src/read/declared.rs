//! What a file declares: its thresholds and its inputs.

use toml::de::DeValue;

use super::{Reader, Value, float};
use crate::document::{DeclaredInput, Kind, Span, Threshold};
use crate::far;
use crate::input::{Input, InputKind};
use crate::problem::did_you_mean;

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
            let claim = claim.and_then(|claim| Some((self.string("far", claim)?, claim.span())));
            all.push(Threshold { name, value: number, note, claim, of: None, span: key.span() });
        }
        (all, order)
    }

    /// The rate that a threshold claims is the vendor's, of `verify_score`.
    pub(super) fn claim(&mut self, threshold: &Threshold) {
        let Some((claim, at)) = &threshold.claim else { return };
        let wrong = match threshold.of {
            Some(Input::VerifyScore) | None => far::check(claim, threshold.value).err(),
            Some(other) => {
                let message = format!(
                    "`{}` is compared with `{}`, of which the vendor says no rate",
                    threshold.name,
                    other.name()
                );
                Some((message, "leave `far` out".to_owned()))
            }
        };
        if let Some((message, help)) = wrong {
            self.problems.add("V8", at, message, Some(help));
        }
    }

    /// `order = ["match_floor", "match_auto"]` in [thresholds]: each is below the next.
    pub(super) fn order(&mut self, thresholds: &[Threshold], order: Option<&Value<'_>>) {
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

    pub(super) fn inputs<'a>(&mut self, value: Option<&'a Value<'a>>) -> Vec<DeclaredInput> {
        let Some(value) = value else {
            self.wrong(&(0..0), "the table [inputs] is missing", "it says which inputs the rules speak of");
            return Vec::new();
        };
        let Some(table) = self.inner("[inputs]", value) else { return Vec::new() };
        let mut inputs = Vec::new();
        for (key, value) in table.left {
            let Ok(name) = key.get_ref().parse::<Input>() else {
                let help = did_you_mean(key.get_ref(), Input::ALL.map(Input::name));
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
            if kind != name.kind().as_str() {
                let message = format!("`{}` is not of type `{kind}`", name.name());
                self.problems.add(
                    "V1",
                    &key.span(),
                    message,
                    Some(format!("its type is \"{}\"", name.kind())),
                );
            }
            let kind = match name.kind() {
                InputKind::Code => Kind::Code(self.distinct(name.name(), entry.take("values"), &key.span())),
                InputKind::Labels => {
                    Kind::Labels(self.distinct(name.name(), entry.take("values"), &key.span()))
                }
                InputKind::Score => self.range(name.name(), entry.take("range"), &key.span()),
                InputKind::Flag => Kind::Flag,
            };
            entry.finish(self);
            inputs.push(DeclaredInput { name, kind, span: key.span() });
        }
        inputs
    }

    fn distinct(&mut self, name: &str, value: Option<&Value<'_>>, at: &Span) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for value in self.list("`values`", value) {
            let Some(text) = self.string(name, value) else { continue };
            let is_kept = matches!(text.as_str(), "unknown" | "missing" | "none" | "invalid");
            if is_kept || values.contains(&text) || text.chars().any(char::is_control) {
                self.wrong(
                    &value.span(),
                    format!("`{text}` cannot be a value here"),
                    "each once, without control characters, and none of the words that the format keeps for itself",
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
        let numbers: Vec<Option<f64>> = self.list("`range`", value).into_iter().map(float).collect();
        // There is one zero.
        if let [Some(least), Some(most)] = numbers[..]
            && let (least, most) = (least + 0.0, most + 0.0)
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
}
