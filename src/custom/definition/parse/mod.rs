//! Parses the text of a file into definitions and diagnostics. A pure function.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use crate::{
    custom::extract::{Extract, Find, Form},
    diagnostic::{self, Diagnostic, Key, Value},
    metric::Kind,
};

use super::{Command, Definition, Part, Path, ValueOrigin, defaults, id, table::DefinitionTable};

/// The facts about the user and the other sources that parsing needs.
#[derive(Clone, Debug)]
pub(in crate::custom) struct Context {
    /// The replacement of `~`.
    pub(in crate::custom) home: Option<PathBuf>,
    /// The patterns of the ids of all other sources.
    pub(in crate::custom) taken: Vec<&'static str>,
}

/// The result of parsing a text.
#[derive(Debug, Default)]
pub(in crate::custom) struct Parsed {
    pub(in crate::custom) definitions: Vec<Definition>,
    /// In the order of their positions.
    pub(in crate::custom) diagnostics: Vec<Diagnostic>,
    /// The ids whose definitions are invalid.
    pub(in crate::custom) invalid: BTreeSet<String>,
}

/// The commands of a file, by name; `None` for an invalid one.
type Commands = BTreeMap<String, Option<Arc<Command>>>;

const METRIC: &str = "name, description, object, unit, kind, precision, minimum, maximum, warning, \
                      critical, file, command, expression, regex, json, scale, offset, stale_after";
const COMMAND: &str = "argv, shell, interval, timeout, lines";

/// Parses the text of a file.
///
/// # Errors
/// The text is not TOML.
pub(in crate::custom) fn parse(text: &str, context: &Context) -> Result<Parsed, Diagnostic> {
    let document = diagnostic::document(text)?;
    let mut parsed = Parsed::default();
    let mut commands = Commands::new();
    for (key, value) in document.get_ref() {
        if !matches!(&**key.get_ref(), "metrics" | "commands") {
            parsed
                .diagnostics
                .push(Diagnostic::unknown("", key, "metrics, commands"));
        } else if let Err(diagnostic) = diagnostic::table(key.get_ref(), value) {
            parsed.diagnostics.push(diagnostic);
        }
    }
    let tables = |name| {
        let table = document.get_ref().get(name);
        let table = table.and_then(|value| value.get_ref().as_table());
        table.into_iter().flatten()
    };
    for (key, value) in tables("commands") {
        let name = key.get_ref().to_string();
        let command = command(key, value, context, &mut parsed.diagnostics);
        commands.insert(name, command.map(Arc::new));
    }
    let mut keys = Vec::new();
    for (key, value) in tables("metrics") {
        match metric(key, value, context, &commands, &mut parsed.diagnostics) {
            Some(definition) => {
                keys.push(key.span().start);
                parsed.definitions.push(definition);
            }
            None => drop(parsed.invalid.insert(key.get_ref().to_string())),
        }
    }
    let positions = diagnostic::positions(text, keys);
    for (definition, position) in parsed.definitions.iter_mut().zip(positions) {
        definition.position = position;
    }
    parsed
        .diagnostics
        .sort_by_key(|diagnostic| diagnostic.span.start);
    Ok(parsed)
}

