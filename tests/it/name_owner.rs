//! `stop`, `restart` and `reload` while the name of the service belongs to a process that they must not signal.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::unistd::{Uid, User, chown};
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior};
use sampled::wire::{NAME, PATH};
use tokio::{runtime::Builder, sync::mpsc};
use zbus::{Connection, fdo::RequestNameFlags, interface};

use crate::{
    support::{
        bus::Bus,
        home::{SAMPLED, copy_program},
        process::{DEADLINE, Process, Run, skip},
    },
    systemd::session::{Setup, UNITS, within},
};

/// The environment variable that makes the test binary own the name of the service; its value is the behaviour.
const BEHAVIOUR: &str = "SAMPLED_TEST_OWNER";

/// A process that owns the name of the service. `drop` kills it.
pub(crate) struct NameOwner {
    child: Child,
    pub(crate) process: Process,
}

impl NameOwner {
    /// Runs the test binary, or a copy of it, with this behaviour.
    pub(crate) fn spawn(mut command: Command, behaviour: &str) -> Self {
        let child = command
            .args(["--exact", "name_owner::process_that_owns_the_name"])
            .env(BEHAVIOUR, behaviour)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("spawn");
        let process = Process::open(child.id()).expect("a child exists until it is waited for");
        Self { child, process }
    }

    pub(crate) fn on(bus: &Bus, behaviour: &str) -> Self {
        let owner = Self::spawn(bus.command(text(&program())), behaviour);
        assert_eq!(bus.block_on(bus.owned()).pid, owner.process.pid);
        owner
    }

    /// The same program with the file name `sampled`: the commands recognise the service by the name of its executable.
    fn named_sampled(bus: &Bus, behaviour: &str) -> Self {
        let copy = bus.dir().join("sampled");
        copy_program(&program(), &copy);
        let owner = Self::spawn(bus.command(text(&copy)), behaviour);
        assert_eq!(bus.block_on(bus.owned()).pid, owner.process.pid);
        owner
    }
}

