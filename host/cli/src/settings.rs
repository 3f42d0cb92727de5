//! Where settings come from: the command line, else the environment, else a file, else what is
//! built in.
//!
//! The file's values become the defaults of the flags of the same name, so that whatever can be
//! a variable can stand in the file, is checked as the flag is, and is shown by `--help`. What has
//! no variable is no setting but what one command is told to do: no file says that.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

/// The file looked for in the current folder.
const FILE: &str = "ringwright.toml";

/// Reads the command line, with the settings file behind it.
///
/// # Errors
/// Where there is a file that cannot be used. A command line that cannot be used, or that asks
/// for help, ends the process.
pub fn parse<C: CommandFactory + FromArgMatches>() -> Result<C> {
    let mut command = C::command();
    if let Some(file) = file(command.clone()) {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read the settings file {}", file.display()))?;
        command = with_defaults(command, &text)
            .with_context(|| format!("settings file {}", file.display()))?;
    }
    let matches = command.clone().get_matches();
    Ok(C::from_arg_matches(&matches).unwrap_or_else(|e| e.format(&mut command).exit()))
}

/// The file to read. A first look at the command line tells, whatever else is wrong with it.
fn file(command: Command) -> Option<PathBuf> {
    let matches = command
        .ignore_errors(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .try_get_matches()
        .ok();
    matches.as_ref().and_then(named).or_else(|| Path::new(FILE).exists().then(|| FILE.into()))
}

fn named(matches: &ArgMatches) -> Option<PathBuf> {
    let here = matches.try_get_one::<PathBuf>("config").ok().flatten().cloned();
    here.or_else(|| matches.subcommand().and_then(|(_, below)| named(below)))
}

/// Puts a file's values where the flags of these names take their defaults from.
fn with_defaults(mut command: Command, text: &str) -> Result<Command> {
    let table: toml::Table = text.parse()?;
    for (key, value) in table {
        let flag = key.replace('_', "-");
        let values = texts(&value).with_context(|| {
            format!("'{key}' must be a text, a number, true or false, or a list of these")
        })?;
        let mut known = false;
        command = with_default(command, &flag, &values, &mut known);
        ensure!(known, "there is no setting '{key}'");
    }
    Ok(command)
}

/// The same for one flag, wherever a command or one below it has it.
fn with_default(mut command: Command, flag: &str, values: &[String], known: &mut bool) -> Command {
    let is_it =
        |arg: &&Arg| arg.get_long() == Some(flag) && arg.get_env().is_some() && flag != "config";
    let id = command.get_arguments().find(is_it).map(|a| a.get_id().clone());
    if let Some(id) = id {
        *known = true;
        command = command.mut_arg(id, |arg| arg.default_values(values.to_vec()));
    }
    command.mut_subcommands(|below| with_default(below, flag, values, known))
}

/// A value as the command line would have it.
fn texts(value: &toml::Value) -> Result<Vec<String>> {
    Ok(match value {
        toml::Value::String(text) => vec![text.clone()],
        toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => {
            vec![value.to_string()]
        }
        toml::Value::Array(list) => list.iter().map(texts).collect::<Result<Vec<_>>>()?.concat(),
        toml::Value::Datetime(_) | toml::Value::Table(_) => bail!("not a value"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        command: Sub,
    }

    #[derive(clap::Subcommand)]
    enum Sub {
        Serve {
            #[arg(long, env = "RINGWRIGHT_TEST_UNSET", default_value_t = 1)]
            port: u16,
            #[arg(long, env = "RINGWRIGHT_TEST_UNSET", default_values = ["x"])]
            plugin_dir: Vec<String>,
            #[arg(long, env = "RINGWRIGHT_TEST_UNSET")]
            demo: bool,
            #[arg(long)]
            now: bool,
        },
    }

    fn parse(file: &str, args: &[&str]) -> Result<(u16, Vec<String>, bool)> {
        let command = with_defaults(Cli::command(), file)?;
        let matches = command.try_get_matches_from([&["ringwright", "serve"], args].concat())?;
        let Sub::Serve { port, plugin_dir, demo, now: _ } =
            Cli::from_arg_matches(&matches)?.command;
        Ok((port, plugin_dir, demo))
    }

    #[test]
    fn the_file_goes_before_what_is_built_in_and_after_a_flag() {
        let file = "port = 2\nplugin_dir = ['a', 'b']\ndemo = true";
        assert_eq!(parse("", &[]).unwrap(), (1, vec!["x".into()], false));
        assert_eq!(parse(file, &[]).unwrap(), (2, vec!["a".into(), "b".into()], true));
        let flags = ["--port", "3", "--plugin-dir", "c"];
        assert_eq!(parse(file, &flags).unwrap(), (3, vec!["c".into()], true));
    }

    #[test]
    fn what_the_file_gets_wrong_is_named() {
        let told = |file| format!("{:#}", parse(file, &[]).unwrap_err());
        assert!(told("porf = 1").contains("no setting 'porf'"), "{}", told("porf = 1"));
        assert!(told("now = true").contains("no setting 'now'"), "{}", told("now = true"));
        assert!(told("port = 'x'").contains("--port"), "{}", told("port = 'x'"));
        assert!(told("[port]").contains("'port' must be a text"), "{}", told("[port]"));
        assert!(told("port = ").contains("line 1"), "{}", told("port = "));
    }

    /// A file that has each setting of the balancer.
    fn whole_file(serve: &Command) -> String {
        let settings = serve.get_arguments().filter(|a| a.get_env().is_some());
        let line = |arg: &Arg| {
            let values = arg.get_default_values().join(std::ffi::OsStr::new(","));
            let value = match (arg.get_long().unwrap(), arg.get_action().takes_values()) {
                ("bounded-load", _) => "0.25".into(),
                ("init", _) => "cluster.json".into(),
                ("metadata-password-file", _) => "password".into(),
                ("postgres-bin", _) => "/usr/bin".into(),
                ("max-connections", _) => "100".into(),
                ("token-file", _) => "token".into(),
                (_, false) => "true".into(),
                _ => values.into_string().unwrap(),
            };
            format!("{} = '{value}'\n", arg.get_long().unwrap())
        };
        settings.map(line).collect()
    }

    /// The commands there are, and those below them.
    fn commands(command: &Command, path: &[String], all: &mut Vec<Vec<String>>) {
        let path = [path, &[command.get_name().to_owned()]].concat();
        if !command.has_subcommands() {
            let needed = command.get_positionals().filter(|a| a.is_required_set());
            all.push([path, needed.map(|_| "x".to_owned()).collect()].concat());
            return;
        }
        command.get_subcommands().for_each(|below| commands(below, &path, all));
    }

    #[test]
    fn one_file_does_for_every_command() {
        let command = crate::Cli::command();
        let file = whole_file(command.find_subcommand("serve").unwrap());
        assert!(file.contains("placement = 'spread'") && file.contains("demo = 'true'"), "{file}");
        let mut all = Vec::new();
        commands(&command, &[], &mut all);
        assert!(all.iter().any(|line| line.join(" ") == "ringwright plugin swap x"), "{all:?}");
        for line in all {
            let command = with_defaults(command.clone(), &file).unwrap();
            let matches = command.try_get_matches_from(&line).unwrap_or_else(|e| panic!("{e}"));
            crate::Cli::from_arg_matches(&matches).unwrap_or_else(|e| panic!("{line:?}: {e}"));
        }
    }
}
