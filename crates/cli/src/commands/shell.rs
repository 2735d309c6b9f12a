//! `cloudauth completions` and `cloudauth man`: what a package installs beside the command.

use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use crate::args::Args;
use crate::failure::Failure;
use crate::output::Output;
use crate::text;

pub(crate) fn completions(shell: Shell, output: &Output) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "cloudauth", &mut script);
    let script = String::from_utf8_lossy(&script);
    output.print_file(&script, &json!({ "shell": shell.to_string(), "script": script }));
    Ok(0)
}

/// Writes a page for each command.
pub(crate) fn man(folder: &Path, output: &Output) -> Result<u8, Failure> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    page(command, folder, &mut pages)?;
    output.print(&pages.join("\n"), &json!({ "pages": pages }));
    Ok(0)
}

fn page(command: Command, folder: &Path, pages: &mut Vec<String>) -> Result<(), Failure> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        page(sub.clone(), folder, pages)?;
    }
    let man = Man::new(command);
    let (name, mut content) = (man.get_filename(), Vec::new());
    man.render(&mut content).map_err(Failure::system)?;
    text::write(&folder.join(&name), content)?;
    pages.push(name);
    Ok(())
}