impl Drop for NameOwner {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn program() -> PathBuf {
    env::current_exe().expect("path of the test")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The method `Quit` of the service.
struct QuitMethod(mpsc::UnboundedSender<()>);

#[interface(name = "io.github.sampled.Sampler1")]
impl QuitMethod {
    fn quit(&self) {
        self.0.send(()).ok();
    }
}

/// The property `Version` of an old service.
struct OldVersion;

#[interface(name = "io.github.sampled.Sampler1")]
impl OldVersion {
    #[zbus(property)]
    fn version(&self) -> &str {
        "0.0.1"
    }
}

/// The process that [`NameOwner`] runs. In a normal test run it does nothing.
#[test]
fn process_that_owns_the_name() {
    let Ok(behaviour) = env::var(BEHAVIOUR) else {
        return;
    };
    if behaviour == "not dumpable" {
        // Like a program with file capabilities: the kernel restricts access to its files in /proc, see proc(5).
        set_dumpable_behavior(DumpableBehavior::NotDumpable).expect("prctl");
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bus = Connection::session().await.expect("bus");
        let (quit, mut quit_calls) = mpsc::unbounded_channel();
        // Without an object the process answers no call.
        if behaviour == "quits" {
            bus.object_server()
                .at(PATH, QuitMethod(quit))
                .await
                .unwrap();
        }
        if behaviour == "old" {
            bus.object_server().at(PATH, OldVersion).await.unwrap();
        }
        let _ignored = (behaviour == "ignores SIGTERM").then(|| {
            let terminate = tokio::signal::unix::SignalKind::terminate();
            tokio::signal::unix::signal(terminate).expect("handler")
        });
        let flags = RequestNameFlags::DO_NOT_QUEUE;
        bus.request_name_with_flags(NAME, flags)
            .await
            .expect("the name");
        if behaviour == "quits" {
            quit_calls.recv().await.expect("a call");
            bus.release_name(NAME).await.expect("released");
        }
        std::future::pending::<()>().await;
    });
}

/// Runs a command, which must fail without a signal to this process; its error must contain these texts.
#[track_caller]
fn check_refusal(mut command: Command, owner: &Process, texts: &[&str]) {
    let run = Run::within(&mut command, DEADLINE);
    assert_eq!(run.code, Some(1), "{command:?}: {run:?}");
    assert!(owner.is_running(), "{command:?}: {run:?}");
    let process = format!("process {}", owner.pid);
    for text in [&process, NAME].iter().chain(texts) {
        assert!(run.stderr.contains(text), "{command:?}: {text}: {run:?}");
    }
}

/// The commands that send signals, and the text of their refusal.
const COMMANDS: [(&str, &str); 3] = [
    ("stop", "it was not stopped"),
    ("restart", "it was not stopped"),
    ("reload", "it was not told to reload"),
];

#[test]
fn another_program_that_owns_the_name_is_not_signalled() {
    let bus = Bus::new();
    let owner = NameOwner::on(&bus, "silent");
    for (name, refusal) in COMMANDS {
        let command = bus.sampled(&[name, "--timeout", "2s"]);
        let program = program();
        check_refusal(
            command,
            &owner.process,
            &[refusal, "not sampled", text(&program)],
        );
    }
    assert_eq!(bus.block_on(bus.owned()).pid, owner.process.pid);
}

#[test]
fn another_program_that_releases_the_name_on_quit_is_not_signalled() {
    let bus = Bus::new();
    let owner = NameOwner::on(&bus, "quits");
    let run = Run::within(&mut bus.sampled(&["stop"]), DEADLINE);
    assert!(run.stderr.is_empty(), "{run:?}");
    let output = run.ok();
    assert!(
        output.contains(&format!("process {}", owner.process.pid)),
        "{output}"
    );
    bus.block_on(bus.vacant());
    assert!(owner.process.is_running());
}

#[test]
fn a_service_that_ignores_sigterm_is_killed() {
    let bus = Bus::new();
    let owner = NameOwner::named_sampled(&bus, "ignores SIGTERM");
    let run = Run::within(&mut bus.sampled(&["stop", "--timeout", "2s"]), DEADLINE);
    assert!(run.ok().contains("killed: process"));
    assert!(!owner.process.is_running());
}

#[test]
fn a_service_whose_executable_was_deleted_is_stopped() {
    let bus = Bus::new();
    let program = bus.dir().join("sampled");
    copy_program(Path::new(SAMPLED), &program);
    let serve = || {
        let mut serve = bus.command(text(&program));
        let child = serve.args(["serve", "--idle-timeout", "never"]).spawn();
        (child.unwrap(), bus.block_on(bus.owned()))
    };
    let (mut child, daemon) = serve();
    fs::remove_file(&program).unwrap();
    let link = fs::read_link(format!("/proc/{}/exe", daemon.pid)).unwrap();
    assert_eq!(link.file_name(), Some(OsStr::new("sampled (deleted)")));
    let stopped = Run::within(&mut bus.sampled(&["stop"]), DEADLINE).ok();
    assert!(stopped.contains("stopped: process"), "{stopped}");
    assert!(!daemon.is_running());
    child.wait().unwrap();
}

#[test]
fn a_service_with_a_detached_session_is_stopped() {
    let bus = Bus::activating("--idle-timeout never");
    let daemon = bus.block_on(async {
        let client = bus.client().await;
        let every = sampled::client::Start {
            detached: true,
            ..sampled::client::Start::every_millis(1000)
        };
        client.start(&["memory"], every).await.expect("session");
        bus.owned().await
    });
    let stopped = Run::within(&mut bus.sampled(&["stop"]), DEADLINE).ok();
    assert!(stopped.contains("stopped: process"), "{stopped}");
    assert!(!daemon.is_running());
}

#[test]
fn the_service_of_another_user_is_not_signalled() {
    let Some(nobody) = User::from_name("nobody").ok().flatten() else {
        return skip("there is no user nobody");
    };
    if !Uid::effective().is_root() {
        return skip("it runs programs of two users, which needs root");
    }
    let bus = Bus::for_all_users();
    for path in [bus.dir(), &bus.dir().join("bus")] {
        fs::set_permissions(path, PermissionsExt::from_mode(0o777)).unwrap();
    }
    let runtime = bus.dir().join("nobody");
    fs::create_dir(&runtime).unwrap();
    chown(&runtime, Some(nobody.uid), Some(nobody.gid)).unwrap();
    let as_nobody = |mut command: Command| {
        command.env("XDG_RUNTIME_DIR", &runtime);
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
        command
    };
    if as_nobody(bus.sampled(&["--version"])).output().is_err() {
        return skip("nobody may not run the program");
    }
    for nobody_serves in [true, false] {
        let command_of = |is_nobody: bool, arguments: &[&str]| {
            let command = bus.sampled(arguments);
            if is_nobody {
                as_nobody(command)
            } else {
                command
            }
        };
        let mut serve = command_of(nobody_serves, &["serve", "--idle-timeout", "never"]);
        let mut child = serve.spawn().unwrap();
        let daemon = bus.block_on(bus.owned());
        let user = if nobody_serves { "nobody" } else { "root" };
        // A client has a session: without one the service leaves when any client calls `Quit`.
        let client = bus.block_on(async {
            let client = bus.client().await;
            let every = sampled::client::Start::every_millis(1000);
            let session = client.start(&["memory"], every).await.expect("session");
            (client, session)
        });
        for (name, refusal) in COMMANDS {
            let command = command_of(!nobody_serves, &[name, "--timeout", "2s"]);
            check_refusal(command, &daemon, &[refusal, user]);
        }
        bus.block_on(async { drop(client) });
        daemon.signal(Signal::TERM);
        child.wait().unwrap();
    }
}

#[test]
fn a_process_whose_executable_cannot_be_read_is_not_signalled() {
    let setup = Setup {
        user: "nobody",
        ..UNITS[0]
    };
    within(&[setup], async |session| {
        let owner = NameOwner::spawn(session.command(text(&program())), "not dumpable");
        session.owned().await;
        for (name, refusal) in COMMANDS {
            let command = session.sampled(&[name, "--timeout", "2s"]);
            check_refusal(command, &owner.process, &[refusal, "/exe"]);
        }
    });
}
