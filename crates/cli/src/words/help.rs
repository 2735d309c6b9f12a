//! The help of the command in Chinese. The English is the doc comment of each argument.
//!
//! A key is the path of a command (`lab replay`), of its argument (`lab replay:decisions`), or of an argument that several
//! commands share (`:endpoint`); a value of an argument follows after `=`, and `#long` and `#after` are the other texts of
//! a command.

mod audit;
mod calls;
mod emulator;
#[cfg(feature = "lab")]
mod lab;
mod policy;
mod shell;

use clap::{Arg, Command};

/// A key, and the Chinese text.
type Entry = (&'static str, &'static str);

#[cfg(not(feature = "lab"))]
mod lab {
    pub(super) const HELP: [(&str, &str); 1] =
        [("lab", "在历史结果上回放、对比和校准策略；需要启用 `lab` 特性的版本")];
}

/// Replaces the English help of a command and its subcommands.
pub(crate) fn chinese(command: Command) -> Command {
    let mut command = command.bin_name("cloudauth");
    // Adds the flags and the command for help, so that their texts can be replaced too.
    command.build();
    with_chinese(command, "")
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    let all = calls::HELP.iter().chain(&audit::HELP).chain(&policy::HELP);
    all.chain(&emulator::HELP).chain(&lab::HELP).chain(&shell::HELP)
}

fn find(key: &str) -> Option<&'static str> {
    entries().find(|(found, _)| *found == key).map(|(_, text)| *text)
}

fn with_chinese(command: Command, path: &str) -> Command {
    let mut command = command
        .mut_args(|arg| argument(arg, path))
        .mut_subcommands(|sub| {
            let path = path_of(path, &sub);
            with_chinese(sub, &path)
        })
        .subcommand_value_name("命令");
    let template = template(&command);
    command = command.help_template(template);
    let key = if command.get_name() == "help" { "help" } else { path };
    if let Some(about) = find(key) {
        command = command.about(about).long_about(find(&format!("{key}#long")));
    }
    if let Some(after) = find(&format!("{path}#after")) {
        command = command.after_help(after);
    }
    let usage = command.render_usage().to_string();
    command.override_usage(in_chinese(&usage))
}

/// The template of a help page. clap's own headings end with a half-width colon.
fn template(command: &Command) -> String {
    let mut template = "{about-with-newline}\n用法：{usage}".to_owned();
    if command.has_subcommands() {
        template += "\n\n命令：\n{subcommands}";
    }
    if command.get_positionals().any(|arg| !arg.is_hide_set()) {
        template += "\n\n参数：\n{positionals}";
    }
    template + "\n\n选项：\n{options}{after-help}"
}

/// The path of a subcommand. The subcommands of `help` are the command's own.
fn path_of(path: &str, command: &Command) -> String {
    match command.get_name() {
        "help" => path.to_owned(),
        name => format!("{path} {name}").trim_start().to_owned(),
    }
}

/// The usage of a command, without clap's own words.
pub(super) fn in_chinese(usage: &str) -> String {
    usage
        .strip_prefix("Usage: ")
        .unwrap_or(usage)
        .replace("[OPTIONS]", "[选项]")
        .replace("[COMMAND]", "[命令]")
}

fn argument(arg: Arg, path: &str) -> Arg {
    let Some(help) = text_of(&arg, path) else { return arg };
    let (mut marks, mut values) = (String::new(), String::new());
    let mut listed = Vec::new();
    for value in arg.get_possible_values() {
        match find(&value_key(&arg, value.get_name())) {
            Some(text) => values += &format!("\n- {}：{text}", value.get_name()),
            None => listed.push(value.get_name().to_owned()),
        }
    }
    if !listed.is_empty() {
        marks += &format!(" [可选值：{}]", listed.join("、"));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        marks += &format!(" [默认值：{}]", defaults.join("、"));
    }
    if let Some(variable) = arg.get_env() {
        marks += &format!(" [环境变量：{}]", variable.to_string_lossy());
    }
    arg.help(format!("{help}{marks}{values}"))
        .long_help(None::<&str>)
        .hide_possible_values(true)
        .hide_default_value(true)
        .hide_env(true)
}

fn text_of(arg: &Arg, path: &str) -> Option<&'static str> {
    let id = arg.get_id();
    find(&format!("{path}:{id}")).or_else(|| find(&format!(":{id}")))
}

fn value_key(arg: &Arg, value: &str) -> String {
    format!(":{}={value}", arg.get_id())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Args;

    /// The keys of the texts that a command shows in English.
    fn keys_of(command: &Command, path: &str, keys: &mut BTreeSet<String>) {
        if command.get_name() == "help" {
            keys.insert("help".to_owned());
            return;
        }
        keys.insert(path.to_owned());
        let others = [("long", command.get_long_about()), ("after", command.get_after_help())];
        keys.extend(
            others.iter().filter(|(_, text)| text.is_some()).map(|(name, _)| format!("{path}#{name}")),
        );
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let own = format!("{path}:{}", arg.get_id());
            keys.insert(if find(&own).is_some() { own } else { format!(":{}", arg.get_id()) });
            let values = arg.get_possible_values();
            let told = values.iter().filter(|value| value.get_help().is_some());
            keys.extend(told.map(|value| value_key(arg, value.get_name())));
        }
        for sub in command.get_subcommands() {
            keys_of(sub, &path_of(path, sub), keys);
        }
    }

    #[test]
    fn help_texts_and_their_translations_correspond() {
        let mut command = Args::command();
        command.build();
        let mut keys = BTreeSet::new();
        keys_of(&command, "", &mut keys);
        let known: Vec<String> = entries().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(known.iter().collect::<BTreeSet<_>>().len(), known.len(), "a key stands twice");
        assert_eq!(known.into_iter().collect::<BTreeSet<_>>(), keys);
    }

    /// The words of clap that a reader of Chinese must not meet.
    const ENGLISH: [&str; 8] =
        ["Usage", "Options", "OPTIONS", "Commands", "COMMAND", "Arguments", "Print ", "values:"];

    fn assert_chinese(command: &mut Command) {
        for help in [command.render_help().to_string(), command.render_long_help().to_string()] {
            for word in ENGLISH {
                assert!(!help.contains(word), "{word}: {help}");
            }
            for line in help.lines().filter(|line| line.contains(". ")) {
                assert!(!line.is_ascii(), "{line}");
            }
        }
        command.get_subcommands_mut().for_each(assert_chinese);
    }

    #[test]
    fn help_has_no_text_of_clap() {
        assert_chinese(&mut chinese(Args::command()));
    }
}
