//! The console blocks of the pages in docs/: runs their commands against an emulator, and writes what they print.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use anyhow::{Context, Result, bail, ensure};

use super::Generated;
use crate::shell::{built_as, built_for, files, root};

/// The address of the emulator in the pages.
const ADDRESS: &str = "127.0.0.1:8321";
/// The addresses of the callback listener and of a second emulator in the pages.
const OTHERS: [&str; 2] = ["127.0.0.1:8322", "127.0.0.1:8323"];
/// The content of the quick start's `person.json`.
const PERSON: &str =
    r#"{"CertName": "张三", "CertNo": "999999199001012003", "MetaInfo": {"zimVer": "3.0.0"}}"#;
/// A line that separates the outputs of two commands.
const MARK: &str = "--8<--";

/// Writes the outputs into the pages.
pub(crate) fn write() -> Result<()> {
    super::write(rendered()?)
}

/// Fails if a page is stale.
pub(crate) fn check() -> Result<()> {
    super::check(rendered()?, "run `cargo xtask console`")
}

fn rendered() -> Result<Vec<Generated>> {
    for address in OTHERS.into_iter().chain([ADDRESS]) {
        if TcpStream::connect(address).is_ok() {
            bail!("{address} is in use: the commands of the pages need this port");
        }
    }
    let (program, folder) = (PathBuf::from(built_for("--test cli")?), PathBuf::from(built_as("console")?));
    let mut pages = Vec::new();
    // A page and its translation have the same commands: they run once.
    let mut results = BTreeMap::new();
    for page in files("md")?.into_iter().filter(|page| page.starts_with(root().join("docs"))) {
        let text = fs::read_to_string(&page)?;
        if text.contains("\n```console\n") {
            let commands = commands(&text);
            if !results.contains_key(&commands) {
                let outputs = run(&commands, &program, &folder)
                    .with_context(|| format!("cannot run {}", page.display()))?;
                results.insert(commands.clone(), outputs);
            }
            let outputs = results.get(&commands).map(Vec::as_slice).unwrap_or_default();
            pages.push((page, render(&text, &commands, outputs)?));
        }
    }
    Ok(pages)
}

/// Returns the page with fresh outputs.
fn render(text: &str, commands: &[String], outputs: &[String]) -> Result<String> {
    let mut results = commands.iter().zip(outputs);
    let (mut page, mut in_block) = (String::new(), false);
    for line in text.lines() {
        if in_block && line.starts_with("$ ") {
            let (command, output) = results.next().context("a command without an output")?;
            write!(page, "$ {command}\n{output}")?;
        }
        in_block = if in_block { line != "```" } else { line == "```console" };
        if !in_block || line == "```console" {
            writeln!(page, "{line}")?;
        }
    }
    Ok(page)
}

/// The commands of a page's console blocks: lines after `$ `, with the lines that a backslash continues.
fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for block in text.split("\n```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap_or_default();
        let mut continued = false;
        for line in block.lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push(command.to_owned()),
                (None, Some(command)) if continued => {
                    command.push('\n');
                    command.push_str(line);
                }
                _ => {}
            }
            let is_command = continued || line.starts_with("$ ");
            continued = is_command && line.ends_with('\\');
        }
    }
    commands
}

/// Runs the commands one after the other, beside a new emulator, and returns what each printed.
fn run(commands: &[String], program: &Path, folder: &Path) -> Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("person.json"), format!("{PERSON}\n"))?;
    let mut emulator = start(program)?;
    // Background processes of the page end with the shell, which has its own process group.
    let mut script = "trap 'trap - TERM; kill 0' EXIT; exec 2>&1 3<&0 </dev/null\n".to_owned();
    for command in commands {
        // Waits for a line of this program.
        write!(script, "{command}\necho '{MARK}'; read -r _ <&3 || exit\n")?;
    }
    let path = program.parent().context("the command has no folder")?;
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell.env("PATH", format!("{}:{}", path.display(), env::var("PATH").unwrap_or_default()));
    shell.env("LANG", "C").env("CLOUDAUTH_ENDPOINT", format!("http://{ADDRESS}"));
    shell
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "EMUtestid")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "EMUtestsecret");
    let outputs = shell.spawn().map_err(Into::into).and_then(|mut shell| {
        let (go, printed) = shell.stdin.take().zip(shell.stdout.take()).context("the shell has no pipes")?;
        let mut printed = BufReader::new(printed);
        let outputs = outputs(go, &mut printed, commands, program);
        // Until the background processes have ended too: the next page needs their ports.
        let _ = io::copy(&mut printed, &mut io::sink()).and_then(|_| shell.wait());
        outputs
    });
    let _ = emulator.kill().and_then(|()| emulator.wait());
    outputs
}

/// Reads what each command prints. The next one begins when the servers of the page are ready and the callbacks are answered.
fn outputs(
    mut go: impl Write,
    printed: &mut impl BufRead,
    commands: &[String],
    program: &Path,
) -> Result<Vec<String>> {
    let end = format!("{MARK}\n");
    let mut outputs = Vec::new();
    for command in commands {
        let mut output = String::new();
        while !output.ends_with(&end) {
            ensure!(printed.read_line(&mut output)? > 0, "the shell ended at `{command}`:\n{output}");
        }
        output.truncate(output.len() - end.len());
        outputs.push(output);
        match command.strip_suffix('&').and_then(|server| server.split_once("--port ")) {
            Some((_, port)) => {
                let port = port.split(' ').next().unwrap_or_default();
                wait_for(&format!("127.0.0.1:{port}"))?;
            }
            None => {
                let mut advance = Command::new(program);
                advance
                    .args(["clock", "advance", "0s"])
                    .env("CLOUDAUTH_ENDPOINT", format!("http://{ADDRESS}"));
                let advanced = advance.output()?;
                ensure!(advanced.status.success(), "{}", String::from_utf8_lossy(&advanced.stderr));
            }
        }
        writeln!(go)?;
    }
    Ok(outputs)
}

/// Starts an emulator at the address.
fn start(program: &Path) -> Result<Child> {
    let port = ADDRESS.rsplit(':').next().unwrap_or_default();
    let mut emulator = Command::new(program);
    let mut child = emulator.args(["emulator", "--port", port]).stdout(Stdio::null()).spawn()?;
    let listens = wait_for(ADDRESS);
    if listens.is_err() {
        let _ = child.kill().and_then(|()| child.wait());
    }
    listens.map(|()| child)
}

/// Waits until a server listens.
fn wait_for(address: &str) -> Result<()> {
    for _ in 0..600 {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("nothing listens at {address}")
}
