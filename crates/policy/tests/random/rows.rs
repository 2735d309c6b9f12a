//! Rows of a warehouse that reveal a missing guard: every cut and its neighbours, invalid numbers, and almost valid codes and
//! flags.

use cloudauth_policy::{Evidence, Form, Input, Policy, Value};

use super::Dice;

/// Codes, most of them invalid.
pub const CODES: [&str; 33] = [
    "200",
    "201",
    "202",
    "203",
    "204",
    "205",
    "206",
    "210",
    "",
    "211",
    "200 ",
    " 200",
    "0200",
    "200\n",
    "200.0",
    "201.000",
    "200.",
    "2e2",
    "200.0 ",
    "null",
    "2OO",
    "\u{ff12}00",
    "unknown",
    "missing",
    "otherwise",
    "T",
    "'",
    "\\",
    "20\u{301}0",
    "a",
    "A",
    "0",
    "999999999999999",
];

/// Flags, most of them invalid.
pub const FLAGS: [&str; 20] = [
    "T", "F", "t", "f", "true", "", " T", "T ", "F ", "F\n", "invalid", "1", "\u{ff34}", "\u{1e6a}", "null",
    "200", "206", "299", "2000", "206.0",
];

/// Texts that engines may read as numbers.
pub const NUMBERS: [&str; 24] = [
    "",
    " 75",
    "75 ",
    "75\n",
    "75d",
    "75f",
    "+75",
    "075",
    ".5",
    "5.",
    "7_5",
    "0x4B",
    "1e400",
    "-1e400",
    "1e-400",
    "1e1234",
    "NaN",
    "Infinity",
    "-inf",
    "true",
    "75,5",
    "\u{ff17}5",
    "7.5e1",
    "75e0",
];

/// One row: the inputs by their index in [`INPUTS`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    pub texts: [Option<&'static str>; 5],
    pub scores: [Option<f64>; 3],
}

/// The names of the inputs: text columns, then scores.
pub const INPUTS: [&str; 8] = {
    let (mut names, mut at) = ([""; 8], 0);
    while at < names.len() {
        names[at] = Input::ALL[at].name();
        at += 1;
    }
    names
};

impl Row {
    /// Reads the row as evidence. The scores are not changed.
    pub fn evidence(&self) -> Evidence<'static> {
        let value = |text: Option<&'static str>| text.map_or(Value::Missing, Value::Text);
        let flag = |input, text| value(text).flag(input, Form::Flat).0;
        let mut evidence = Evidence::default();
        let [code, sub_code, passed, face_attack, face_occlusion] = self.texts;
        (evidence.code, evidence.sub_code) = (value(code).code().0, value(sub_code).code().0);
        evidence.sub_code = evidence.sub_code.or(value(passed).sub_code_in_passed());
        evidence.passed = flag(Input::Passed, passed);
        evidence.face_attack = flag(Input::FaceAttack, face_attack);
        evidence.face_occlusion = flag(Input::FaceOcclusion, face_occlusion);
        [evidence.verify_score, evidence.quality_score, evidence.face_attack_score] = self.scores;
        evidence
    }
}

/// Returns the number of the rule that decides.
pub fn rule_of(policy: &Policy, evidence: &Evidence<'_>) -> usize {
    let rule = policy.decide(evidence).rule();
    policy.report().rules.iter().position(|found| found.rule == rule).unwrap()
}

/// Makes rows for one policy.
pub struct Rows {
    cuts: [Vec<f64>; 3],
}

impl Rows {
    pub fn of(policy: &Policy) -> Self {
        let mut cuts = [vec![0.0, 100.0], vec![0.0, 100.0], vec![0.0, 1.0]];
        for (name, found) in policy.report().cuts {
            cuts[INPUTS.iter().position(|input| *input == name).unwrap() - 5].extend(found);
        }
        Self { cuts }
    }

    pub fn row(&self, dice: &mut Dice) -> Row {
        let mut row = Row::default();
        for (at, text) in row.texts.iter_mut().enumerate() {
            // Half of the values are valid; otherwise few rows would reach the later rules.
            let all: &[&str] = match (at < 2, dice.roll() % 2) {
                (true, 0) => &CODES[..8],
                (true, _) => &CODES,
                (false, 0) => &FLAGS[..2],
                (false, _) => &FLAGS,
            };
            *text = (!dice.roll().is_multiple_of(16)).then(|| dice.of(all));
        }
        for (score, cuts) in row.scores.iter_mut().zip(&self.cuts) {
            *score = Self::score(dice, cuts);
        }
        row
    }

    fn score(dice: &mut Dice, cuts: &[f64]) -> Option<f64> {
        const ODD: [f64; 10] = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            5e-324,
            -5e-324,
            1e308,
            -1e308,
            f64::MIN_POSITIVE,
            101.0,
        ];
        let cut = dice.of(cuts);
        match dice.roll() % 12 {
            0 => None,
            1 | 2 => Some(cut),
            3 | 4 => Some(cut.next_up()),
            5 | 6 => Some(cut.next_down()),
            7 => Some(dice.of(&ODD)),
            // As a 32-bit column, and rounded to two digits.
            8 => Some(f64::from(cut as f32)),
            9 => Some((dice.roll() % 10_001) as f64 / 100.0),
            _ => Some((dice.roll() >> 11) as f64 / (1_u64 << 53) as f64 * cuts[1] * 1.1 - cuts[1] * 0.05),
        }
    }
}
