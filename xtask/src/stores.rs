//! Runs the tests of the flow and its stores that need a server, and what takes minutes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::shell::{cargo, command, run};
use crate::tools::postgres::Postgres;

/// Tests the PostgreSQL store against a server that it starts.
pub(crate) fn postgres() -> Result<()> {
    let server = Postgres::start()?;
    // The whole workspace, to reuse the builds of `cargo xtask ci`.
    let args = ["test", "--workspace", "--test", "postgres", "--", "--include-ignored"];
    run(command("cargo", &args).env("CLOUDAUTH_POSTGRES", server.address()))
}

/// Kills 300 processes over 10,000 verifications: of SQLite, then of three instances on PostgreSQL, whose server restarts. Or of one
/// of the two.
pub(crate) fn crash(args: &[&str]) -> Result<()> {
    let (sqlite, postgres) = match args {
        [] => (true, true),
        ["sqlite"] => (true, false),
        ["postgres"] => (false, true),
        _ => bail!("unknown arguments; crash takes `sqlite` or `postgres`"),
    };
    if sqlite {
        kill("crash", "processes_that_are_killed_leave_nothing_stuck_decided_twice_or_lost", None)?;
    }
    if !postgres {
        return Ok(());
    }
    let server = Postgres::start()?;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let restarts = scope.spawn(|| {
            let mut restarts = 0;
            while !is_over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_secs(10));
                server.restart()?;
                restarts += 1;
            }
            anyhow::Ok(restarts)
        });
        let name = "instances_that_are_killed_leave_nothing_stuck_decided_twice_or_lost";
        let result = kill("postgres_crash", name, Some(&server));
        is_over.store(true, Ordering::Relaxed);
        let restarts = restarts.join().map_err(|_| anyhow::anyhow!("restarting the server panicked"))??;
        println!("crash: the server was restarted {restarts} times");
        result
    })
}

/// Runs a test that kills processes, with this server.
fn kill(test: &str, name: &str, server: Option<&Postgres>) -> Result<()> {
    let args =
        ["test", "--workspace", "--test", test, "--", "--include-ignored", "--nocapture", "--exact", name];
    let mut tests = command("cargo", &args);
    tests.env("CLOUDAUTH_KILLS", "300").env("CLOUDAUTH_ORDERS", "10000");
    if let Some(server) = server {
        tests.env("CLOUDAUTH_POSTGRES", server.address());
    }
    run(&mut tests)
}

/// Runs the flow's simulation with more seeds than the tests have.
pub(crate) fn sim(args: &[&str]) -> Result<()> {
    let seeds = match args {
        [] => "100000",
        ["--seeds", seeds] => seeds,
        _ => bail!("unknown arguments; sim takes `--seeds N`"),
    };
    if seeds.parse::<u64>().is_err() {
        bail!("`{seeds}` is not a number");
    }
    let args = ["test", "--release", "-p", "cloudauth-flow", "--all-features", "--test", "sim"];
    run(command("cargo", &args).env("CLOUDAUTH_SIM_SEEDS", seeds))
}

/// Runs a service with faults for half an hour, or for other minutes.
pub(crate) fn soak(args: &[&str]) -> Result<()> {
    let minutes = match args {
        [] => "30",
        ["--minutes", minutes] => minutes,
        _ => bail!("unknown arguments; soak takes `--minutes N`"),
    };
    cargo(&format!("bench -p cloudauth-tests --bench soak -- --minutes {minutes}"))
}
