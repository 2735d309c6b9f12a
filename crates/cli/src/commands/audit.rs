//! `cloudauth audit`: the chains of events of a store, and the documents that follow from them.

use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use cloudauth::UnixTime;
use cloudauth::flow::{AuditProblem, BrokenVerification, Checkpoint, Differences};
use cloudauth::flow_sqlite;
use cloudauth_files::{Named, check_outputs};
use serde_json::{Value, json};

use crate::args::Audit;
use crate::failure::Failure;
use crate::output::Output;
use crate::text;
use crate::words::errors::chain;
use crate::words::{audit as words, calls};

pub(crate) fn run(command: &Audit, output: &Output) -> Result<u8, Failure> {
    let Audit::Verify { store, checkpoint, write_checkpoint, retention } = command;
    if let Some(file) = write_checkpoint.as_deref().filter(|file| file.exists()) {
        return Err(Failure::usage(words::exists(file.display())));
    }
    // Before the store is read, which can take long.
    let output_file = write_checkpoint.as_deref().map(|file| Named::new("--write-checkpoint", file));
    check_outputs(output_file.as_slice(), []).map_err(Failure::usage)?;
    let before = checkpoint.as_deref().map(read).transpose()?;
    let audit = flow_sqlite::audit(store, before.as_ref().map(|before| before.cursor))
        .map_err(|error| Failure::usage(words::unreadable(error.kind(), &chain(&error))))?;
    let differences = match (&before, &audit.earlier) {
        (Some(before), Some(now)) => before.compare(now, UnixTime::from(SystemTime::now()), *retention),
        _ => Differences::default(),
    };

    let mut human = output.pick(words::counted(audit.chains, audit.events)) + "\n";
    let mut add = |line| human += &(output.pick(line) + "\n");
    for broken in &audit.named {
        add(words::broken(broken.id, broken.problem));
    }
    let more = audit.broken.saturating_sub(audit.named.len() as u64);
    if more > 0 {
        add(words::more_broken(more));
    }
    differences.changed.iter().for_each(|day| add(words::differs(day)));
    differences.purged.iter().for_each(|day| add(words::maybe_purged(day)));
    // A day with purged chains is not compared any further, and a broken chain can have the head that the checkpoint knows.
    let is_same = differences.changed.is_empty() && differences.purged.is_empty();
    let matches = audit.broken == 0 && is_same;
    if let Some(file) = &checkpoint {
        add(match (matches, is_same) {
            (true, _) => words::same(file.display()),
            (false, true) => words::no_difference(file.display()),
            (false, false) => words::nothing_else(file.display()),
        });
    }
    let is_intact = audit.broken == 0 && differences.changed.is_empty();
    // A checkpoint of broken chains would vouch for them.
    let written = write_checkpoint.as_deref().filter(|_| is_intact);
    if let Some(file) = written {
        let document = serde_json::to_string_pretty(&audit.checkpoint).map_err(Failure::system)? + "\n";
        text::write_new(file, document).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::usage(words::exists(file.display())),
            _ => Failure::other(calls::cannot_write(file.display(), error)),
        })?;
        add(words::written(file.display()));
    }
    add(if is_intact { words::INTACT.into() } else { words::NOT_INTACT.into() });
    let named: Vec<_> = audit.named.iter().map(named).collect();
    output.print(
        &human,
        &json!({
            "intact": is_intact,
            "chains": audit.chains,
            "events": audit.events,
            "broken": audit.broken,
            "broken_verifications": named,
            "checkpoint_written": written.is_some(),
            "matches_checkpoint": checkpoint.is_some().then_some(matches),
            "days_that_differ": differences.changed,
            "days_that_may_be_purged": differences.purged,
        }),
    );
    Ok(u8::from(!is_intact))
}

/// A broken verification, for programs.
fn named(broken: &BrokenVerification) -> Value {
    let (problem, event, part) = match broken.problem {
        AuditProblem::Deleted => ("deleted", None, None),
        AuditProblem::Event(event) => ("event", Some(event), None),
        AuditProblem::Unreadable => ("unreadable", None, None),
        AuditProblem::Document(part) => ("document", None, Some(part.as_str())),
        _ => ("other", None, None),
    };
    json!({ "verification": broken.id.to_string(), "problem": problem, "event": event, "part": part })
}

/// Reads a checkpoint.
fn read(file: &Path) -> Result<Checkpoint, Failure> {
    let found: Option<Checkpoint> = serde_json::from_str(&text::read(file)?).ok();
    let readable = found.filter(Checkpoint::is_readable);
    readable.ok_or_else(|| Failure::usage(words::not_a_checkpoint(file.display())))
}