fn command(
    key: &Key<'_>,
    value: &Value<'_>,
    context: &Context,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Command> {
    let before = diagnostics.len();
    let mut table = DefinitionTable::open("commands", key, value, COMMAND, diagnostics)?;
    let program = table.program(context.home.as_deref());
    let mut run = crate::custom::command::Command::new(program?);
    if let Some(interval) = table.duration("interval") {
        run.interval = interval;
    }
    if let Some(timeout) = table.duration("timeout") {
        run.timeout = Some(timeout);
    }
    if let Some(lines) = table.flag("lines") {
        run.lines = lines;
        // A command that writes lines may be silent as long as nothing changes.
        if lines && !table.has("timeout") {
            run.timeout = None;
        }
    }
    let name = key.get_ref().to_string();
    (diagnostics.len() == before).then_some(Command { name, run })
}

fn metric(
    key: &Key<'_>,
    value: &Value<'_>,
    context: &Context,
    commands: &Commands,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Definition> {
    let before = diagnostics.len();
    let id = key.get_ref();
    if let Err(what) = id::check(id, &context.taken) {
        diagnostics.push(Diagnostic::new(
            key.span(),
            format!("metrics.{id:?}: {what}"),
        ));
    }
    let mut table = DefinitionTable::open("metrics", key, value, METRIC, diagnostics)?;
    let kind = table.kind();
    let (minimum, maximum) = (table.number("minimum"), table.number("maximum"));
    if let (Some(least), Some(most)) = (minimum, maximum)
        && least > most
    {
        table.report(
            "minimum",
            format!("{least} is more than the maximum, {most}"),
        );
    }
    let limits = defaults::limits(table.number("warning"), table.number("critical"));
    let precision = table.precision();
    let unit = table.unit();
    if kind == Kind::Text {
        let numeric = [
            "unit",
            "precision",
            "minimum",
            "maximum",
            "warning",
            "critical",
            "scale",
            "offset",
        ];
        table.refuse(&numeric, "a text has none");
    }
    let origin = origin(&mut table, kind, context, commands);
    let name = table.text("name").unwrap_or_else(|| id::name(id));
    let description = table.text("description");
    let object = table.text("object").unwrap_or_else(|| id::object(id));
    if table.diagnostics.len() > before {
        return None;
    }
    let origin = origin?;
    Some(Definition {
        id: (**id).into(),
        name,
        description: description.unwrap_or_else(|| defaults::description(&origin)),
        unit: unit.unwrap_or_else(|| defaults::unit(kind).to_owned()),
        kind,
        object,
        minimum,
        maximum,
        limits,
        precision,
        origin,
        position: diagnostic::Position { line: 1, column: 1 },
    })
}

/// The origin of the values; `None` if it is invalid, or its command is.
fn origin(
    table: &mut DefinitionTable<'_, '_>,
    kind: Kind,
    context: &Context,
    commands: &Commands,
) -> Option<ValueOrigin> {
    let given = ["file", "command", "expression"].map(|key| (key, table.has(key)));
    let given: Vec<_> = given.iter().filter(|(_, is_given)| *is_given).collect();
    let [(origin, _)] = given[..] else {
        let found = given.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        let found = match found[..] {
            [] => "none".to_owned(),
            _ => found.join(" and "),
        };
        let what = format!("one of file, command and expression is expected, and {found} is given");
        table.report_table(what);
        return None;
    };
    if *origin != "file" {
        table.refuse(&["stale_after"], "only a file has an age");
    }
    match *origin {
        "expression" => {
            let unfit = ["regex", "json", "scale", "offset"];
            table.refuse(
                &unfit,
                "an expression has no conversion: write it in the expression",
            );
            if matches!(kind, Kind::Text | Kind::Total) {
                let what = format!(
                    "an expression is a gauge or a rate, and no {}",
                    kind.as_str()
                );
                table.report("kind", what);
            }
            table
                .expression()
                .map(Arc::new)
                .map(ValueOrigin::Expression)
        }
        "file" => {
            let path = table.path(context.home.as_deref());
            let stale_after = table.duration("stale_after");
            let extract = Arc::new(extract(table, kind)?);
            let part = Part {
                extract,
                stale_after,
            };
            Some(ValueOrigin::File {
                path: Path(path?),
                part,
            })
        }
        _ => {
            let name = table.text("command")?;
            let extract = Arc::new(extract(table, kind)?);
            let Some(command) = commands.get(&name) else {
                let known: Vec<_> = commands.keys().map(String::as_str).collect();
                let known = match known[..] {
                    [] => "this file has none".to_owned(),
                    _ => format!("known: {}", known.join(", ")),
                };
                table.report(
                    "command",
                    format!("no command is called {name:?} ({known})"),
                );
                return None;
            };
            // An invalid command has a diagnostic of its own.
            let command = command.clone()?;
            let part = Part {
                extract,
                stale_after: None,
            };
            Some(ValueOrigin::Command { command, part })
        }
    }
}

fn extract(table: &mut DefinitionTable<'_, '_>, kind: Kind) -> Option<Extract> {
    let find = match (table.has("regex"), table.has("json")) {
        (true, true) => {
            table.report(
                "json",
                "a value is found by json or by regex, and not by both",
            );
            None
        }
        (true, false) => table.regex().map(Find::Regex),
        (false, true) => table.pointer().map(Find::Json),
        (false, false) => Some(Find::Whole),
    };
    let (scale, offset) = (table.number("scale"), table.number("offset"));
    let form = match kind {
        Kind::Text => Form::Text,
        Kind::Rate => {
            table.refuse(&["offset"], "a rate is of differences, which have none");
            Form::Counter {
                scale: scale.unwrap_or(1.0),
            }
        }
        Kind::Total if scale.is_none() && offset.is_none() => Form::Counter { scale: 1.0 },
        Kind::Gauge | Kind::Total => Form::Number {
            scale: scale.unwrap_or(1.0),
            offset: offset.unwrap_or(0.0),
        },
    };
    Some(Extract { find: find?, form })
}

#[cfg(test)]
mod tests;
