//! A column of a batch, as cells.

use std::collections::HashMap;
use std::hash::Hash;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Float64Array, Int32Array, UInt32Array};
use arrow_schema::{DataType, TimeUnit};
use cloudauth_policy::{Input, InputKind};

use super::strings::{Strings, is_text};
use crate::input::row::{Cell, LONGEST_KEY, slot};

/// The most entries of a dictionary in a batch with fewer rows.
const MOST_ENTRIES: usize = 2000;

/// The column of a slot.
#[derive(Debug)]
pub(crate) enum ColumnData {
    /// No column, or an empty one.
    Nothing,
    Texts(Strings),
    /// A dictionary: each string once.
    Words(Int32Array, Strings),
    Numbers(Float64Array),
    /// Numbers whose text matters.
    Wholes(Keys, Vec<(String, f64)>),
    Truths(BooleanArray),
    Days(Vec<Option<i32>>),
}

fn is_score(number: usize) -> bool {
    number == slot::SECOND_SCORE
        || Input::ALL.get(number).is_some_and(|input| input.kind() == InputKind::Score)
}

/// Returns whether a slot accepts a type.
pub(crate) fn is_taken(number: usize, kind: &DataType) -> bool {
    match kind {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => number == slot::TIME,
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale >= 0,
        DataType::Boolean | DataType::Null | DataType::Float32 | DataType::Float64 => true,
        DataType::Dictionary(keys, values) => keys.is_integer() && is_text(values),
        other => is_text(other) || other.is_integer(),
    }
}

/// The kinds of values that a slot accepts.
pub(crate) fn wanted(number: usize) -> &'static str {
    match number {
        slot::TIME => "timestamps, dates, texts or numbers",
        _ if is_score(number) => "numbers or texts",
        _ => "texts, numbers or truth values",
    }
}

impl ColumnData {
    /// Converts an array whose type [`is_taken`]. The day of an instant is counted in the zone that is this many minutes east
    /// of UTC.
    pub(crate) fn of(number: usize, array: &ArrayRef, zone: i32) -> Self {
        let is_number = is_score(number) || number == slot::TIME;
        macro_rules! whole {
            ($kind:ty) => {
                if is_number { numbers::<$kind>(array, |value| value as f64) } else { wholes::<$kind>(array) }
            };
        }
        match array.data_type() {
            kind if is_text(kind) => Strings::of(array).map_or(Self::Nothing, Self::Texts),
            DataType::Dictionary(keys, _) => match &**keys {
                DataType::Int8 => words::<Int8Type>(array),
                DataType::Int16 => words::<Int16Type>(array),
                DataType::Int32 => words::<Int32Type>(array),
                DataType::Int64 => words::<Int64Type>(array),
                DataType::UInt8 => words::<UInt8Type>(array),
                DataType::UInt16 => words::<UInt16Type>(array),
                DataType::UInt32 => words::<UInt32Type>(array),
                DataType::UInt64 => words::<UInt64Type>(array),
                _ => Self::Nothing,
            },
            DataType::Boolean => Self::Truths(array.as_boolean().clone()),
            DataType::Int8 => whole!(Int8Type),
            DataType::Int16 => whole!(Int16Type),
            DataType::Int32 => whole!(Int32Type),
            DataType::Int64 => whole!(Int64Type),
            DataType::UInt8 => whole!(UInt8Type),
            DataType::UInt16 => whole!(UInt16Type),
            DataType::UInt32 => whole!(UInt32Type),
            DataType::UInt64 => whole!(UInt64Type),
            DataType::Float32 if !is_number => {
                doubles(array.as_primitive::<Float32Type>().iter().map(|v| v.map(f64::from)), 1e6)
            }
            DataType::Float64 if !is_number => doubles(array.as_primitive::<Float64Type>().iter(), 1e15),
            DataType::Float32 => numbers::<Float32Type>(array, f64::from),
            DataType::Float64 => Self::Numbers(array.as_primitive().clone()),
            DataType::Decimal128(_, 0) => whole!(Decimal128Type),
            DataType::Decimal128(_, scale) if !is_number => decimals::<Decimal128Type>(array, *scale),
            DataType::Decimal256(_, scale) if !is_number => decimals::<Decimal256Type>(array, *scale),
            DataType::Decimal128(_, scale) if number == slot::TIME => {
                let one = 10_i128.checked_pow(scale.unsigned_abs().into());
                numbers::<Decimal128Type>(array, |value| {
                    one.map_or(f64::NAN, |one| value.div_euclid(one) as f64)
                })
            }
            DataType::Decimal256(_, scale) if number == slot::TIME => {
                numbers::<Decimal256Type>(array, |value| {
                    let text = shown::<Decimal256Type>(value, *scale);
                    text.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(f64::NAN)
                })
            }
            DataType::Decimal256(_, scale) => numbers::<Decimal256Type>(array, |value| {
                shown::<Decimal256Type>(value, *scale).parse().unwrap_or(f64::NAN)
            }),
            DataType::Decimal128(_, scale) => {
                let scale = *scale;
                numbers::<Decimal128Type>(array, |value| decimal(value, scale))
            }
            DataType::Date32 => days::<Date32Type>(array, i64::from),
            DataType::Date64 => timestamps::<Date64Type>(array, 1_000, 0),
            DataType::Timestamp(unit, is_instant) => {
                // A timestamp without a zone is local time in the zone in which days are counted.
                let zone = if is_instant.is_some() { i64::from(zone) * 60 } else { 0 };
                match unit {
                    TimeUnit::Second => timestamps::<TimestampSecondType>(array, 1, zone),
                    TimeUnit::Millisecond => timestamps::<TimestampMillisecondType>(array, 1_000, zone),
                    TimeUnit::Microsecond => timestamps::<TimestampMicrosecondType>(array, 1_000_000, zone),
                    TimeUnit::Nanosecond => timestamps::<TimestampNanosecondType>(array, 1_000_000_000, zone),
                }
            }
            _ => Self::Nothing,
        }
    }

