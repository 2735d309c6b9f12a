//! Keeps inputs of a run in `fuzz/corpus`: a few that together reach most.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::shell::root;

/// The most inputs of a target that are kept, and their bytes.
const INPUTS: usize = 50;
const BYTES: u64 = 64 << 10;

/// The folders of a target's inputs.
pub(super) struct Folders {
    pub(super) seeds: PathBuf,
    pub(super) corpus: PathBuf,
    pub(super) found: PathBuf,
}

/// An input, and the features that it reaches: libFuzzer's numbers for a place in the code and how often it is reached.
struct Input {
    file: PathBuf,
    size: u64,
    features: BTreeSet<usize>,
}

/// Chooses among the inputs that runs found and those that are kept, and keeps the chosen ones. A failure leaves those that were there.
pub(super) fn keep(mut fuzzer: Command, target: &str, folders: &Folders) -> Result<()> {
    let scratch = root().join("fuzz/target/keep").join(target);
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    let (merged, control, log) = (scratch.join("merged"), scratch.join("control"), scratch.join("log"));
    fs::create_dir_all(&merged)?;
    fs::create_dir_all(&folders.found)?;
    fs::create_dir_all(&folders.corpus)?;
    fuzzer.arg("-set_cover_merge=1").arg(format!("-merge_control_file={}", control.display()));
    fuzzer.arg(merged).args([&folders.seeds, &folders.corpus, &folders.found]);
    let status = fuzzer.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?).status();
    ensure!(
        status.context("cannot start the fuzzer")?.success(),
        "no inputs are kept: see {}",
        log.display()
    );
    let (of_seeds, mut others): (Vec<_>, Vec<_>) = inputs(&fs::read_to_string(&control)?)?
        .into_iter()
        .partition(|input| input.file.starts_with(&folders.seeds));
    for seed in of_seeds {
        without(&mut others, &seed.features);
    }
    let chosen = chosen(others);
    replace(&folders.corpus, &scratch, &chosen)?;
    let bytes: u64 = chosen.iter().map(|input| input.size).sum();
    println!("fuzz: {target}: keeps {} inputs with {bytes} bytes", chosen.len());
    Ok(())
}

/// Reads libFuzzer's file about a merge: the number of files, the number of those in the first folder, the files, and what each reaches.
fn inputs(control: &str) -> Result<Vec<Input>> {
    let mut lines = control.lines();
    let count: usize = lines.next().and_then(|count| count.parse().ok()).context("no number of files")?;
    let files = lines.by_ref().skip(1).take(count);
    let read = |file: &str| {
        let size = fs::metadata(file)?.len();
        Ok(Input { file: file.into(), size, features: BTreeSet::new() })
    };
    let mut inputs = files.map(read).collect::<Result<Vec<_>>>()?;
    for numbers in lines.filter_map(|line| line.strip_prefix("FT ")) {
        let mut numbers = numbers.split_whitespace().filter_map(|number| number.parse().ok());
        let input = numbers.next().and_then(|at: usize| inputs.get_mut(at)).context("no such file")?;
        input.features = numbers.collect();
    }
    Ok(inputs)
}

fn without(inputs: &mut [Input], reached: &BTreeSet<usize>) {
    for input in inputs {
        input.features.retain(|feature| !reached.contains(feature));
    }
}

/// Takes the input with the most new features for its bytes, again and again.
fn chosen(mut left: Vec<Input>) -> Vec<Input> {
    let (mut chosen, mut bytes) = (Vec::new(), 0);
    while chosen.len() < INPUTS {
        left.retain(|input| !input.features.is_empty() && bytes + input.size <= BYTES);
        // An input costs a file too.
        let worth =
            |input: &Input| (input.features.len() as u64 * 4096 / (input.size + 64), Reverse(input.size));
        let Some(best) = (0..left.len()).max_by_key(|at| left.get(*at).map(worth)) else { break };
        let best = left.swap_remove(best);
        without(&mut left, &best.features);
        bytes += best.size;
        chosen.push(best);
    }
    chosen
}

/// Moves whole files into the folder, and then removes the others: each moment has all of the old ones or all of the new ones.
fn replace(folder: &Path, scratch: &Path, chosen: &[Input]) -> Result<()> {
    let mut kept = BTreeSet::new();
    for input in chosen {
        let name = input.file.file_name().context("an input has no name")?;
        let copy = scratch.join(name);
        fs::copy(&input.file, &copy)?;
        fs::rename(copy, folder.join(name))?;
        kept.insert(folder.join(name));
    }
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        if !kept.contains(&file) {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}
