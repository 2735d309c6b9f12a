//! A run over data: shows a progress bar. Ctrl-C ends it with the counts so far.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cloudauth::policy::Policy;
use cloudauth_files::{Named, check_outputs};
use cloudauth_lab::{
    CostProblem, Costs, Days, Found, Lab, LabError, Mapping, MappingProblem, Months, RunControl, RunOutcome,
    SkipReason, Skipped, Source, SweepPlan, Tally,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::document::of_run;
use crate::args;
use crate::failure::Failure;
use crate::output::Output;
use crate::text;
use crate::words::{calls, lab as said, lab_error};

/// Optional outputs of a run.
#[derive(Default)]
pub(super) struct Wanted {
    /// The file for each decision.
    pub(super) decisions: Option<PathBuf>,
    /// The file for each changed verdict.
    pub(super) flips: Option<PathBuf>,
    /// Two segments to cross.
    pub(super) crossed: Option<(String, String)>,
    /// Intervals over people.
    pub(super) people: bool,
    /// Intervals of segments over people.
    pub(super) segment_people: bool,
    /// Only rows of these days.
    pub(super) days: Option<Days>,
    /// Without the people of another run.
    pub(super) without: Option<Arc<Tally>>,
    /// Counts for each value of a threshold. It has policies of its own.
    pub(super) sweep: Option<Arc<SweepPlan>>,
}

/// The data of a run.
pub(super) struct Data {
    sources: Vec<Source>,
    skipped: Vec<Skipped>,
    mapping: Option<Mapping>,
    /// The checkpoint, and how often it is saved.
    resume: Option<(PathBuf, Duration)>,
    threads: Option<u16>,
    allow_missing_inputs: bool,
}

impl Data {
    /// `policies` are files, or names of those that come with the command; `output` is what the command writes besides the
    /// checkpoint.
    pub(super) fn find(
        args: args::Data,
        policies: &[&str],
        output: Option<Named<'_>>,
    ) -> Result<Self, Failure> {
        Self::find_beside(args, policies, None, output)
    }

    /// Also refuses to write over `input`, another file that the command reads.
    pub(super) fn find_beside(
        args: args::Data,
        policies: &[&str],
        input: Option<Named<'_>>,
        output: Option<Named<'_>>,
    ) -> Result<Self, Failure> {
        let mapping = args.mapping.as_deref().map(read_mapping).transpose()?;
        let found = search(&args.paths)?;
        let checkpoint = args.resume.as_deref().map(|path| Named::new("--resume", path));
        let outputs: Vec<Named<'_>> = output.into_iter().chain(checkpoint).collect();
        refuse_among_data(&found, &outputs)?;
        let Found { sources, skipped, .. } = found;
        let mapping_file = args.mapping.as_deref().map(|path| Named::new("the mapping", path));
        check_outputs(&outputs, read_files(policies, &sources).chain(mapping_file).chain(input))
            .map_err(Failure::usage)?;
        Ok(Self {
            sources,
            skipped,
            mapping,
            resume: args.resume.map(|file| (file, args.checkpoint_every.into())),
            threads: args.threads,
            allow_missing_inputs: args.allow_missing_inputs,
        })
    }

    /// Creates the data of counts, which have no rows to locate.
    pub(super) const fn without_rows(skipped: Vec<Skipped>) -> Self {
        Self {
            sources: Vec::new(),
            skipped,
            mapping: None,
            resume: None,
            threads: None,
            allow_missing_inputs: false,
        }
    }

    /// Checks an argument against the mapping file, if there is one: before data is read.
    pub(super) fn check(&self, check: impl FnOnce(&Mapping) -> Result<(), LabError>) -> Result<(), Failure> {
        Ok(self.mapping.as_ref().map_or(Ok(()), check)?)
    }

    /// Whether the rows have segments.
    pub(super) fn has_segments(&self) -> bool {
        self.mapping.as_ref().is_some_and(|mapping| !mapping.segments().is_empty())
    }

    /// Returns the members of a document that describe the run.
    pub(super) fn told(&self, ran: &RunOutcome) -> [(&'static str, Value); 3] {
        of_run(ran, &self.sources)
    }

    /// The files that were not read, and those without rows.
    pub(super) fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The name of a file.
    pub(super) fn name(&self, source: usize) -> String {
        self.sources.get(source).map(|source| source.path().display().to_string()).unwrap_or_default()
    }

    /// Runs, and shows the progress. Data without a single row is refused, because every table would be of zeros.
    pub(super) async fn run(
        &mut self,
        policies: Vec<Policy>,
        wanted: Wanted,
        output: &Output,
    ) -> Result<RunOutcome, Failure> {
        let watch = Arc::new(RunControl::default());
        // Each run lists the files without rows itself.
        let skipped = self.skipped.iter().filter(|skipped| skipped.reason != SkipReason::Empty);
        let (sources, skipped) = (self.sources.clone(), skipped.cloned().collect());
        let (mapping, resume, threads) = (self.mapping.clone(), self.resume.clone(), self.threads);
        let (allow_missing_inputs, is_of_days) = (self.allow_missing_inputs, wanted.days.is_some());
        let (watched, of_people) = (Arc::clone(&watch), !output.is_for_programs());
        let work = tokio::task::spawn_blocking(move || {
            let mut lab = match (&wanted.sweep, &*policies) {
                (Some(plan), _) => Lab::sweep(plan),
                (None, [first, rest @ ..]) => rest.iter().fold(Lab::new(first), Lab::against),
                (None, []) => return Err(None),
            };
            lab = lab.skipped(skipped);
            if let Some(mapping) = mapping {
                lab = lab.mapping(mapping);
            }
            if let Some((file, interval)) = resume {
                lab = lab.resume(file).checkpoint_every(interval);
            }
            if let Some(decisions) = wanted.decisions {
                lab = lab.decisions(decisions);
            }
            if let Some(flips) = wanted.flips {
                lab = lab.flips(flips);
            }
            if let Some((first, second)) = &wanted.crossed {
                lab = lab.cross(first, second);
            }
            if wanted.people {
                lab = lab.keep_people();
            }
            if wanted.segment_people {
                lab = lab.keep_segment_people();
            }
            if let Some(days) = wanted.days {
                lab = lab.days(days);
            }
            if let Some(other) = &wanted.without {
                lab = lab.without_people_of(other).map_err(Some)?;
            }
            if allow_missing_inputs {
                lab = lab.allow_missing_inputs();
            }
            if let Some(threads) = threads {
                lab = lab.threads(threads.into());
            }
            lab.run(&sources, &watched).map_err(Some)
        });
        let bytes = self.sources.iter().map(Source::length).sum();
        let bar = if of_people { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template(output.say(said::PROGRESS));
        bar.set_style(style.map_err(Failure::system)?);
        tokio::pin!(work);
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        let ran = loop {
            tokio::select! {
                ran = &mut work => break ran.map_err(|_| Failure::other(said::BROKEN))?,
                _ = ticks.tick() => bar.set_position(watch.read()),
                _ = tokio::signal::ctrl_c() => watch.stop(),
            }
        };
        bar.finish_and_clear();
        let ran = ran.map_err(|error: Option<LabError>| match error {
            Some(error) => error.into(),
            None => Failure::usage(said::NO_POLICY),
        })?;
        if ran.complete && !is_of_days && ran.tally.has_no_rows() {
            return Err(Failure::other(said::no_rows(&self.name(0), self.sources.len())));
        }
        self.skipped.clone_from(&ran.skipped);
        for file in ran.changed.iter().take(5) {
            output.note(said::changed_while_read(file.display()));
        }
        if !ran.complete && ran.changed.is_empty() {
            output.note(said::stopped(self.resume.is_some()));
        }
        if let Some(file) = &ran.partial_decisions {
            output.note(said::partial_decisions(file.display()));
        }
        Ok(ran)
    }
}

/// Refuses months that would be compared with themselves.
pub(super) fn check_apart(reference: Option<&Months>, current: Option<&Months>) -> Result<(), Failure> {
    Ok(reference.zip(current).map_or(Ok(()), |(reference, current)| reference.check_apart(current))?)
}

/// Returns whether the data is read from standard input.
pub(super) fn reads_standard_input(data: &args::Data) -> bool {
    data.paths.iter().any(|path| path.as_os_str() == "-")
}

/// Finds the data files. The message about a missing one follows the rule of [`text::named`].
pub(crate) fn search(paths: &[PathBuf]) -> Result<Found, Failure> {
    for path in paths.iter().filter(|path| path.as_os_str() != "-") {
        std::fs::metadata(path).map_err(|error| {
            Failure::usage(calls::cannot_read(text::named(path), error.into())).about(text::path_named(path))
        })?;
    }
    Ok(Source::search(paths)?)
}

/// Refuses, before the run, an output that the next run would read as data.
pub(super) fn refuse_among_data(found: &Found, outputs: &[Named<'_>]) -> Result<(), Failure> {
    match outputs.iter().find(|output| found.includes_output(output.path)) {
        Some(output) => Err(Failure::usage(said::among_data(output.role, output.path.display()))),
        None => Ok(()),
    }
}

/// The files that a command reads; a policy that comes with the command is not a file.
pub(super) fn read_files<'p>(policies: &[&'p str], sources: &'p [Source]) -> impl Iterator<Item = Named<'p>> {
    let policies: Vec<&str> =
        policies.iter().copied().filter(|policy| !policy.starts_with("builtin:")).collect();
    let policies = policies.into_iter().map(|policy| Named::new("the policy", Path::new(policy)));
    policies.chain(sources.iter().map(|source| Named::new("the data file", source.path())))
}

/// Reads and parses a mapping file.
pub(crate) fn read_mapping(file: &Path) -> Result<Mapping, Failure> {
    Mapping::parse(&text::read(file)?).map_err(|error| {
        let line = match error.problem() {
            MappingProblem::Invalid(line, ..) => Some(*line),
            _ => None,
        };
        let failure = Failure::usage(lab_error::mapping(file.display(), &error));
        failure.about(text::path_named(file)).at(line)
    })
}

/// Reads and parses the cost file of a sweep.
pub(crate) fn read_costs(file: &Path) -> Result<Costs, Failure> {
    Costs::parse(&text::read(file)?).map_err(|error| {
        let line = match error.problem() {
            CostProblem::Invalid { line, .. } | CostProblem::NotAnAmount { line, .. } => Some(*line),
            CostProblem::UnknownFormat(..) => None,
        };
        let failure = Failure::usage(lab_error::costs(file.display(), &error));
        failure.about(text::path_named(file)).at(line)
    })
}

/// Returns 0; 130 if the run was interrupted; 1 if no row was decided, or a data file changed while it was read.
pub(super) fn exit_code(ran: &RunOutcome, output: &Output) -> u8 {
    match (ran.complete, ran.tally.rows()) {
        (false, _) if ran.changed.is_empty() => 130,
        (false, _) => 1,
        (true, 0) => {
            output.note(said::NO_ROWS);
            1
        }
        (true, _) => 0,
    }
}
