//! The vendor's own SDKs, unmodified, against the emulator.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell::{built_for, command, is_there, root, run as run_command};
use crate::tools::node;
use crate::tools::python;

pub(crate) fn run() -> Result<()> {
    for (program, what) in [("python3", "Python 3 with venv"), ("node", "Node.js"), ("npm", "npm")] {
        if !is_there(program) {
            bail!("interop needs {what}: `{program}` not found");
        }
    }
    let folder = root().join("target/interop");
    let pins = root().join("tests/interop/requirements.txt");
    let python = python::install(&[pins], &folder).context("cannot install the Python SDKs")?;
    node::install(&root().join("tests/interop"), &folder).context("cannot install the Node SDK")?;

    let program = built_for("--test cli")?;
    let emulator = Emulator::start(&program, "0")?;
    // Its clock runs ahead, so every timestamp has expired.
    let ahead = Emulator::start(&program, "1200")?;
    // No proxy: both are on loopback.
    let with = |client: &mut Command| {
        client.env("EMULATOR", &emulator.endpoint).env("EMULATOR_AHEAD", &ahead.endpoint);
        run_command(client.env("NO_PROXY", "*").env("no_proxy", "*"))
    };
    let scripts = root().join("tests/interop");
    for script in [
        "python_tea.py v3",
        "python_tea.py v3 async",
        "python_tea.py v1",
        "python_tea.py v1 async",
        "python_core.py",
    ] {
        with(Command::new(&python).current_dir(&scripts).args(script.split(' ')))?;
    }
    let table = root().join("crates/client/tests/data/profiles.jsonl");
    with(Command::new(&python).current_dir(&scripts).arg("credentials.py").arg(table))?;
    with(Command::new("node").current_dir(&folder).arg("client.js"))?;
    println!("interop: the vendor's SDKs and the emulator agree");
    Ok(())
}

/// A running `cloudauth emulator`, which ends on drop.
struct Emulator {
    child: Child,
    endpoint: String,
}

impl Emulator {
    fn start(program: &str, ahead: &str) -> Result<Self> {
        let mut server = command(program, &["emulator", "--ahead", ahead]);
        let mut child = server.stdout(Stdio::piped()).spawn().context("cannot start the emulator")?;
        let output = child.stdout.take().context("the emulator has no output")?;
        let mut emulator = Self { child, endpoint: String::new() };
        for line in BufReader::new(output).lines() {
            if let Some(endpoint) = line?.strip_prefix("export CLOUDAUTH_ENDPOINT=") {
                endpoint.clone_into(&mut emulator.endpoint);
                return Ok(emulator);
            }
        }
        bail!("the emulator did not start")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
