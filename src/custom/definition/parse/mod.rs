//! From the text of a file to its definitions and the diagnostics in it: a pure function.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use crate::{
    custom::extract::{Extract, Find, Form},
    diagnostic::{self, Diagnostic, Key, Value},
    metric::{Kind, unit},
};

use super::{Command, Definition, Origin, Part, Path, entry::Entry, id};

/// What a text is understood by.
#[derive(Clone, Debug)]
pub(in crate::custom) struct Context {
    /// What `~` stands for.
    pub(in crate::custom) home: Option<PathBuf>,
    /// The patterns of all ids that belong to other sources.
    pub(in crate::custom) taken: Vec<&'static str>,
}

/// What a text says.
#[derive(Debug, Default)]
pub(in crate::custom) struct Parsed {
    pub(in crate::custom) definitions: Vec<Definition>,
    /// In the order of the text.
    pub(in crate::custom) diagnostics: Vec<Diagnostic>,
    /// The ids whose definitions have a diagnostic.
    pub(in crate::custom) invalid: BTreeSet<String>,
}

/// The commands of a file, by name; none for one with a diagnostic.
type Commands = BTreeMap<String, Option<Arc<Command>>>;

const METRIC: &str = "name, description, unit, kind, minimum, maximum, file, command, expression, \
                      regex, json, scale, offset, stale_after";
const COMMAND: &str = "argv, shell, interval, timeout, lines";

/// What a text says.
///
/// # Errors
/// When it is no TOML: then nothing is known of it.
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
    let mut entry = Entry::open("commands", key, value, COMMAND, diagnostics)?;
    let program = entry.program(context.home.as_deref());
    let mut run = crate::custom::command::Command::new(program?);
    if let Some(interval) = entry.duration("interval") {
        run.interval = interval;
    }
    if let Some(timeout) = entry.duration("timeout") {
        run.timeout = Some(timeout);
    }
    if let Some(lines) = entry.flag("lines") {
        run.lines = lines;
        // Who writes lines says when there is something to say.
        if lines && !entry.has("timeout") {
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
    let mut entry = Entry::open("metrics", key, value, METRIC, diagnostics)?;
    let kind = entry.kind();
    let (minimum, maximum) = (entry.number("minimum"), entry.number("maximum"));
    if let (Some(least), Some(most)) = (minimum, maximum)
        && least > most
    {
        entry.report(
            "minimum",
            format!("{least} is more than the maximum, {most}"),
        );
    }
    let unit = entry.unit();
    if kind == Kind::Text {
        let numeric = ["unit", "minimum", "maximum", "scale", "offset"];
        entry.refuse(&numeric, "a text has none");
    }
    let origin = origin(&mut entry, kind, context, commands);
    let name = entry.text("name").unwrap_or_else(|| id::name(id));
    let description = entry.text("description");
    if entry.diagnostics.len() > before {
        return None;
    }
    let origin = origin?;
    Some(Definition {
        id: (**id).into(),
        name,
        description: description.unwrap_or_else(|| describe(&origin)),
        unit: unit.unwrap_or_else(|| default_unit(kind).to_owned()),
        kind,
        minimum,
        maximum,
        origin,
        position: diagnostic::Position { line: 1, column: 1 },
    })
}

/// The origin of the values; `None` if it is invalid, or its command is.
fn origin(
    entry: &mut Entry<'_, '_>,
    kind: Kind,
    context: &Context,
    commands: &Commands,
) -> Option<Origin> {
    let given = ["file", "command", "expression"].map(|key| (key, entry.has(key)));
    let given: Vec<_> = given.iter().filter(|(_, is_given)| *is_given).collect();
    let [(origin, _)] = given[..] else {
        let found = given.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        let found = match found[..] {
            [] => "none".to_owned(),
            _ => found.join(" and "),
        };
        let what = format!("one of file, command and expression is expected, and {found} is given");
        entry.report_table(what);
        return None;
    };
    if *origin != "file" {
        entry.refuse(&["stale_after"], "only a file has an age");
    }
    match *origin {
        "expression" => {
            let unfit = ["regex", "json", "scale", "offset"];
            entry.refuse(&unfit, "an expression says itself what is made of numbers");
            if matches!(kind, Kind::Text | Kind::Total) {
                let what = format!(
                    "an expression is a gauge or a rate, and no {}",
                    kind.as_str()
                );
                entry.report("kind", what);
            }
            entry.expression().map(Arc::new).map(Origin::Expression)
        }
        "file" => {
            let path = entry.path(context.home.as_deref());
            let stale_after = entry.duration("stale_after");
            let extract = Arc::new(extract(entry, kind)?);
            let part = Part {
                extract,
                stale_after,
            };
            Some(Origin::File {
                path: Path(path?),
                part,
            })
        }
        _ => {
            let name = entry.text("command")?;
            let extract = Arc::new(extract(entry, kind)?);
            let Some(command) = commands.get(&name) else {
                let known: Vec<_> = commands.keys().map(String::as_str).collect();
                let known = match known[..] {
                    [] => "this file has none".to_owned(),
                    _ => format!("known: {}", known.join(", ")),
                };
                entry.report(
                    "command",
                    format!("no command is called {name:?} ({known})"),
                );
                return None;
            };
            // Its own diagnostic is told already.
            let command = command.clone()?;
            let part = Part {
                extract,
                stale_after: None,
            };
            Some(Origin::Command { command, part })
        }
    }
}

fn extract(entry: &mut Entry<'_, '_>, kind: Kind) -> Option<Extract> {
    let find = match (entry.has("regex"), entry.has("json")) {
        (true, true) => {
            entry.report(
                "json",
                "a value is found by json or by regex, and not by both",
            );
            None
        }
        (true, false) => entry.regex().map(Find::Regex),
        (false, true) => entry.pointer().map(Find::Json),
        (false, false) => Some(Find::Whole),
    };
    let (scale, offset) = (entry.number("scale"), entry.number("offset"));
    let form = match kind {
        Kind::Text => Form::Text,
        Kind::Rate => {
            entry.refuse(&["offset"], "a rate is of differences, which have none");
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

fn default_unit(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => unit::NONE,
        Kind::Rate => unit::PER_SECOND,
        Kind::Gauge | Kind::Total => unit::ONE,
    }
}

fn describe(origin: &Origin) -> String {
    match origin {
        Origin::File { path, .. } => format!("What {} says.", path.0),
        Origin::Command { command, .. } => format!("What the command {} says.", command.name),
        Origin::Expression(text) => text.to_string(),
    }
}

#[cfg(test)]
mod tests;