    /// Returns the cell of a row.
    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Texts(texts) => texts.get(row).map_or(Cell::Missing, Cell::Text),
            Self::Words(keys, words) if keys.is_valid(row) => word(words, keys.value(row)),
            Self::Numbers(numbers) if numbers.is_valid(row) => number(numbers.value(row)),
            Self::Wholes(keys, words) => {
                let word = words.get(keys.place(row, words.len()));
                word.map_or(Cell::Missing, |(text, number)| Cell::Number(text, *number))
            }
            Self::Truths(truths) if truths.is_valid(row) => Cell::Truth(truths.value(row)),
            Self::Days(days) => days.get(row).copied().flatten().map_or(Cell::Missing, Cell::Day),
            _ => Cell::Missing,
        }
    }

    /// Returns the distinct cells, the last one missing, and the number of the cell of each row; `None` for a column with too
    /// many values. A file may have a dictionary that is far longer than a batch, and each batch would read all of it.
    pub(crate) fn coded(&self, rows: usize) -> Option<(Keys, Vec<Cell<'_>>)> {
        if matches!(self, Self::Words(_, words) if words.len() > rows.max(MOST_ENTRIES)) {
            return None;
        }
        let (keys, mut entries): (_, Vec<_>) = match self {
            Self::Nothing => (Keys(vec![0; rows].into()), Vec::new()),
            Self::Words(keys, words) if keys.null_count() == 0 => {
                // The values as stored.
                let keys = UInt32Array::new(keys.values().inner().clone().into(), None);
                (Keys(keys), texts(words))
            }
            Self::Words(keys, words) => {
                let keys = keys.iter().map(|key| key.map_or(u32::MAX, i32::cast_unsigned));
                (Keys::new(keys), texts(words))
            }
            Self::Texts(texts) => {
                let (keys, words) = texts.distinct();
                (Keys(keys.into()), words.into_iter().map(Cell::Text).collect())
            }
            Self::Wholes(keys, words) => {
                (keys.clone(), words.iter().map(|(text, number)| Cell::Number(text, *number)).collect())
            }
            Self::Truths(truths) => {
                let keys = truths.iter().map(|truth| truth.map_or(u32::MAX, u32::from));
                (Keys::new(keys), vec![Cell::Truth(false), Cell::Truth(true)])
            }
            Self::Numbers(_) | Self::Days(_) => return None,
        };
        entries.push(Cell::Missing);
        Some((keys, entries))
    }

    /// Returns the scores, NaN for a missing one, and the number of those that are missing. They are in place unless one is NULL,
    /// and otherwise in `copy`. Marks the rows of scores that are not finite as odd. `None` for a column without numbers.
    pub(crate) fn scores<'s>(&'s self, copy: &'s mut Vec<f64>, odd: &mut [bool]) -> Option<(&'s [f64], u64)> {
        copy.clear();
        let numbers = match self {
            Self::Numbers(numbers) => numbers,
            Self::Nothing => {
                copy.resize(odd.len(), f64::NAN);
                return Some((copy, odd.len() as u64));
            }
            _ => return None,
        };
        let (mut scores, mut missing): (&[f64], u64) = (numbers.values(), 0);
        if let Some(nulls) = numbers.nulls().filter(|nulls| nulls.null_count() > 0) {
            copy.extend_from_slice(scores);
            for row in (!nulls.inner()).set_indices() {
                // The value under a NULL is not a score.
                if let Some(score) = copy.get_mut(row) {
                    *score = f64::NAN;
                }
            }
            missing = nulls.null_count() as u64;
            scores = copy;
        }
        let others: u64 = scores.iter().map(|score| u64::from(!score.is_finite())).sum();
        if others != missing {
            for (row, (score, odd)) in scores.iter().zip(odd).enumerate() {
                *odd |= !score.is_finite() && numbers.is_valid(row);
            }
        }
        Some((scores, missing))
    }

    /// Adds what `of` returns for the key of each row, where there is one. The entries of a dictionary are read once each, unless there
    /// are more of them than rows.
    pub(crate) fn keys<T: Copy>(&self, rows: usize, of: impl Fn(&str) -> T, to: &mut Vec<Option<T>>) {
        let of = |cell: Cell<'_>| cell.key().ok().flatten().map(&of);
        if let Self::Words(..) = self
            && let Some((keys, entries)) = self.coded(rows)
            && entries.len() <= rows
        {
            let entries: Vec<_> = entries.into_iter().map(of).collect();
            to.extend(keys.of(&entries).into_iter().flatten());
        } else {
            to.extend((0..rows).map(|row| of(self.cell(row))));
        }
    }

    /// Marks the rows whose cell cannot be a key.
    pub(crate) fn mark_bad_keys(&self, odd: &mut [bool]) -> Option<()> {
        if let Self::Texts(texts) = self {
            let lengths = texts.lengths();
            odd.iter_mut().zip(lengths).for_each(|(odd, length)| *odd |= length > LONGEST_KEY);
            return Some(());
        }
        let Some((keys, entries)) = self.coded(odd.len()) else {
            odd.iter_mut().enumerate().for_each(|(row, odd)| *odd |= self.cell(row).key().is_err());
            return Some(());
        };
        let is_bad: Vec<bool> = entries.into_iter().map(|cell| cell.key().is_err()).collect();
        keys.mark(&is_bad, odd)
    }
}

