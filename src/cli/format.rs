//! The form of what is printed.

use std::io::{self, Write};

use clap::Args;
use tokio::task::spawn_blocking;

use super::error::Error;

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
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Writes lines of a table.
pub(crate) fn write_lines(out: &mut impl Write, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
