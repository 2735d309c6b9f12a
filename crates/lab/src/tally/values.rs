//! Counts by the values of a column, as long as there are not too many values.

use std::collections::BTreeMap;

use cloudauth_protocol::{has_digit_run, mask_digits};
use serde::{Deserialize, Serialize};

/// A column with more values does not divide rows into segments, or attacks into kinds.
pub(crate) const MOST_VALUES: usize = 1000;

/// The shortest run of digits that is masked in a value.
const LONG_RUN: usize = 8;

/// Counts by value; `None` once there are more than [`MOST_VALUES`]. The empty string is the key of rows without a value, and
/// is not counted as one. Whether the counts are dropped depends only on the set of values, not on their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Values<T>(Option<BTreeMap<Box<str>, T>>);

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self(Some(BTreeMap::new()))
    }
}

impl<T: Default> Values<T> {
    /// Changes the counts of a value. The string is copied only if the value is new.
    pub(crate) fn change(&mut self, value: &str, change: impl FnOnce(&mut T)) {
        let Some(values) = &mut self.0 else { return };
        if let Some(counts) = values.get_mut(value) {
            change(counts);
            return;
        }
        let count = values.len() - usize::from(values.contains_key(""));
        if count == MOST_VALUES && !value.is_empty() {
            self.0 = None;
        } else {
            change(values.entry(value.into()).or_default());
        }
    }

    /// Adds the counts of another part of the rows.
    pub(crate) fn merge(&mut self, other: &Self, add: impl Fn(&mut T, &T)) {
        match &other.0 {
            Some(values) => {
                values.iter().for_each(|(value, counts)| self.change(value, |mine| add(mine, counts)))
            }
            None => self.0 = None,
        }
    }

    /// The counts by value, unless there are too many values.
    pub(crate) const fn get(&self) -> Option<&BTreeMap<Box<str>, T>> {
        self.0.as_ref()
    }

    /// The counts of all values.
    pub(crate) fn counts_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flat_map(BTreeMap::values_mut)
    }

    /// The counts by value, in a form that can be printed: a value with eight digits in a row is masked, because it may be a
    /// date of birth, a phone number or an ID number from the wrong column. Masked values stay apart, from each other and from
    /// values with that text: `[digits]`, `[digits] (2)`. Shorter numbers, such as months and postal codes, are kept.
    pub(crate) fn printable(&self) -> Option<BTreeMap<String, &T>> {
        let (masked, shown): (Vec<_>, Vec<_>) =
            self.get()?.iter().partition(|(value, _)| has_digit_run(value, LONG_RUN));
        let mut printable: BTreeMap<String, &T> =
            shown.into_iter().map(|(value, counts)| (value.to_string(), counts)).collect();
        // For each masked text, the number of the last value with it.
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        for (value, counts) in masked {
            let text = mask_digits(value).into_owned();
            let number = numbers.entry(text.clone()).or_default();
            let name = loop {
                *number += 1;
                let name = if *number == 1 { text.clone() } else { format!("{text} ({number})") };
                if !printable.contains_key(&name) {
                    break name;
                }
            };
            printable.insert(name, counts);
        }
        Some(printable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = String>) -> Values<u64> {
        let mut all = Values::default();
        values.into_iter().for_each(|value| all.change(&value, |count| *count += 1));
        all
    }

    #[test]
    fn rows_without_a_value_are_not_a_value() {
        let values = || (0..MOST_VALUES).map(|number| number.to_string());
        let empty = || std::iter::once(String::new());
        for all in [of(values().chain(empty())), of(empty().chain(values()))] {
            assert_eq!(all.get().unwrap().len(), MOST_VALUES + 1);
        }
        assert_eq!(of(values().chain(empty()).chain(["more".to_owned()])).get(), None);
    }

    #[test]
    fn values_that_may_be_personal_data_are_masked_and_stay_apart() {
        let values =
            ["", "202603", "518000", "13900000000", "13900000001", "999999199001012003", "c-19900101"];
        let all = of(values.map(str::to_owned));
        let printed: Vec<_> = all.printable().unwrap().into_keys().collect();
        let expected = ["", "202603", "518000", "[digits]", "[digits] (2)", "[digits] (3)", "c-[digits]"];
        assert_eq!(printed, expected);
        assert_eq!(all.get().unwrap().len(), values.len(), "the counts keep the values");
    }

    #[test]
    fn a_value_that_looks_masked_keeps_its_counts() {
        let values = [("13900000000", 1), ("13900000001", 2), ("[digits]", 3), ("[digits] (3)", 4)];
        let all = of(values.iter().flat_map(|(value, times)| vec![(*value).to_owned(); *times]));
        let printed: Vec<_> =
            all.printable().unwrap().into_iter().map(|(value, times)| (value, *times)).collect();
        let expected = [("[digits]", 3), ("[digits] (2)", 1), ("[digits] (3)", 4), ("[digits] (4)", 2)];
        assert_eq!(printed, expected.map(|(value, times)| (value.to_owned(), times)));
    }

    #[test]
    fn parts_are_dropped_when_the_whole_is() {
        let halves = |overlap: usize| {
            let first = of((0..600).map(|number| number.to_string()));
            let second = of((600 - overlap..1200 - overlap).map(|number| number.to_string()));
            let merged = |one: &Values<u64>, other: &Values<u64>| {
                let mut one = one.clone();
                one.merge(other, |mine, other| *mine += other);
                one
            };
            assert_eq!(merged(&first, &second), merged(&second, &first));
            merged(&first, &second)
        };
        assert_eq!(halves(200).get().unwrap().values().sum::<u64>(), 1200);
        let mut dropped = halves(199);
        assert_eq!(dropped.get(), None);
        dropped.merge(&of(["a".to_owned()]), |mine, other| *mine += other);
        assert_eq!(dropped.get(), None, "a dropped column stays dropped");
    }
}
