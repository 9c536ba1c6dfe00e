//! `docs/cli.md`: every command, argument, flag, environment variable and default.

use clap::{Arg, Command, CommandFactory as _};
use oms_operator::cli::Cli;

use super::markdown::{code, head, heads, prose, row};

/// The page.
pub fn page() -> String {
    let mut command = Cli::command();
    command.build();
    let mut page = head("Command line");
    section(&mut page, &mut command);
    for one in command.get_subcommands_mut() {
        // clap's own `help` prints the same texts.
        if one.get_name() != "help" {
            page.push_str(&format!("\n## {}\n", one.get_name()));
            section(&mut page, one);
        }
    }
    page
}

fn section(page: &mut String, command: &mut Command) {
    let about = command.get_long_about().or_else(|| command.get_about());
    if let Some(about) = about {
        page.push_str(&format!("\n{}\n", sentence(&about.to_string())));
    }
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    page.push_str(&format!("\n    {usage}\n"));
    if command.has_subcommands() {
        page.push_str(&heads(&["Command", "What it does"]));
        for one in command.get_subcommands() {
            let about = one.get_about().map(ToString::to_string);
            let name = match one.get_name() {
                "help" => code("help"),
                name => format!("[{}](#{name})", code(name)),
            };
            page.push_str(&row([name.as_str(), &sentence(&about.unwrap_or_default())]));
        }
    }
    let shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help";
    let (positional, flags): (Vec<_>, Vec<_>) = command
        .get_arguments()
        .filter(shown)
        .partition(|arg| arg.is_positional());
    if !positional.is_empty() {
        page.push_str(&heads(&["Argument", "Meaning"]));
        for arg in positional {
            let name = code(&arg.get_id().as_str().to_uppercase());
            page.push_str(&row([name.as_str(), &meaning(arg)]));
        }
    }
    if !flags.is_empty() {
        page.push_str(&heads(&["Flag", "Environment", "Default", "Meaning"]));
        for arg in flags {
            let environment = arg.get_env().map(|name| code(&name.to_string_lossy()));
            page.push_str(&row([
                flag(arg).as_str(),
                &environment.unwrap_or_default(),
                &default(arg),
                &meaning(arg),
            ]));
        }
    }
}

fn flag(arg: &Arg) -> String {
    let long = arg.get_long().map(|long| format!("--{long}"));
    let short = arg.get_short().map(|short| format!("-{short}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let mut flag = names.join(", ");
    if arg.get_action().takes_values() {
        for value in arg.get_value_names().unwrap_or_default() {
            flag.push_str(&format!(" <{value}>"));
        }
    }
    code(&flag)
}

fn default(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let values: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| code(&value.to_string_lossy()))
        .collect();
    values.join(", ")
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let mut text = sentence(&help.map(ToString::to_string).unwrap_or_default());
    // A flag without a value has `true` and `false`, which say nothing.
    let values = if arg.get_action().takes_values() {
        arg.get_possible_values()
    } else {
        Vec::new()
    };
    let values: Vec<String> = values
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| match value.get_help() {
            Some(help) => {
                let help = help.to_string();
                format!(
                    "{} ({})",
                    code(value.get_name()),
                    help.trim_end_matches('.')
                )
            }
            None => code(value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        text.push_str(&format!(" One of {}.", values.join(", ")));
    }
    text
}

/// A text with the full stop that clap takes off.
fn sentence(text: &str) -> String {
    let stop = if text.is_empty() || text.ends_with(['.', '`']) {
        ""
    } else {
        "."
    };
    format!("{}{stop}", prose(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_a_row_with_its_variable_and_a_sentence() {
        let page = page();
        let mut command = Cli::command();
        command.build();
        let mut seen = 0;
        for one in command.get_subcommands() {
            for arg in one.get_arguments().filter(|arg| arg.get_id() != "help") {
                let Some(long) = arg.get_long() else { continue };
                let line = page
                    .lines()
                    .find(|line| {
                        let names = line.split('|').nth(1).unwrap_or_default();
                        let mut names = names.split([' ', '`', ',']);
                        names.any(|name| name == format!("--{long}"))
                    })
                    .unwrap_or_else(|| panic!("--{long} has no row"));
                let variable = arg.get_env().map(|name| name.to_string_lossy());
                assert!(line.contains(&*variable.unwrap_or_default()), "{line}");
                assert!(line.trim_end_matches(" |").ends_with('.'), "{line}");
                seen += 1;
            }
        }
        assert!(seen > 15, "{seen}");
    }
}
