//! The running service after `install` has replaced its program, or `uninstall` has removed it.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::timeout;

use sampled::{client::Client, systemd};

use crate::cli::{
    Cli, Command as Verb,
    deadline::Deadline,
    error::Error,
    output::format::note,
    running::{HeldProcess, Starter, name_owner::NameOwner},
    runtime::block_on,
};

/// The timeout for questions to the bus.
const BUS_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout for an answer of the service.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The timeout for the end of the service, which answers pending calls first; its longest answer takes 10 s.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(25);

/// The unit that `install` writes.
const UNIT: &str = "sampled.service";

/// A program that is or was installed.
pub(crate) struct InstalledProgram {
    path: PathBuf,
    /// Device and inode numbers, if the file exists.
    identity: Option<(u64, u64)>,
}

impl InstalledProgram {
    /// The program at a path now.
    pub(crate) fn at(path: &Path) -> Self {
        Self {
            // The form that /proc/PID/exe shows.
            path: fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
            identity: identity(path).ok(),
        }
    }

    /// Whether a path leads to this very file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.identity.is_some() && identity(path).ok() == self.identity
    }

    /// Whether a process runs this very file.
    pub(crate) fn is_run_by(&self, process: &HeldProcess) -> bool {
        let executable = identity(Path::new(&format!("/proc/{}/exe", process.pid())));
        executable.is_ok_and(|executable| self.identity == Some(executable))
    }

    /// Whether a process runs this file, or a former one at its path.
    fn was_run_by(&self, process: &HeldProcess) -> bool {
        self.is_run_by(process) || process.program() == Some(&self.path)
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Has the new program replace the running service. No call is lost: the old service answers pending calls, and the bus
/// queues later ones for the new service.
///
/// `is_home`: the program was installed in the home directory, which has precedence over a package.
pub(crate) fn after_install(program: &InstalledProgram, is_home: bool) -> Result<(), Error> {
    let Some(owner) = NameOwner::find(Deadline::within(BUS_TIMEOUT))? else {
        return Ok(());
    };
    let process = match owner.verified() {
        Ok(verified) => verified.process(),
        Err(foreign) => {
            note(format_args!(
                "{foreign}: it was left alone, and the new program cannot serve before that process ends"
            ));
            return Ok(());
        }
    };
    if program.is_run_by(process) {
        return Ok(());
    }
    let pid = process.pid();
    let path = process.program().unwrap_or(Path::new("?")).display();
    let left_alone = |why: &str| {
        note(format_args!(
            "process {pid} still runs {path}: {why} (`sampled stop` ends it, and the next call starts the new one)"
        ));
        Ok(())
    };
    if !is_home && !program.was_run_by(process) {
        return left_alone("it was not installed there");
    }
    let starter = Starter::of(pid);
    match starter {
        Starter::Systemd if unit_of(pid)?.is_some_and(|unit| unit != UNIT) => {
            left_alone("it belongs to a unit of another name")
        }
        Starter::Hand | Starter::Start => match DetachedDaemon::of(pid) {
            Some(detached) => detached.restart(pid, &program.path),
            None if starter == Starter::Start => {
                left_alone("it was started with arguments that the new program does not know")
            }
            None => left_alone("it was started by hand"),
        },
        Starter::Systemd | Starter::Bus => {
            let remark = leave(&owner)?;
            note(format_args!(
                "replaced process {pid}{remark}: the next call starts the new one"
            ));
            Ok(())
        }
    }
}

/// Ends the service if its program was removed, or if the removed files have started it: the bus cannot start it
/// again.
pub(crate) fn after_uninstall(program: &InstalledProgram, is_removed: bool) -> Result<(), Error> {
    let Some(owner) = NameOwner::find(Deadline::within(BUS_TIMEOUT))? else {
        return Ok(());
    };
    let Some(process) = owner.process() else {
        note("the running service has no pid that is known here: it was left alone");
        return Ok(());
    };
    let pid = process.pid();
    let is_activated = matches!(Starter::of(pid), Starter::Bus | Starter::Systemd);
    let is_ours = process.verified().is_ok() && program.was_run_by(process);
    if is_ours && (is_removed || is_activated) {
        let remark = leave(&owner)?;
        note(format_args!("stopped process {pid}, which ran it{remark}"));
    } else {
        let path = process.program().unwrap_or(Path::new("?")).display();
        note(format_args!(
            "process {pid} goes on, which runs {path}: that was not removed"
        ));
    }
    Ok(())
}

/// Names the service that still runs, although the bus starts none of the installed program.
pub(crate) fn name_running(program: &InstalledProgram) -> Result<(), Error> {
    let owner = NameOwner::find(Deadline::within(BUS_TIMEOUT))?;
    let process = owner.as_ref().and_then(NameOwner::process);
    if let Some(process) = process.filter(|process| !program.is_run_by(process)) {
        let path = process.program().unwrap_or(Path::new("?")).display();
        let (pid, remark) = (process.pid(), RunningService::ask(process.pid()).version());
        note(format_args!("process {pid} still runs {path}{remark}"));
    }
    Ok(())
}

/// Ends the owner, and returns a remark on what it was.
fn leave(owner: &NameOwner) -> Result<String, Error> {
    let service = owner.pid().map(RunningService::ask).unwrap_or_default();
    owner.leave(Deadline::within(LEAVE_TIMEOUT))?;
    Ok(service.ended())
}

/// The answers of a running service. One of another version may give none.
#[derive(Default)]
struct RunningService {
    version: Option<String>,
    sessions: usize,
}

impl RunningService {
    /// Asks the owner of the name, if it is this process.
    fn ask(pid: u32) -> Self {
        let asked = async {
            let bus = Deadline::within(BUS_TIMEOUT).session().await.ok()?;
            let owner = bus.owner().await.ok()??;
            if owner.pid != Some(pid) {
                return None;
            }
            let client = Client::of(bus, &owner.name).await.ok()?;
            let version = timeout(ANSWER_TIMEOUT, client.proxy().version()).await;
            let sessions = timeout(ANSWER_TIMEOUT, client.sessions()).await;
            let sessions = sessions.ok().and_then(Result::ok);
            Some(Self {
                version: version.ok().and_then(Result::ok),
                sessions: sessions.map_or(0, |sessions| sessions.len()),
            })
        };
        let asked = block_on(async { Ok(asked.await) });
        asked.ok().flatten().unwrap_or_default()
    }

    /// A remark on its version, if that is not the version of this program.
    fn version(&self) -> String {
        match &self.version {
            Some(version) if version != env!("CARGO_PKG_VERSION") => {
                format!(" (version {version})")
            }
            _ => String::new(),
        }
    }

    /// A remark on its version and on its sessions, after it has ended.
    fn ended(&self) -> String {
        let version = self.version();
        match self.sessions {
            0 => version,
            1 => format!("{version} (one session of a client has ended)"),
            sessions => format!("{version} ({sessions} sessions of clients have ended)"),
        }
    }
}

fn unit_of(pid: u32) -> Result<Option<String>, Error> {
    block_on(async {
        let bus = Deadline::within(BUS_TIMEOUT).session().await?;
        Ok(systemd::unit_of(&bus, pid).await?)
    })
}

/// The arguments and environment of a daemon that `sampled start` has detached.
struct DetachedDaemon {
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl DetachedDaemon {
    fn of(pid: u32) -> Option<Self> {
        let words = |file: &str| {
            let text = fs::read(format!("/proc/{pid}/{file}")).ok()?;
            let words = text
                .split(|&byte| byte == 0)
                .filter(|word| !word.is_empty());
            Some(
                words
                    .map(|word| OsString::from_vec(word.to_owned()))
                    .collect(),
            )
        };
        let arguments: Vec<OsString> = words("cmdline")?;
        let parsed = Cli::of(arguments.clone()).ok()?;
        let is_detached = matches!(parsed.command, Verb::Start(_) | Verb::Restart(_));
        let variables: Vec<OsString> = words("environ")?;
        let variables = variables.iter().filter_map(|variable| {
            let mut parts = variable.as_bytes().splitn(2, |&byte| byte == b'=');
            let part = |bytes: &[u8]| OsString::from_vec(bytes.to_owned());
            Some((part(parts.next()?), part(parts.next()?)))
        });
        is_detached.then(|| Self {
            environment: variables.collect(),
            arguments,
        })
    }

    /// Replaces the running daemon by `restart` of another program with the same arguments.
    fn restart(self, pid: u32, program: &Path) -> Result<(), Error> {
        let service = RunningService::ask(pid);
        let mut command = Command::new(program);
        let mut arguments = self.arguments.into_iter().skip(1);
        let is_verb = |word: &OsString| word == "start" || word == "restart";
        command.args(arguments.by_ref().take_while(|word| !is_verb(word)));
        command.arg("restart").args(arguments);
        // Paths among the arguments may be relative.
        let directory = self.environment.iter().find(|(name, _)| name == "PWD");
        let directory = directory.map(|(_, path)| Path::new(path));
        command.current_dir(
            directory
                .filter(|path| path.is_dir())
                .unwrap_or(Path::new("/")),
        );
        command.env_clear().envs(self.environment.iter().cloned());
        let ran = command.stdin(Stdio::null()).output();
        let ran = ran.map_err(|cause| Error::Kernel {
            what: "sampled restart",
            cause,
        })?;
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let said = said
            .lines()
            .map(|line| line.trim_start_matches("sampled: "));
        let said = said.collect::<Vec<_>>().join("; ");
        let what = match ran.status.success() {
            true => "replaced",
            false => "could not replace",
        };
        note(format_args!(
            "{what} process {pid}, which `sampled start` had started{}: {said}",
            service.ended()
        ));
        Ok(())
    }
}
