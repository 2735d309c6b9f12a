//! Strings in each of Arrow's layouts, and their distinct values.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::DataType;

use crate::input::word::word;

/// An array of strings. Pandas writes the long layout, Polars views.
#[derive(Debug)]
pub(crate) enum Strings {
    Short(StringArray),
    Long(LargeStringArray),
    View(StringViewArray),
}

macro_rules! each {
    ($strings:expr, $array:ident => $result:expr) => {
        match $strings {
            Self::Short($array) => $result,
            Self::Long($array) => $result,
            Self::View($array) => $result,
        }
    };
}

/// Returns whether a type is one of strings.
pub(crate) const fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

impl Strings {
    /// Returns the strings of an array whose type [`is_text`].
    pub(crate) fn of(array: &dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => array.as_string_opt().cloned().map(Self::Short),
            DataType::LargeUtf8 => array.as_string_opt().cloned().map(Self::Long),
            DataType::Utf8View => array.as_string_view_opt().cloned().map(Self::View),
            _ => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        each!(self, array => array.len())
    }

    /// Returns the string of a row; `None` for NULL, or if there is no such row.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        each!(self, array => (row < array.len() && array.is_valid(row)).then(|| array.value(row)))
    }

    pub(crate) fn all(&self) -> Vec<Option<&str>> {
        each!(self, array => array.iter().collect())
    }

    /// Returns the length of each string in bytes, without reading one. That of NULL is not defined.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        match self {
            Self::Short(array) => array.offsets().lengths().collect(),
            Self::Long(array) => array.offsets().lengths().collect(),
            // The length is the lower half of a view's first word.
            Self::View(array) => array.views().iter().map(|view| (*view as u32) as usize).collect(),
        }
    }

    /// Returns the distinct strings, and the number of the string of each row; `u32::MAX` for NULL.
    pub(crate) fn distinct(&self) -> (Vec<u32>, Vec<&str>) {
        each!(self, array => distinct(array.iter()))
    }
}

/// The places for strings that were seen a moment ago.
const RECENT: usize = 64;

fn distinct<'a>(values: impl Iterator<Item = Option<&'a str>>) -> (Vec<u32>, Vec<&'a str>) {
    let (mut numbers, mut all) = (HashMap::new(), Vec::new());
    // Most columns have a few short codes. Comparing one word takes a tenth of the time of a hash table.
    let mut recent = [(0, u32::MAX); RECENT];
    let keys = values.map(|value| {
        let Some(value) = value else { return u32::MAX };
        let mut number = || {
            *numbers.entry(value).or_insert_with(|| {
                all.push(value);
                u32::try_from(all.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let Some(word) = word(value.as_bytes()) else { return number() };
        let Some(place) = recent.get_mut(place(word)) else { return number() };
        if place.0 != word {
            *place = (word, number());
        }
        place.1
    });
    (keys.collect(), all)
}

fn place(word: u128) -> usize {
    let folded = (word as u64) ^ ((word >> 64) as u64);
    (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize % RECENT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More strings than places, of every length around that of a word, and those that differ only in zeros at the end.
    #[test]
    fn distinct_strings_keep_their_numbers() {
        let long: Vec<String> = (0..40).map(|length| "a".repeat(length)).collect();
        let codes: Vec<String> = (0..300).map(|code| code.to_string()).collect();
        let zeros = ["", "\0", "\0\0", "a\0", "é", "中文"].map(str::to_owned);
        let values: Vec<String> = [long, codes, zeros.to_vec()].concat();
        let rows: Vec<Option<&str>> =
            (0..4000)
                .map(|row| {
                    if row % 7 == 6 {
                        None
                    } else {
                        values.get(row * 31 % values.len()).map(|value| &**value)
                    }
                })
                .collect();
        let arrays: [Box<dyn Array>; 3] = [
            Box::new(StringArray::from(rows.clone())),
            Box::new(LargeStringArray::from(rows.clone())),
            Box::new(StringViewArray::from(rows.clone())),
        ];
        for array in arrays {
            let strings = Strings::of(&*array).unwrap();
            let (keys, all) = strings.distinct();
            let found: Vec<Option<&str>> = keys.iter().map(|key| all.get(*key as usize).copied()).collect();
            assert_eq!(found, rows);
            let (mut sorted, count) = (all.clone(), all.len());
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), count);
            for (row, (length, value)) in strings.lengths().into_iter().zip(&rows).enumerate() {
                assert!(value.is_none_or(|value| value.len() == length));
                assert_eq!(strings.get(row), *value);
            }
            assert_eq!(strings.get(rows.len()), None);
        }
    }
}
