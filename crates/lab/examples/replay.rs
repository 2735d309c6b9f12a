//! Replays a file with the worked policy on one thread, for valgrind to count instructions; `docs/performance.md` has the
//! command.

use cloudauth_lab::{Lab, Replay, RunControl, Source};
use cloudauth_policy::{Policy, builtin};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("replay <file>")?.into();
    let policy = Policy::parse(builtin::ONBOARDING)?;
    let ran = Lab::new(&policy).threads(1).run(&Source::find(&[path])?, &RunControl::default())?;
    for rule in Replay::of(&ran.tally).rules {
        println!("{rule:?}");
    }
    Ok(())
}
