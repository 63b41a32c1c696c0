//! The form of what is printed.

use std::io::{self, Write};

use clap::Args;

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
    let mut text = Vec::new();
    let written = write(&mut text).and_then(|()| {
        let mut out = io::stdout().lock();
        out.write_all(&text)?;
        out.flush()
    });
    written.map_err(Error::Output)
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
