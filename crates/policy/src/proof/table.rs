//! The decision table: the number of the rule that decides each cell.

use crate::document::problem::{Hint, ProblemKind, Problems};
use crate::document::{Document, Span};
use crate::proof::grid::Grid;

/// The most cells of a policy, or of two policies that are compared.
pub(crate) const MOST_CELLS: usize = 1 << 20;
/// The most rules: a rule has a one-byte number, and `otherwise` comes after the last rule.
const MOST_RULES: usize = 254;

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) grid: Grid,
    pub(crate) rules: Box<[u8]>,
    /// The number of cells that each rule decides, `otherwise` last.
    pub(crate) counts: Vec<usize>,
}

impl Table {
    /// Applies the rules to all cells. Reports a problem and returns `None` if there are too many cells or rules.
    pub(crate) fn of(document: &Document, problems: &mut Problems<'_>) -> Option<Self> {
        let grid = Grid::of(document);
        let start: Span = document.inputs.first().map_or(0..0, |input| input.span.clone());
        if grid.cells > MOST_CELLS {
            let kind = ProblemKind::TooManyCells { cells: grid.cells, limit: MOST_CELLS };
            problems.add("V11", &start, kind, Hint::RemoveInputs);
            return None;
        }
        if document.rules.len() > MOST_RULES {
            let kind = ProblemKind::TooManyRules { rules: document.rules.len(), limit: MOST_RULES };
            problems.add("V11", &start, kind, None);
            return None;
        }
        let undecided = u8::MAX;
        let mut rules = vec![undecided; grid.cells].into_boxed_slice();
        let mut counts = Vec::with_capacity(document.rules.len() + 1);
        let mut number = 0_u8;
        for rule in &document.rules {
            let mut decided = 0;
            grid.for_each(&grid.area(&rule.when), |cell| {
                if let Some(slot) = rules.get_mut(cell).filter(|slot| **slot == undecided) {
                    (*slot, decided) = (number, decided + 1);
                }
            });
            counts.push(decided);
            number += 1;
        }
        let mut left = 0;
        for slot in rules.iter_mut().filter(|slot| **slot == undecided) {
            (*slot, left) = (number, left + 1);
        }
        counts.push(left);
        Some(Self { grid, rules, counts })
    }

    /// Returns the number of the rule that decides a cell.
    pub(crate) fn rule(&self, cell: usize) -> usize {
        self.rules.get(cell).map_or(self.counts.len() - 1, |rule| usize::from(*rule))
    }
}
