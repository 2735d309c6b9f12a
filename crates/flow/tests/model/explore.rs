//! Breadth first over the worlds, then random walks.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use cloudauth_flow::Input;

use crate::invariants::INVARIANTS;
use crate::world::{FEW, MANY, Move, World};

const DEPTH: usize = 12;
const WALKS: u64 = 300;
const LENGTH: usize = 40;

pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    pub(crate) reached: BTreeSet<&'static str>,
    pub(crate) names: Vec<&'static str>,
    /// The inputs that lead from one state to another: of a verification, and of an attempt.
    pub(crate) transitions: BTreeMap<(&'static str, &'static str, &'static str), BTreeSet<&'static str>>,
    /// The first script that breaks each invariant.
    pub(crate) broken: BTreeMap<&'static str, String>,
}

pub(crate) fn explored() -> &'static Explored {
    static EXPLORED: LazyLock<Explored> = LazyLock::new(explore);
    &EXPLORED
}

fn explore() -> Explored {
    let names = INVARIANTS.iter().map(|(name, _)| *name).collect();
    let mut explored = Explored {
        states: 0,
        steps: 0,
        reached: BTreeSet::new(),
        names,
        transitions: BTreeMap::new(),
        broken: BTreeMap::new(),
    };
    let mut seen = HashSet::new();
    // The way to each world: the way to the world before, and the move.
    let mut ways: Vec<(usize, &'static str)> = vec![(0, "")];
    let mut front = vec![(0, World::new())];
    for depth in 0..=DEPTH {
        let mut next_front = Vec::new();
        for (way, world) in front {
            explored.visit(&world);
            for by in if depth == DEPTH { Vec::new() } else { world.moves(FEW) } {
                let script = |last: &str| script(&ways, way, last);
                let (name, next) = explored.make(&world, &by, script);
                if let Some(next) = next.filter(|next| seen.insert(next.fingerprint())) {
                    ways.push((way, name));
                    next_front.push((ways.len() - 1, next));
                }
            }
        }
        front = next_front;
    }
    for seed in 1..=WALKS {
        explored.walk(seed);
    }
    explored
}

impl Explored {
    fn visit(&mut self, world: &World) {
        self.states += 1;
        if let Some(stored) = &world.stored {
            self.reached.insert(stored.verification.state.as_str());
            self.reached.extend(stored.verification.attempts.iter().map(|a| a.state.as_str()));
        }
    }

    /// Makes a move, and checks every invariant.
    fn make(
        &mut self,
        world: &World,
        by: &Move,
        script: impl Fn(&str) -> String,
    ) -> (&'static str, Option<World>) {
        let (name, input) = match by {
            Move::Wait => return ("wait", world.later(by)),
            Move::Day => return ("a day", world.later(by)),
            Move::Step(name, input) => (*name, input),
        };
        self.steps += 1;
        let result = world.step(input);
        let next = result.as_ref().ok().map(|commit| world.after(commit));
        for (invariant, check) in INVARIANTS {
            if let Err(problem) = check(world, input, &result, next.as_ref()) {
                let script = || format!("{problem}\nafter: {}", script(name));
                self.broken.entry(invariant).or_insert_with(script);
            }
        }
        if let Some(next) = &next {
            self.note(world, kind(input), next);
        }
        (name, next)
    }

    fn note(&mut self, before: &World, input: &'static str, after: &World) {
        let of = |world: &World| world.stored.as_ref().map(|stored| stored.verification.clone());
        let (before, after) = (of(before), of(after));
        let Some(after) = after else { return };
        let from = before.as_ref().map_or("(new)", |before| before.state.as_str());
        self.transition("verification", from, after.state.as_str(), input);
        for attempt in &after.attempts {
            let old = before.as_ref().and_then(|before| before.attempt(&attempt.order_no));
            let from = old.map_or("(new)", |old| old.state.as_str());
            self.transition("attempt", from, attempt.state.as_str(), input);
        }
    }

    fn transition(&mut self, of: &'static str, from: &'static str, to: &'static str, input: &'static str) {
        if from != to {
            self.transitions.entry((of, from, to)).or_default().insert(input);
        }
    }

    /// The transitions as tables, for the README.
    pub(crate) fn tables(&self) -> String {
        let mut text = String::new();
        for of in ["verification", "attempt"] {
            text += &format!("| {of} from | to | inputs |\n| --- | --- | --- |\n");
            for ((_, from, to), inputs) in self.transitions.iter().filter(|((kind, ..), _)| *kind == of) {
                let inputs: Vec<_> = inputs.iter().map(|input| format!("`{input}`")).collect();
                text += &format!("| {from} | {to} | {} |\n", inputs.join(", "));
            }
            text += "\n";
        }
        text
    }

    /// Makes random moves, with more attempts and at more times than the exploration has.
    fn walk(&mut self, seed: u64) {
        let (mut world, mut names) = (World::new(), Vec::new());
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for _ in 0..LENGTH {
            let moves = world.moves(MANY);
            // xorshift64
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let by = &moves[usize::try_from(random % moves.len() as u64).unwrap()];
            let script = |last: &str| format!("{}, {last} (seed {seed})", names.join(", "));
            let (name, next) = self.make(&world, by, script);
            names.push(name);
            world = next.unwrap_or(world);
        }
    }
}

fn kind(input: &Input) -> &'static str {
    match input {
        Input::Start(_) => "Start",
        Input::Opened(_) => "Opened",
        Input::StartFailed(_) => "StartFailed",
        Input::Callback(_) => "Callback",
        Input::Returned(_) => "Returned",
        Input::Looked(_) => "Looked",
        Input::Review(_) => "Review",
        Input::Cancel => "Cancel",
        Input::Redact => "Redact",
        Input::Deleted(_) => "Deleted",
        Input::Tick(_) => "Tick",
    }
}

fn script(ways: &[(usize, &'static str)], mut way: usize, last: &str) -> String {
    let mut script = vec![last];
    while way != 0 {
        script.push(ways[way].1);
        way = ways[way].0;
    }
    script.reverse();
    script.join(", ")
}