/// The entry number of each row. A number out of range means the last entry.
#[derive(Clone, Debug)]
pub(crate) struct Keys(UInt32Array);

impl Keys {
    fn new(keys: impl Iterator<Item = u32>) -> Self {
        Self(keys.collect::<Vec<_>>().into())
    }

    /// Returns the entry number of each row; `None` if there are no entries.
    pub(crate) fn of<'k, T: Copy>(&'k self, entries: &'k [T]) -> Option<impl Iterator<Item = T> + 'k> {
        let (last, others) = entries.split_last()?;
        // Never out of range. The compiler sees it and emits no branch.
        let of = |key: &u32| entries.get((*key as usize).min(others.len())).copied().unwrap_or(*last);
        Some(self.0.values().iter().map(of))
    }

    /// Marks the rows whose entry is marked; `None` if there are no entries.
    pub(crate) fn mark(&self, entries: &[bool], rows: &mut [bool]) -> Option<()> {
        let marks = self.of(entries)?;
        if entries.contains(&true) {
            rows.iter_mut().zip(marks).for_each(|(row, is_marked)| *row |= is_marked);
        }
        Some(())
    }

    /// Returns the position of a row's entry, if `last` is the position of the last one.
    pub(crate) fn place(&self, row: usize, last: usize) -> usize {
        self.0.values().get(row).map_or(last, |key| last.min(*key as usize))
    }
}

