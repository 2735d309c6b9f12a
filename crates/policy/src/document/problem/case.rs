//! A part of the input space, as data and in English.

use std::fmt;

use cloudauth_protocol::mask_digits;

use crate::evidence::input::Input;

/// A part of the input space: the values of each input that it constrains. `Display` writes it in English:
/// `sub_code is 200, 75 <= verify_score < 76.5`.
#[derive(Clone, Debug, PartialEq)]
pub struct Case(Vec<InputValues>);

impl Case {
    pub(crate) const fn new(inputs: Vec<InputValues>) -> Self {
        Self(inputs)
    }

    /// Returns the values of each constrained input, in the order of the policy file.
    #[must_use]
    pub fn inputs(&self) -> &[InputValues] {
        &self.0
    }
}

impl From<InputValues> for Case {
    fn from(values: InputValues) -> Self {
        Self(vec![values])
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, values) in self.0.iter().enumerate() {
            write!(f, "{}{values}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// Values of one input. A value that the policy declares is masked by
/// [`mask_digits`]: it may be a phone or ID number in the wrong file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputValues {
    /// Values of a code or a flag.
    OneOf {
        /// The input.
        input: Input,
        /// The values, and the words `unknown`, `missing` and `invalid` of the policy language.
        values: Vec<String>,
    },
    /// The presence of a label.
    Label {
        /// The input.
        input: Input,
        /// The label; `None` for the labels that the policy does not declare.
        label: Option<String>,
        /// Whether the label is present.
        present: bool,
    },
    /// Values of a score.
    Score {
        /// The input.
        input: Input,
        /// Whether a missing or invalid score belongs to the values.
        invalid: bool,
        /// The ranges: the first score that belongs to it, and the first that no longer does. `None` is an end of the score's
        /// range.
        ranges: Vec<(Option<f64>, Option<f64>)>,
    },
}

impl InputValues {
    /// Masks the values that may be personal data.
    pub(crate) fn masked(mut self) -> Self {
        let declared = match &mut self {
            Self::OneOf { values, .. } => values.as_mut_slice(),
            Self::Label { label, .. } => label.as_mut_slice(),
            Self::Score { .. } => &mut [],
        };
        for value in declared {
            *value = mask_digits(value).into_owned();
        }
        self
    }
}

impl fmt::Display for InputValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneOf { input, values } => write!(f, "{input} is {}", values.join(" or ")),
            Self::Label { input, label, present } => {
                let has = if *present { "has" } else { "does not have" };
                write!(f, "{input} {has} {}", label.as_deref().unwrap_or("an unknown label"))
            }
            Self::Score { input, invalid, ranges } => {
                if *invalid {
                    write!(f, "{input} is invalid")?;
                }
                for (at, range) in ranges.iter().enumerate() {
                    f.write_str(if at > 0 || *invalid { " or " } else { "" })?;
                    match range {
                        (None, None) => write!(f, "{input} is valid"),
                        (Some(from), None) => write!(f, "{input} >= {from}"),
                        (None, Some(below)) => write!(f, "{input} < {below}"),
                        (Some(from), Some(below)) => write!(f, "{from} <= {input} < {below}"),
                    }?;
                }
                Ok(())
            }
        }
    }
}
