//! What is wrong with a command line, in one sentence that says what to do.

use std::env;
use std::error::Error as _;

use clap::Command;
use clap::error::{ContextKind, Error, ErrorKind};

use crate::failure::TWO_ARGUMENTS;
use crate::value::is_url_or_has_port;

/// Says what `error` found wrong with the command line of `program`, what may have been meant, and
/// which help to read.
pub(crate) fn describe(error: &Error, program: &Command) -> String {
    let command = env::args().nth(1).and_then(|name| program.find_subcommand(name));
    let path = command.map_or_else(String::new, |command| format!(" {}", command.get_name()));
    let origin = command.and_then(|command| variable(error, command));
    let origin = origin.map_or_else(String::new, |name| format!(", from {name}"));
    let meant = meant(error).map_or_else(String::new, |it| format!("; did you mean {it}?"));
    let advice = match command {
        Some(get) if get.get_name() == "get" && names_no_host(error) => {
            format!("; {TWO_ARGUMENTS}")
        }
        _ => String::new(),
    };
    format!("{}{origin}{meant}{advice}; see {}{path} --help", wrong(error), program.get_name())
}

/// Whether the first of the arguments of `get` is no host alone, and the next one is therefore no
/// port or missing.
fn names_no_host(error: &Error) -> bool {
    let argument = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let host = env::args().skip(2).find(|given| !given.starts_with('-'));
    (argument.contains("<PORT>") || argument.contains("<FILE>"))
        && host.is_some_and(|host| is_url_or_has_port(&host))
}

/// Says what is wrong.
fn wrong(error: &Error) -> String {
    let argument = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => format!("there is no argument {argument}"),
        ErrorKind::InvalidSubcommand => {
            let name = text(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("there is no command {name}")
        }
        ErrorKind::MissingRequiredArgument => format!("missing: {argument}"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument} takes a value"),
        ErrorKind::InvalidValue => {
            let valid = text(error, ContextKind::ValidValue).unwrap_or_default();
            format!("{value:?} is no value of {argument}, which takes one of: {valid}")
        }
        ErrorKind::ValueValidation => {
            let reason = error.source().map(ToString::to_string).unwrap_or_default();
            format!("invalid value {value:?} for {argument}: {reason}")
        }
        ErrorKind::ArgumentConflict => {
            let prior = text(error, ContextKind::PriorArg).unwrap_or_default();
            format!("{argument} can't be given with {prior}")
        }
        ErrorKind::InvalidUtf8 => "an argument is no UTF-8".into(),
        kind => format!("{argument}: {}", kind.as_str().unwrap_or("it is not understood")),
    }
}

/// The name that clap finds closest to a wrong one.
fn meant(error: &Error) -> Option<String> {
    [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
        .into_iter()
        .find_map(|kind| text(error, kind))
}

/// The environment variable that gave the value of the wrong argument, if none of the command line
/// did.
fn variable(error: &Error, command: &Command) -> Option<String> {
    let (argument, value) =
        (text(error, ContextKind::InvalidArg)?, text(error, ContextKind::InvalidValue)?);
    let argument = command.get_arguments().find(|it| it.to_string() == argument)?;
    let name = argument.get_env()?.to_str()?;
    let is_given = argument.get_long().is_some_and(|long| {
        env::args().any(|given| given.strip_prefix("--").is_some_and(|it| it.starts_with(long)))
    });
    (!is_given && env::var(name).is_ok_and(|it| it == value)).then(|| name.to_owned())
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    error.get(kind).map(ToString::to_string)
}