/// A key that is not a position in the dictionary is missing.
fn words<T: ArrowDictionaryKeyType>(array: &ArrayRef) -> ColumnData
where
    T::Native: TryInto<i32>,
{
    let coded = array.as_dictionary::<T>();
    let Some(words) = Strings::of(coded.values()) else { return ColumnData::Nothing };
    ColumnData::Words(coded.keys().unary(|key| key.try_into().unwrap_or(-1)), words)
}

fn texts(words: &Strings) -> Vec<Cell<'_>> {
    words.all().into_iter().map(|word| word.map_or(Cell::Missing, Cell::Text)).collect()
}

fn word(words: &Strings, key: i32) -> Cell<'_> {
    usize::try_from(key).ok().and_then(|key| words.get(key)).map_or(Cell::Missing, Cell::Text)
}

/// A double that is not an integer has no key; NaN and the infinities are strings.
pub(crate) fn number(number: f64) -> Cell<'static> {
    match number {
        number if number.is_finite() => Cell::Number("0.5", number),
        number if number.is_nan() => Cell::Text("NaN"),
        number if number > 0.0 => Cell::Text("inf"),
        _ => Cell::Text("-inf"),
    }
}

fn numbers<T: ArrowPrimitiveType>(array: &ArrayRef, of: impl Fn(T::Native) -> f64) -> ColumnData {
    ColumnData::Numbers(array.as_primitive::<T>().unary(of))
}

/// Returns the distinct values, and the number of the value of each row.
fn interned<T: Copy + Eq + Hash>(values: impl Iterator<Item = Option<T>>) -> (Keys, Vec<T>) {
    let (mut numbers, mut all) = (HashMap::new(), Vec::new());
    let keys = values.map(|value| {
        let Some(value) = value else { return u32::MAX };
        *numbers.entry(value).or_insert_with(|| {
            all.push(value);
            u32::try_from(all.len() - 1).unwrap_or(u32::MAX)
        })
    });
    (Keys::new(keys), all)
}

fn wholes<T: ArrowPrimitiveType>(array: &ArrayRef) -> ColumnData
where
    T::Native: Copy + Eq + Hash + ToString,
{
    let (keys, values) = interned(array.as_primitive::<T>().iter());
    let shown = values.into_iter().map(|value| {
        let text = value.to_string();
        let number = text.parse().unwrap_or(f64::NAN);
        (text, number)
    });
    ColumnData::Wholes(keys, shown.collect())
}

/// Doubles whose text matters: tools write an integer column this way if values are missing. From `most` on, integers may not
/// be exact, and none is shown.
fn doubles(values: impl Iterator<Item = Option<f64>>, most: f64) -> ColumnData {
    let (keys, values) = interned(values.map(|value| value.map(f64::to_bits)));
    let shown = values.into_iter().map(f64::from_bits).map(|number| {
        let text = if number.abs() < most { format!("{number:?}") } else { format!("{number:e}") };
        (text, number)
    });
    ColumnData::Wholes(keys, shown.collect())
}

