//! People with the same rows, counted together: there are far fewer kinds of people than people.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// People with the same rows: the case of each row, ascending, and the number of such people.
pub(crate) type Alike<C> = Vec<(Box<[C]>, u64)>;

/// About how many rows a part has.
const PART: usize = 512;
/// The bits of a hash that choose the part.
const PART_BITS: u32 = 14;
/// The most parts.
const MOST_PARTS: usize = 1 << PART_BITS;

/// Counts people by their rows, which are in any order: the hash of the subject, and the case. `rows` returns the same rows each
/// time. The order of the result is that of the cases.
///
/// The rows are copied once. They are divided by their hash, so that each part of the copy can be sorted within the processor's cache.
pub(crate) fn alike<C: Copy + Ord + Hash, I: Iterator<Item = (u64, C)>>(rows: impl Fn() -> I) -> Alike<C> {
    let (all, first) = (rows().count(), rows().next());
    let parts = (all / PART).next_power_of_two().min(MOST_PARTS);
    // A hash is uniform, so that its highest bits divide the rows into parts of the same size.
    let part =
        |hash: u64| usize::try_from(hash >> (u64::BITS - PART_BITS)).unwrap_or_default() * parts / MOST_PARTS;
    let mut ends = vec![0; parts];
    for (hash, _) in rows() {
        if let Some(end) = ends.get_mut(part(hash)) {
            *end += 1;
        }
    }
    let mut begin = 0;
    for end in &mut ends {
        // Where the part begins; it becomes its end as the rows are copied.
        begin += std::mem::replace(end, begin);
    }
    let mut sorted: Vec<(u64, C)> = first.map(|first| vec![first; all]).unwrap_or_default();
    for (hash, case) in rows() {
        if let Some(end) = ends.get_mut(part(hash)) {
            if let Some(place) = sorted.get_mut(*end) {
                *place = (hash, case);
            }
            *end += 1;
        }
    }
    let mut kinds = HashMap::<Box<[C]>, u64, BuildHasherDefault<Quick>>::default();
    let (mut begin, mut cases) = (0, Vec::new());
    for end in ends {
        let rows = sorted.get_mut(begin..end).unwrap_or_default();
        begin = end;
        // Most people have a row or two, so comparing only their hashes and then sorting their few cases is faster.
        rows.sort_unstable_by_key(|(hash, _)| *hash);
        for person in rows.chunk_by(|(a, _), (b, _)| a == b) {
            cases.clear();
            cases.extend(person.iter().map(|(_, case)| *case));
            cases.sort_unstable();
            match kinds.get_mut(&*cases) {
                Some(people) => *people += 1,
                None => {
                    kinds.insert(cases.as_slice().into(), 1);
                }
            }
        }
    }
    let mut kinds: Alike<C> = kinds.into_iter().collect();
    kinds.sort_unstable();
    kinds
}

/// A quick hash of a few small numbers. It is used only for tables within the process, whose order is not visible.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        // A table takes its place from the last bits, and its tag from the first.
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn people_are_counted_by_all_their_rows_in_any_order() {
        let mut state: u64 = 7;
        let mut random = |most: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % most
        };
        for (rows, subjects) in [(0, 1), (1, 1), (5000, 1), (20_000, 9000), (3000, 100_000)] {
            // Hashes are spread over all numbers.
            let rows: Vec<(u64, u32)> = (0..rows)
                .map(|_| (random(subjects).wrapping_mul(0x9E37_79B9_7F4A_7C15), random(3) as u32))
                .collect();
            let mut people = BTreeMap::<u64, Vec<u32>>::new();
            rows.iter().for_each(|(subject, case)| people.entry(*subject).or_default().push(*case));
            let mut expected = BTreeMap::<Box<[u32]>, u64>::new();
            for mut cases in people.into_values() {
                cases.sort_unstable();
                *expected.entry(cases.into()).or_default() += 1;
            }
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(alike(|| rows.iter().copied()), expected);
            assert_eq!(alike(|| rows.iter().rev().copied()), expected);
        }
    }
}
