//! `cloudauth policy diff`: prints where two policies give different decisions, over every input.

use cloudauth::policy::{Override, Policy, PolicyRef, Region, diff};
use serde_json::{Value, json};

use super::check::override_json;
use super::load::{failing_examples, load_to_explore};
use crate::failure::Failure;
use crate::output::Output;
use crate::words::policy as words;

pub(super) fn run(before: &str, after: &str, allow_failing: bool, output: &Output) -> Result<u8, Failure> {
    let files = (before, after);
    let (before, after) = (load_to_explore(before, allow_failing)?, load_to_explore(after, allow_failing)?);
    let (failing, failing_json) = failing_examples(&[(files.0, &before), (files.1, &after)], output);
    let difference = diff(&before, &after).map_err(Failure::other)?;
    let (one, other) = (before.reference(), after.reference());
    let named = |policy: &PolicyRef| format!("{} {}", policy.id, policy.version);
    let mut human = output.pick(words::from_to(&named(one), &named(other)));
    human += &failing;
    human += &output.pick(match difference.regions.len() {
        0 if one.behaviour_hash == other.behaviour_hash => words::EQUIVALENT.into(),
        0 => words::same_verdicts(difference.other_words, difference.cells),
        regions => words::changed(difference.changed(), difference.cells, regions),
    });
    for region in &difference.regions {
        human += &output.pick(words::region(region));
    }
    let (added, removed) = (overrides_beyond(&after, &before), overrides_beyond(&before, &after));
    for one in &added {
        human += &output.pick(words::override_added(one.rule, one.input, one.reason));
    }
    for one in &removed {
        human += &output.pick(words::override_removed(one.rule, one.input, one.reason));
    }
    let regions = difference.regions.iter().map(Region::to_json);
    let all = |overrides: &[Override<'_>]| overrides.iter().map(override_json).collect::<Vec<Value>>();
    let document = json!({
        "before": one.content_hash,
        "after": other.content_hash,
        "cells": difference.cells,
        "changed": difference.changed(),
        "other_words": difference.other_words,
        "failing_examples": failing_json,
        "regions": regions.collect::<Vec<_>>(),
        "against_vendor": { "added": all(&added), "removed": all(&removed) },
    });
    output.print(&human, &document);
    Ok(0)
}

/// The reasons to approve against the vendor that `policy` gives and `other` does not.
fn overrides_beyond<'p>(policy: &'p Policy, other: &Policy) -> Vec<Override<'p>> {
    let others = other.report().overrides;
    let mut own = policy.report().overrides;
    own.retain(|one| !others.contains(one));
    own
}
