//! V5: no rule approves a value that is not understood, or approves against the vendor's signal without a reason.
//!
//! The vendor's signal is a value that the vendor reports as a failure or a risk, or a score that is approved although a better
//! score is not. A rule that approves against it must name the input and give a reason:
//! `against_vendor = { face_occlusion = "masks are worn at work; a reviewer compares the pictures" }`.

use std::collections::BTreeMap;

use cloudauth_protocol::{Code, SubCode};

use crate::document::Document;
use crate::document::problem::{DecidedCase, Hint, ProblemKind, Problems};
use crate::document::verdict::Verdict;
use crate::evidence::input::Input;
use crate::proof::grid::{Axis, Scale};
use crate::proof::table::Table;

/// The inputs that must have a valid, known value in an approval. The picture's quality is not in the list: a rule may
/// approve an unreadable quality if it also approves at least one readable quality.
const SAFETY: [Input; 8] = [
    Input::Code,
    Input::SubCode,
    Input::Passed,
    Input::FaceAttack,
    Input::FaceOcclusion,
    Input::VerifyScore,
    Input::FaceAttackScore,
    Input::DeviceRisk,
];

/// The `faceAttackScore` from which a face counts as an attack: the middle of the vendor's scale from 0 to 1. The vendor
/// publishes no threshold.
const LIKELY_ATTACK: f64 = 0.5;

/// The reason why a cell must not be approved. The messages have the same order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Objection {
    NotUnderstood,
    VendorSignal,
    /// A cell with a better score is not approved.
    WorseScore,
}

/// Adds a problem for each rule and input with an objection, and for each reason that no approval needs.
pub(super) fn check(document: &Document, table: &Table, problems: &mut Problems<'_>) {
    if document.otherwise.verdict == Verdict::Approve {
        let kind = ProblemKind::OtherwiseApproves;
        problems.add("V5", &document.otherwise_span, kind, Hint::NeverApproved);
    }
    let verdict = |cell: usize| document.outcome(table.rule(cell)).verdict;
    let approved = || (0..table.grid.cells).filter(|cell| verdict(*cell) == Verdict::Approve);
    let reads_passed = document.inputs.iter().any(|input| input.name == Input::Passed);
    if !reads_passed && approved().next().is_some() {
        problems.add("V5", &(0..0), ProblemKind::PassedNotChecked, Hint::DeclarePassed);
    }
    // For each rule, axis and objection: the first cell, and the number of cells.
    let mut found: BTreeMap<(usize, usize, Objection), (usize, usize)> = BTreeMap::new();
    for cell in approved() {
        for (at, axis) in table.grid.axes.iter().enumerate() {
            if let Some(objection) = objection(axis, table.grid.class(cell, axis), cell, verdict) {
                found.entry((table.rule(cell), at, objection)).or_insert((cell, 0)).1 += 1;
            }
        }
    }
    for (rule, at) in document.rules.iter().zip(0..) {
        for reason in &rule.against_vendor {
            let is_needed = found.keys().any(|(number, axis, objection)| {
                let input = table.grid.axes.get(*axis).map(|axis| axis.input);
                (*number, input, *objection != Objection::NotUnderstood) == (at, Some(reason.input), true)
            });
            if !is_needed {
                let input = document.inputs.get(reason.input).map_or("", |input| input.name());
                let kind = ProblemKind::NeedlessReason { rule: rule.id.clone(), input };
                problems.add("V5", &reason.span, kind, Hint::RemoveReason);
            }
        }
    }
    for ((rule, at, objection), (cell, cells)) in found {
        let Some(axis) = table.grid.axes.get(at) else { continue };
        add(document, table, (rule, axis, objection), (cell, cells), problems);
    }
}

/// Adds the problem of one rule, axis and objection, unless the rule gives a reason.
fn add(
    document: &Document,
    table: &Table,
    (number, axis, objection): (usize, &Axis, Objection),
    (cell, cells): (usize, usize),
    problems: &mut Problems<'_>,
) {
    let rule = document.rule_id(number).to_owned();
    let span = document.rules.get(number).map_or(&document.otherwise_span, |rule| &rule.span);
    let case = axis.values(&[table.grid.class(cell, axis)]).into();
    let example = table.grid.case(cell);
    if objection == Objection::NotUnderstood {
        let kind = ProblemKind::ApprovesNotUnderstood { rule, case, cells };
        problems.add("V5", span, kind, Hint::ForExample(example));
        return;
    }
    let reasons = document.rules.get(number).map_or(&[][..], |rule| &rule.against_vendor);
    if reasons.iter().any(|reason| reason.input == axis.input) {
        return;
    }
    let kind = match (objection, better(axis, table.grid.class(cell, axis), cell)) {
        (Objection::WorseScore, Some(cell)) => {
            let better = DecidedCase {
                rule: document.rule_id(table.rule(cell)).to_owned(),
                verdict: document.outcome(table.rule(cell)).verdict,
                case: axis.values(&[table.grid.class(cell, axis)]).into(),
            };
            ProblemKind::ApprovesWorseScore { rule, case, cells, better }
        }
        _ => ProblemKind::ApprovesAgainstVendor { rule, case, cells },
    };
    problems.add("V5", span, kind, Hint::ExcludeOrReason { input: axis.name(), example });
}

/// Returns the objection to an approved cell on one axis.
fn objection(
    axis: &Axis,
    class: usize,
    cell: usize,
    verdict: impl Fn(usize) -> Verdict,
) -> Option<Objection> {
    if !axis.is_understood(class) {
        let with = |other: usize| verdict(cell - class * axis.stride + other * axis.stride);
        let mut understood = (0..axis.size).filter(|other| axis.is_understood(*other));
        let is_objectionable =
            SAFETY.contains(&axis.name) || !understood.any(|other| with(other) == Verdict::Approve);
        return is_objectionable.then_some(Objection::NotUnderstood);
    }
    if is_vendor_signal(axis, class) {
        return Some(Objection::VendorSignal);
    }
    let better = better(axis, class, cell)?;
    (verdict(better) != Verdict::Approve).then_some(Objection::WorseScore)
}

/// Returns whether the vendor reports a value of this class as a failure or a risk.
fn is_vendor_signal(axis: &Axis, class: usize) -> bool {
    match (&axis.scale, axis.name) {
        (Scale::Code(values, _), name) => values.get(class).is_some_and(|value| !means_success(name, value)),
        (Scale::Flag, Input::Passed) => class == 1,
        (Scale::Flag, _) => class == 0,
        (Scale::Score { most, .. }, Input::FaceAttackScore) => match axis.bounds(class).1 {
            Some(below) => below > LIKELY_ATTACK,
            None => *most >= LIKELY_ATTACK,
        },
        (Scale::Score { .. }, _) => false,
        (Scale::Label { .. }, _) => class == 1,
    }
}

/// Returns whether a code means success. A code that is not in the vendor's table does not.
fn means_success(name: Input, value: &str) -> bool {
    match name {
        Input::Code => Code::from_wire(value) == Code::Success,
        _ => SubCode::from_wire(value).means_pass() == Some(true),
    }
}

/// Returns the neighbouring cell with a better score: a higher score, or a lower `face_attack_score`.
fn better(axis: &Axis, class: usize, cell: usize) -> Option<usize> {
    let Scale::Score { .. } = axis.scale else { return None };
    if axis.name == Input::FaceAttackScore {
        return (class > 1).then(|| cell - axis.stride);
    }
    (class + 1 < axis.size).then(|| cell + axis.stride)
}
