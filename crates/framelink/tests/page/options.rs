//! The page `docs/src/options.md` has all commands and options, from the data of clap. It is a unit test of
//! the program, because an integration test cannot see its arguments.

use std::fmt::Write;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use crate::arguments::Arguments;

const PAGE: &str = "docs/src/options.md";
const RENEW: &str = "FRAMELINK_RENEW=1 cargo test -p framelink --bin framelink options";
/// The heading of arguments without a heading.
const POSITIONAL: &str = "Arguments";

/// Fails if the page differs from the arguments. With `FRAMELINK_RENEW=1` it writes the page first.
#[test]
fn the_page_of_the_book_has_all_options() {
    let (path, text) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(PAGE), text());
    if std::env::var_os("FRAMELINK_RENEW").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == text,
        "{PAGE} differs from the arguments of the program; this command writes the page again: {RENEW}"
    );
}

/// The groups of options stand in one order in every help.
#[test]
fn groups_of_options_stand_in_one_order() {
    use crate::arguments::{ALIVE, LIMITS, LOAD, MESSAGES, PEER, PRINTED, TIMES};
    let order = [POSITIONAL, PEER, MESSAGES, "Which fault", LOAD, LIMITS, TIMES, ALIVE, PRINTED];
    for command in Arguments::command().get_subcommands() {
        let places: Vec<_> =
            headings(command).iter().map(|heading| order.iter().position(|it| it == heading)).collect();
        assert!(places.is_sorted() && !places.contains(&None), "{}: {:?}", command.get_name(), headings(command));
    }
}

fn text() -> String {
    let mut program = Arguments::command();
    program.build();
    let mut text = HEAD.to_owned();
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        write_command(&mut text, command);
    }
    text
}

fn write_command(text: &mut String, command: &Command) {
    let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
    let usage = command.clone().render_usage().to_string();
    let (name, about) = (command.get_name(), escaped(about.trim_end_matches('.')));
    writeln!(text, "\n## {name}\n\n{about}.\n\n```text\n{}\n```", usage.trim_start_matches("Usage: ")).unwrap();
    for heading in headings(command) {
        writeln!(text, "\n| {heading} | default | |\n| --- | --- | --- |").unwrap();
        for arg in arguments(command).filter(|arg| heading_of(arg) == heading) {
            writeln!(text, "{}", row(arg)).unwrap();
        }
    }
    let examples = command.get_after_help().unwrap().to_string();
    let (title, lines) = examples.split_once('\n').unwrap();
    writeln!(text, "\n{title}\n\n```console").unwrap();
    for line in lines.lines().map(|line| line.strip_prefix("  ").unwrap()) {
        let prompt = if line.starts_with(' ') { "" } else { "$ " };
        writeln!(text, "{prompt}{line}").unwrap();
    }
    text.push_str("```\n");
}

/// The arguments of a command, apart from `--help`.
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_id() != "help")
}

fn headings(command: &Command) -> Vec<&str> {
    let mut headings = Vec::new();
    let (positional, options) = arguments(command).partition::<Vec<_>, _>(|arg| arg.is_positional());
    for heading in positional.into_iter().chain(options).map(heading_of) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings
}

fn heading_of(arg: &Arg) -> &str {
    arg.get_help_heading().unwrap_or(POSITIONAL)
}

/// Returns a row of a table. The default stands in brackets after the first sentence of the help, or clap has it.
fn row(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).unwrap().to_string();
    let (before, default, after) = match help.split_once(" [default: ") {
        Some((before, rest)) => {
            let (default, after) = rest.split_once(']').unwrap();
            (before.to_owned(), default.to_owned(), after)
        }
        None => {
            let known: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
            let required = if arg.is_required_set() { "required" } else { "" };
            let default = if arg.get_action().takes_values() { known.join(",") } else { "off".to_owned() };
            (help.clone(), if default.is_empty() { required.to_owned() } else { default }, "")
        }
    };
    let help = format!("{}. {}", before.trim_end_matches('.'), after.trim_start_matches('.').trim());
    let help = escaped(help.trim_end_matches([' ', '.'])).split_whitespace().collect::<Vec<_>>().join(" ");
    format!("| `{arg}` | {} | {help}. |", escaped(&default))
}

/// Escapes the marks of Markdown.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<").replace('*', "\\*")
}

const HEAD: &str = "\
<!-- Written by the test `options` of framelink: change `crates/framelink/src/arguments`, not this page. -->

# Commands and options

All commands of the program `framelink` and all their options, as `framelink COMMAND --help` shows them; `-h` is shorter. A time is a number
with a unit: `500ms`, `5s`, `1m`, `1h` or `1d`. A framing and a heartbeat are written in the [notation](notation.md).
";
