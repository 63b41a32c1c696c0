//! What runs while `install` puts another program in its place, or `uninstall` takes its program away.

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

use sampled::client::Client;

use crate::cli::{
    Cli, Command as Verb,
    deadline::Deadline,
    error::Error,
    output::format::note,
    running::{Starter, owner::Owner},
    runtime::block_on,
};

/// The bus has this long for all that it is asked.
const BUS: Duration = Duration::from_secs(5);

/// The service has this long to say how many sessions it has.
const ANSWER: Duration = Duration::from_secs(2);

/// The service has this long to answer what is in flight: its longest answer takes 10 s.
const LEAVE: Duration = Duration::from_secs(25);

/// The unit that `install` writes.
const UNIT: &str = "sampled.service";

/// A program that is or was in place.
pub(crate) struct Program {
    path: PathBuf,
    /// Device and inode, where it is there.
    identity: Option<(u64, u64)>,
}

impl Program {
    /// The program at a path, as it is now.
    pub(crate) fn at(path: &Path) -> Self {
        Self {
            // As the kernel names it to those who ask for the executable of a process.
            path: fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
            identity: identity(path).ok(),
        }
    }

    /// Whether this is the very file that a process runs.
    fn is_run_by(&self, owner: &Owner) -> bool {
        let executable = identity(Path::new(&format!("/proc/{}/exe", owner.pid())));
        executable.is_ok_and(|executable| self.identity == Some(executable))
    }

    /// Whether a process runs this file, or one that was in its place.
    fn was_run_by(&self, owner: &Owner) -> bool {
        self.is_run_by(owner) || owner.program() == Some(&self.path)
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Has the new program take the place of the one that runs. No call is lost: the old one answers what it has got, and
/// the bus keeps what comes then for the new one.
///
/// `is_home` says that what was installed goes before what a package has installed.
pub(crate) fn by_installed(program: &Program, is_home: bool) -> Result<(), Error> {
    let Some(owner) = Owner::find(Deadline::within(BUS))? else {
        return Ok(());
    };
    let pid = owner.pid();
    if let Err(stranger) = owner.sampled() {
        note(format_args!(
            "{stranger}: it was left alone, and the new program does not serve before that leaves"
        ));
        return Ok(());
    }
    if program.is_run_by(&owner) {
        return Ok(());
    }
    let path = owner.program().unwrap_or(Path::new("?")).display();
    let left_alone = |why: &str| {
        note(format_args!(
            "process {pid} still runs {path}: {why} (`sampled stop` ends it, and the next call starts the new one)"
        ));
        Ok(())
    };
    if !is_home && !program.was_run_by(&owner) {
        return left_alone("it was not installed there");
    }
    let starter = Starter::of(pid);
    match starter {
        Starter::Systemd if unit_of(pid)?.is_some_and(|unit| unit != UNIT) => {
            left_alone("it belongs to a unit of another name")
        }
        Starter::Hand | Starter::Start => match Detached::of(pid) {
            Some(detached) => detached.restart(pid, &program.path),
            None if starter == Starter::Start => {
                left_alone("it was started with arguments that the new program does not know")
            }
            None => left_alone("it was started by hand"),
        },
        Starter::Systemd | Starter::Bus => {
            let sessions = leave(&owner)?;
            note(format_args!(
                "replaced process {pid}{sessions}: the next call starts the new one"
            ));
            Ok(())
        }
    }
}

/// Ends the service that runs what was removed, or that was started by what was removed. The bus starts it no more.
pub(crate) fn by_nothing(program: &Program, is_removed: bool) -> Result<(), Error> {
    let Some(owner) = Owner::find(Deadline::within(BUS))? else {
        return Ok(());
    };
    let pid = owner.pid();
    let is_activated = matches!(Starter::of(pid), Starter::Bus | Starter::Systemd);
    let is_ours = owner.sampled().is_ok() && program.was_run_by(&owner);
    if is_ours && (is_removed || is_activated) {
        let sessions = leave(&owner)?;
        note(format_args!(
            "stopped process {pid}, which ran it{sessions}"
        ));
    } else {
        let path = owner.program().unwrap_or(Path::new("?")).display();
        note(format_args!(
            "process {pid} goes on, which runs {path}: that was not removed"
        ));
    }
    Ok(())
}

/// Has it leave, and says what that has ended.
fn leave(owner: &Owner) -> Result<String, Error> {
    let sessions = sessions(owner.pid());
    owner.leave(Deadline::within(LEAVE))?;
    Ok(ended(sessions))
}

/// What has ended with a process that had so many sessions.
fn ended(sessions: Option<usize>) -> String {
    match sessions {
        None | Some(0) => String::new(),
        Some(1) => " (one session of a client has ended)".to_owned(),
        Some(sessions) => format!(" ({sessions} sessions of clients have ended)"),
    }
}

/// How many sessions a process has, if it has the name and says so: it may be of an older version.
fn sessions(pid: u32) -> Option<usize> {
    let asked = async {
        let bus = Deadline::within(BUS).session().await.ok()?;
        let client = Client::of_owner(bus.clone()).await.ok()??;
        let is_still = bus.owner().await.ok()? == Some(pid);
        let sessions = timeout(ANSWER, client.sessions()).await.ok()?.ok()?;
        is_still.then_some(sessions.len())
    };
    block_on(async { Ok(asked.await) }).ok()?
}

fn unit_of(pid: u32) -> Result<Option<String>, Error> {
    block_on(async { Ok(Deadline::within(BUS).session().await?.unit_of(pid).await?) })
}

/// A daemon that `sampled start` has detached: what that was started with.
struct Detached {
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl Detached {
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

    /// Starts it again from another program, in the place of the one that runs.
    fn restart(self, pid: u32, program: &Path) -> Result<(), Error> {
        let sessions = sessions(pid);
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
            ended(sessions)
        ));
        Ok(())
    }
}