/// Decimals whose text matters: an integer is written without a point.
fn decimals<T: DecimalType>(array: &ArrayRef, scale: i8) -> ColumnData
where
    T::Native: Copy + Eq + Hash,
{
    let (keys, values) = interned(array.as_primitive::<T>().iter());
    let values = values.into_iter().map(|value| {
        let text = shown::<T>(value, scale);
        let number = text.parse().unwrap_or(f64::NAN);
        (text, number)
    });
    ColumnData::Wholes(keys, values.collect())
}

fn shown<T: DecimalType>(value: T::Native, scale: i8) -> String {
    let text = T::format_decimal(value, T::MAX_PRECISION, scale);
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

/// The nearest double: both sides of the division are exact.
fn decimal(value: i128, scale: i8) -> f64 {
    if value.unsigned_abs() <= 1 << 53 && scale <= 22 {
        return value as f64 / 10_f64.powi(scale.into());
    }
    format!("{value}e-{scale}").parse().unwrap_or(f64::NAN)
}

const DAY: i64 = 86_400;
/// The maximum distance of a day from 1970. Values beyond it are clamped.
const MOST_DAYS: i64 = 100_000_000;

/// Converts timestamps with this many units per second, with the zone's seconds added.
fn timestamps<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef, parts: i64, zone: i64) -> ColumnData {
    days::<T>(array, |time| time.div_euclid(parts).saturating_add(zone).div_euclid(DAY))
}

fn days<T: ArrowPrimitiveType>(array: &ArrayRef, day: impl Fn(T::Native) -> i64) -> ColumnData {
    let of = |value| i32::try_from(day(value).clamp(-MOST_DAYS, MOST_DAYS)).unwrap_or_default();
    ColumnData::Days(array.as_primitive::<T>().iter().map(|value| value.map(of)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Decimal128Array, Decimal256Array, StringArray};

    use super::*;
    use crate::input::time::KnownDays;

    /// A batch of a few rows must not cost as much as a dictionary of any length.
    #[test]
    fn a_dictionary_longer_than_a_batch_is_read_row_by_row() {
        let long = "x".repeat(LONGEST_KEY + 1);
        let words = |count: usize| {
            let words = (0..count).map(|word| if word == 7 { long.clone() } else { word.to_string() });
            let keys = Int32Array::from(vec![Some(0), Some(7), None, Some(5)]);
            ColumnData::Words(keys, Strings::Short(StringArray::from(words.collect::<Vec<_>>())))
        };
        for (count, is_coded) in [(MOST_ENTRIES, true), (MOST_ENTRIES + 1, false)] {
            let column = words(count);
            assert_eq!(column.coded(4).is_some(), is_coded, "{count}");
            let mut odd = [false; 4];
            assert_eq!(column.mark_bad_keys(&mut odd), Some(()));
            assert_eq!(odd, [false, true, false, false], "{count}");
            assert_eq!(column.cell(3), Cell::Text("5"));
        }
        assert!(words(MOST_ENTRIES + 1).coded(MOST_ENTRIES + 1).is_some());
    }

    #[test]
    fn a_decimal_is_never_rounded_to_the_next_day() {
        let value = 1_772_380_799_999_999_999_999_i128;
        let narrow = Decimal128Array::from(vec![value]).with_precision_and_scale(38, 12).unwrap();
        let wide = Decimal256Array::from(vec![arrow_buffer::i256::from_i128(value)])
            .with_precision_and_scale(60, 12)
            .unwrap();
        let arrays: [ArrayRef; 2] = [Arc::new(narrow), Arc::new(wide)];
        for array in arrays {
            let day = KnownDays::new(0).of(ColumnData::of(slot::TIME, &array, 0).cell(0)).flatten();
            assert_eq!(day.map(crate::input::time::shown).as_deref(), Some("2026-03-01"));
        }
    }
}
