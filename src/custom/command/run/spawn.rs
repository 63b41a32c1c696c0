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
    pub(super) output: Pipe,
    pub(super) errors: Pipe,
    /// The value of the variable [`orphans::MARK`] in the environment of the run's processes.
    pub(super) mark: String,
}

impl Spawned {
    /// Starts this program as the subreaper of a command.
    pub(super) fn new(program: &Path, command: &Command) -> io::Result<Self> {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let mark = format!("{}.{}", process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
        let (socket, theirs) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        let keep = match command.lines {
            true => Keep::LastLine,
            false => Keep::Whole,
        };
        let (output, stdout) = pipe(keep)?;
        let (errors, stderr) = pipe(Keep::Head)?;
        let mut program = process::Command::new(program);
        program
            .arg(subreaper::ARGUMENT)
            .arg(environment::directory(command));
        match &command.program {
            Program::Argv(argv) => program.args(argv),
            Program::Shell(text) => program.args(["/bin/sh", "-c"]).arg(text),
        };
        program
            .env_clear()
            .envs(environment::of(command))
            .env(orphans::MARK, &mark)
            .stdin(OwnedFd::from(theirs))
            .stdout(stdout)
            .stderr(stderr);
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
fn pipe(keep: Keep) -> io::Result<(Pipe, PipeWriter)> {
    let (reading, writing) = io::pipe()?;
    fcntl(&reading, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((Pipe::new(reading.into(), keep), writing))
}
