//! `sampled uninstall`: removes the files that `install` has written.

use std::process::ExitCode;

use crate::cli::{error::Error, output::format::note};

use super::install::{
    LayoutOptions, Reload, print, reload,
    replace::{self, InstalledProgram},
};

pub(crate) fn run(options: LayoutOptions) -> Result<ExitCode, Error> {
    let installation = options.installation(true)?;
    let path = &installation.layout.program;
    let program = InstalledProgram::at(path);
    let removed = installation.uninstall()?;
    print("removed", &removed)?;
    if removed.is_empty() {
        note("nothing of `sampled install` is there: nothing was removed");
    } else if options.destdir.is_none() && reload(false)? == Reload::Known {
        let ended = replace::after_uninstall(&program, removed.contains(path));
        ended.unwrap_or_else(|error| {
            note(format_args!("the running service is not ended: {error}"))
        });
    }
    Ok(ExitCode::SUCCESS)
}
