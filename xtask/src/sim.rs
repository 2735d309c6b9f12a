//! Runs the flow's simulation with more seeds than the tests have.

use anyhow::{Result, bail};

use crate::shell::{command, run as run_command};

const SEEDS: &str = "100000";

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let seeds = match args {
        [] => SEEDS,
        ["--seeds", seeds] => seeds,
        _ => bail!("unknown arguments; sim takes `--seeds N`"),
    };
    if seeds.parse::<u64>().is_err() {
        bail!("`{seeds}` is not a number");
    }
    let args = ["test", "--release", "-p", "cloudauth-flow", "--all-features", "--test", "sim"];
    run_command(command("cargo", &args).env("CLOUDAUTH_SIM_SEEDS", seeds))
}
