//! The output formats.

use std::{
    env,
    fmt::Display,
    io::{self, Write},
};

use clap::Args;
use serde_json::ser::Formatter;
use tokio::task::spawn_blocking;

use crate::cli::error::Error;

use super::{
    closed,
    terminal_text::{EscapingWriter, escape_lines, is_control},
};

/// The options `--json` and `--csv`.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Format {
    /// Print JSON: one object per frame, with full precision
    #[arg(long, global = true, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print CSV: a header, then one line per frame, with full precision; a field with a fault is
    /// empty
    #[arg(long, global = true)]
    pub(crate) csv: bool,
}

impl Format {
    /// Whether programs read the output, not a person.
    pub(crate) fn is_machine_readable(self) -> bool {
        self.json || self.csv
    }
}

/// Prints everything at once, so that a reader never sees a part.
pub(crate) fn print(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<(), Error> {
    print_text(&text(write)?).map_err(Error::Output)
}

/// The same on another thread, so that this one receives signals even if the reader has stopped.
pub(crate) async fn print_elsewhere(
    write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
) -> Result<(), Error> {
    let text = text(write)?;
    print_late(move || Ok(text)).await
}

/// The same for a text that is made on that thread, right before it is printed.
pub(crate) async fn print_late(
    text: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
) -> Result<(), Error> {
    let printed = spawn_blocking(|| print_text(&text()?)).await;
    let printed = printed.unwrap_or_else(|failed| Err(failed.into()));
    printed.map_err(Error::Output)
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    write(&mut text).map_err(Error::Output)?;
    Ok(text)
}

fn print_text(text: &[u8]) -> io::Result<()> {
    closed::check()?;
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

/// Writes one line of JSON.
pub(crate) fn write_json(
    out: &mut impl Write,
    value: &(impl serde::Serialize + ?Sized),
) -> io::Result<()> {
    let mut json = serde_json::Serializer::with_formatter(&mut *out, EscapingJson);
    value.serialize(&mut json)?;
    out.write_all(b"\n")
}

/// Escapes all characters that control a terminal as `\uXXXX`. JSON itself requires that only of the first 32.
struct EscapingJson;

impl Formatter for EscapingJson {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_control(*c)) {
            let (before, from) = rest.split_at(at);
            write!(out, "{before}\\u{:04x}", u32::from(c))?;
            rest = from.get(c.len_utf8()..).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }
}

/// Prints lines, with control characters escaped.
pub(crate) fn say(lines: impl Display) -> Result<(), Error> {
    print(|out| writeln!(EscapingWriter(out), "{lines}"))
}

/// Reports what was done. A process that the bus has started reports nothing: its output belongs to the bus.
pub(crate) fn report(text: impl Display) -> Result<(), Error> {
    if env::var_os("DBUS_STARTER_ADDRESS").is_some() {
        return Ok(());
    }
    say(format_args!("sampled: {text}"))
}

/// Prints a note on standard error. A failure to write is ignored.
pub(crate) fn note(text: impl Display) {
    let text = format!("sampled: {text}\n");
    io::stderr().write_all(escape_lines(&text).as_bytes()).ok();
}

/// Writes the lines of a table, whose cells are escaped already.
pub(crate) fn write_lines(out: &mut impl Write, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
