//! The form of what is printed.

use std::{
    env,
    fmt::Display,
    io::{self, Write},
};

use clap::Args;
use serde_json::ser::Formatter;
use tokio::task::spawn_blocking;

use crate::cli::error::Error;

use super::plain::{Plain, is_obeyed, plain_lines};

/// The form of what is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Format {
    /// Print JSON: one object a frame, with full precision
    #[arg(long, global = true, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print CSV: a header, then one line a frame, with full precision; a field is empty where
    /// there is a fault
    #[arg(long, global = true)]
    pub(crate) csv: bool,
}

impl Format {
    /// Whether it is for programs, and not for a person.
    pub(crate) fn is_exact(self) -> bool {
        self.json || self.csv
    }
}

/// Prints all at once, so that a reader never sees half of it.
pub(crate) fn print(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<(), Error> {
    print_text(&text(write)?).map_err(Error::Output)
}

/// The same on another thread: where the reader has stopped, this one hears signals all the same.
pub(crate) async fn print_elsewhere(
    write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
) -> Result<(), Error> {
    let text = text(write)?;
    let printed = spawn_blocking(move || print_text(&text)).await;
    let printed = printed.unwrap_or_else(|failed| Err(failed.into()));
    printed.map_err(Error::Output)
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    write(&mut text).map_err(Error::Output)?;
    Ok(text)
}

fn print_text(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

/// Writes one line of JSON.
pub(crate) fn write_json(
    out: &mut impl Write,
    value: &(impl serde::Serialize + ?Sized),
) -> io::Result<()> {
    let mut json = serde_json::Serializer::with_formatter(&mut *out, PlainJson);
    value.serialize(&mut json)?;
    out.write_all(b"\n")
}

/// JSON that means the same, in which no character is left that a terminal obeys: of those, JSON has to escape
/// no more than the first 32.
struct PlainJson;

impl Formatter for PlainJson {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_obeyed(*c)) {
            let (before, from) = rest.split_at(at);
            write!(out, "{before}\\u{:04x}", u32::from(c))?;
            rest = from.get(c.len_utf8()..).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }
}

/// Prints plain lines.
pub(crate) fn say(lines: impl Display) -> Result<(), Error> {
    print(|out| writeln!(Plain(out), "{lines}"))
}

/// Tells a person what was done. A process that the bus has started says nothing: its output is the bus's.
pub(crate) fn report(text: impl Display) -> Result<(), Error> {
    if env::var_os("DBUS_STARTER_ADDRESS").is_some() {
        return Ok(());
    }
    say(format_args!("sampled: {text}"))
}

/// Tells the person, on stderr; if nobody reads it, that is no failure.
pub(crate) fn note(text: impl Display) {
    let text = format!("sampled: {text}\n");
    io::stderr().write_all(plain_lines(&text).as_bytes()).ok();
}

/// Writes lines of a table, whose cells are plain.
pub(crate) fn write_lines(out: &mut impl Write, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
