//! `sampled uninstall`: takes away what `install` has put in place.

use std::process::ExitCode;

use crate::cli::{error::Error, output::format::note};

use super::install::{
    Options, print,
    replace::{self, Program},
    tell,
};

pub(crate) fn run(options: Options) -> Result<ExitCode, Error> {
    let installation = options.installation(true)?;
    let path = &installation.layout.program;
    let program = Program::at(path);
    let removed = installation.uninstall()?;
    print("removed", &removed)?;
    if removed.is_empty() {
        note("nothing of `sampled install` is there: nothing was removed");
    } else if options.destdir.is_none() && tell(false)? {
        let ended = replace::by_nothing(&program, removed.contains(path));
        ended.unwrap_or_else(|error| note(format_args!("what runs is not ended: {error}")));
    }
    Ok(ExitCode::SUCCESS)
}
