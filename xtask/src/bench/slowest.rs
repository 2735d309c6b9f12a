//! The tests that take longest.

use std::process::Stdio;

use anyhow::{Result, bail};
use cargo_metadata::Message;

use crate::shell::command;

/// The number of tests to print.
const SHOWN: usize = 10;

/// Runs every test program of the workspace, one after the other, and prints the slowest tests.
pub(crate) fn run() -> Result<()> {
    let args = ["test", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"];
    let output = command("cargo", &args).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("cannot build the tests: {}", output.status);
    }
    let mut tests = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.profile.test
            && let Some(program) = artifact.executable
        {
            let mut program = command(program.as_str(), &["-Z", "unstable-options", "--report-time"]);
            // The test harness of the stable compiler reports times only with this variable.
            program.env("RUSTC_BOOTSTRAP", "1");
            program.current_dir(artifact.manifest_path.parent().unwrap_or(&artifact.manifest_path));
            let output = program.stderr(Stdio::inherit()).output()?;
            let text = String::from_utf8_lossy(&output.stdout);
            if !output.status.success() {
                bail!("tests of {} failed:\n{text}", artifact.target.name);
            }
            let found = text.lines().filter_map(timed);
            tests.extend(found.map(|(time, test)| (time, format!("{}: {test}", artifact.target.name))));
        }
    }
    tests.sort_by(|one, other| other.0.total_cmp(&one.0));
    println!("seconds  test");
    for (time, test) in tests.iter().take(SHOWN) {
        println!("{time:7.1}  {test}");
    }
    Ok(())
}

/// The time and the name in a line such as `test a::b ... ok <1.250s>`.
fn timed(line: &str) -> Option<(f64, &str)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let (_, time) = rest.rsplit_once('<')?;
    Some((time.strip_suffix("s>")?.parse().ok()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_test_has_its_time() {
        assert_eq!(timed("test a::b ... ok <1.250s>"), Some((1.25, "a::b")));
        assert_eq!(timed("test a::b ... ignored, needs a server"), None);
        assert_eq!(timed("test result: ok. 1 passed"), None);
    }
}
