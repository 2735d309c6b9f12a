//! Replay, comparison, calibration and sweep.

use std::path::PathBuf;

use cloudauth_lab::{Calibration, Compare, Costs, Lab, Replay, Sweep, SweepPlan, TargetRate};
use pyo3::prelude::*;
use serde_json::Value;

use crate::analysis::Analysis;
use crate::data::{self, Data, Settings};
use crate::errors::{DataError, of_data, of_sweep};
use crate::policy::Policy;

/// Applies a policy to recorded results, as `cloudauth lab replay`.
#[pyfunction]
#[pyo3(signature = (policy, data, *, mapping = None, threads = None, allow_missing_inputs = false))]
pub(crate) fn replay(
    py: Python<'_>,
    policy: &Policy,
    data: &Bound<'_, PyAny>,
    mapping: Option<PathBuf>,
    threads: Option<usize>,
    allow_missing_inputs: bool,
) -> PyResult<Analysis> {
    let settings = Settings::new(py, mapping, threads, allow_missing_inputs)?;
    let data = Data::of(data)?;
    let ran = data.run(py, settings.apply(Lab::new(&policy.policy)))?;
    Ok(Analysis::new(data.document(&ran, &Replay::of(&ran.tally))?, "rules"))
}

/// Compares a candidate with the current policy, as `cloudauth lab compare`.
#[pyfunction]
#[pyo3(signature = (policy, candidate, data, *, mapping = None, threads = None, allow_missing_inputs = false))]
pub(crate) fn compare(
    py: Python<'_>,
    policy: &Policy,
    candidate: &Policy,
    data: &Bound<'_, PyAny>,
    mapping: Option<PathBuf>,
    threads: Option<usize>,
    allow_missing_inputs: bool,
) -> PyResult<Analysis> {
    let settings = Settings::new(py, mapping, threads, allow_missing_inputs)?;
    let data = Data::of(data)?;
    let ran =
        data.run(py, settings.apply(Lab::new(&policy.policy).against(&candidate.policy).keep_people()))?;
    let compared = Compare::of(&ran.tally).ok_or_else(|| DataError::new_err("the run has no candidate"))?;
    let mut document = data.document(&ran, &compared)?;
    if let Value::Object(members) = &mut document {
        let failing = [policy, candidate].into_iter().flat_map(|policy| {
            let examples = policy.policy.failing_examples();
            examples.map(|example| cloudauth_cli::failing_example(&policy.path, example)).collect::<Vec<_>>()
        });
        members.insert("failing_examples".to_owned(), failing.collect());
    }
    Ok(Analysis::new(document, "flips"))
}

/// Measures the thresholds of a policy on labelled results and recommends others, as `cloudauth lab calibrate`. A target is a
/// false match rate such as "1/10000" or 0.0001; the vendor's five if none is given.
#[pyfunction]
#[pyo3(signature = (policy, data, *, targets = None, step = 1, mapping = None, threads = None, allow_missing_inputs = false))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn calibrate(
    py: Python<'_>,
    policy: &Policy,
    data: &Bound<'_, PyAny>,
    targets: Option<Vec<Bound<'_, PyAny>>>,
    step: u32,
    mapping: Option<PathBuf>,
    threads: Option<usize>,
    allow_missing_inputs: bool,
) -> PyResult<Analysis> {
    if !(1..=1000).contains(&step) {
        return Err(DataError::new_err("step must be from 1 to 1000 hundredths of a point"));
    }
    let rate = |target: Bound<'_, PyAny>| {
        target.str()?.to_cow()?.parse::<TargetRate>().map_err(|error| of_data(py, error))
    };
    let targets = targets.into_iter().flatten().map(rate).collect::<PyResult<Vec<_>>>()?;
    let targets = TargetRate::or_vendor(targets);
    let settings = Settings::new(py, mapping, threads, allow_missing_inputs)?;
    let data = Data::of(data)?;
    let ran = data.run(py, settings.apply(Lab::new(&policy.policy).keep_people()))?;
    let calibration = py.detach(|| Calibration::of(&ran.tally, &targets, step));
    Ok(Analysis::new(data.document(&ran, &calibration)?, "targets"))
}

/// Decides with each value of a threshold, as `cloudauth lab sweep`. The examples of the policy may fail. A cost file, with the share
/// of impostors among all attempts as `prior`, adds the expected costs.
#[pyfunction]
#[pyo3(signature = (policy, data, *, threshold, start, stop, step, cost = None, prior = None, mapping = None, threads = None, allow_missing_inputs = false))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn sweep(
    py: Python<'_>,
    policy: &Policy,
    data: &Bound<'_, PyAny>,
    threshold: &str,
    start: f64,
    stop: f64,
    step: f64,
    cost: Option<PathBuf>,
    prior: Option<f64>,
    mapping: Option<PathBuf>,
    threads: Option<usize>,
    allow_missing_inputs: bool,
) -> PyResult<Analysis> {
    let settings = Settings::new(py, mapping, threads, allow_missing_inputs)?;
    let costs = costs(py, cost, prior)?;
    if costs.is_some() {
        settings.check_label(py)?;
    }
    let values = SweepPlan::values(start, stop, step).map_err(|error| of_data(py, error))?;
    let plan = py.detach(|| SweepPlan::new(&policy.text, threshold, values));
    let plan = plan.map_err(|error| of_sweep(py, &policy.path, error))?;
    let data = Data::of(data)?;
    let ran = data.run(py, settings.apply(Lab::sweep(&plan).keep_people()))?;
    let sweep = py.detach(|| {
        let sweep = Sweep::of(&ran.tally, &plan);
        match costs {
            Some((costs, prior)) => sweep.with_costs(&ran.tally, costs, prior),
            None => Ok(sweep),
        }
    });
    let sweep = sweep.map_err(|error| of_data(py, error))?;
    Ok(Analysis::new(data.document(&ran, &sweep)?, "values"))
}

/// Returns the costs of a sweep, and the share of impostors.
fn costs(py: Python<'_>, cost: Option<PathBuf>, prior: Option<f64>) -> PyResult<Option<(Costs, f64)>> {
    match (cost, prior) {
        (None, None) => Ok(None),
        (Some(path), Some(prior)) if prior > 0.0 && prior < 1.0 => {
            let costs = data::read_file(py, &path, cloudauth_cli::read_costs)?;
            Ok(Some((costs, prior)))
        }
        (Some(_), Some(_)) => Err(DataError::new_err(
            "prior, the share of impostors among all attempts, must be above 0 and below 1",
        )),
        (Some(_), None) => Err(DataError::new_err(
            "cost needs prior, the share of impostors among all attempts: labels do not show it",
        )),
        (None, Some(_)) => Err(DataError::new_err("prior is used by cost only: give a cost file")),
    }
}
