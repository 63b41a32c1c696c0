//! Starts the subreaper of a run, with the command as its arguments.

use std::{
    io::{self, PipeWriter},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{self, Child},
    sync::atomic::{AtomicU64, Ordering},
};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::{
    environment, orphans,
    pipe::{Keep, Pipe},
};
use crate::custom::command::{Command, Program, subreaper};

/// A new subreaper, and its connections to the service.
pub(super) struct Spawned {
    pub(super) subreaper: Child,
    pub(super) socket: UnixStream,
    /// The output and the errors of the command, unless it writes to ours.
    pub(super) output: Option<Pipe>,
    pub(super) errors: Option<Pipe>,
    /// The value of the variable [`orphans::MARK`] in the environment of the run's processes.
    pub(super) mark: String,
}

/// The environment, the standard output and the standard error of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::custom::command) enum Surroundings {
    /// An [`environment`] that does not depend on ours, and pipes.
    Own,
    /// Those of this process.
    Inherited,
}

impl Spawned {
    /// Starts this program as the subreaper of a command.
    pub(super) fn new(
        program: &Path,
        command: &Command,
        surroundings: Surroundings,
    ) -> io::Result<Self> {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let mark = format!("{}.{}", process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        let mut program = process::Command::new(program);
        program
            .arg(subreaper::ARGUMENT)
            .arg(environment::directory(command));
        match &command.program {
            Program::Argv(argv) => program.args(argv),
            Program::Shell(text) => program.args(["/bin/sh", "-c"]).arg(text),
        };
        let (mut output, mut errors) = (None, None);
        match surroundings {
            Surroundings::Own => {
                let keep = match command.lines {
                    true => Keep::LastLine,
                    false => Keep::Whole,
                };
                program.env_clear().envs(environment::of(command));
                program.stdout(pipe(keep, &mut output)?);
                program.stderr(pipe(Keep::Head, &mut errors)?);
            }
            Surroundings::Inherited => {
                program.envs(command.environment.iter().cloned());
            }
        }
        program
            .env(orphans::MARK, &mark)
            .stdin(OwnedFd::from(theirs));
        Ok(Self {
            subreaper: program.spawn()?,
            socket,
            output,
            errors,
            mark,
        })
    }
}

/// A pipe with a non-blocking read end. The command has the write end, which blocks.
fn pipe(keep: Keep, reader: &mut Option<Pipe>) -> io::Result<PipeWriter> {
    let (reading, writing) = io::pipe()?;
    fcntl(&reading, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    *reader = Some(Pipe::new(reading.into(), keep));
    Ok(writing)
}
