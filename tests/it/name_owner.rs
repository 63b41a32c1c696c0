//! The verbs, where the name of the service belongs to a process that is not theirs to signal.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::unistd::{Uid, User, chown};
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior};
use sampled::wire::{NAME, PATH};
use tokio::{runtime::Builder, sync::mpsc};
use zbus::{Connection, fdo::RequestNameFlags, interface};

use crate::{
    support::{
        bus::Bus,
        home::SAMPLED,
        process::{Process, Run, skip},
    },
    systemd::session::{Setup, UNITS, within},
};

/// The variable by which the test binary knows that it is to have the name, and how it is to behave.
const BEHAVIOUR: &str = "SAMPLED_TEST_OWNER";

/// How long a command may take that gives itself two seconds.
const COMMAND: Duration = Duration::from_secs(8);

/// A program that has the name of the service. It ends with this.
pub(crate) struct Owner {
    child: Child,
    pub(crate) process: Process,
}

impl Owner {
    /// Runs the test binary, or a copy of it, so that it behaves like this.
    pub(crate) fn spawn(mut command: Command, behaviour: &str) -> Self {
        let child = command
            .args(["--exact", "name_owner::a_process_that_has_the_name"])
            .env(BEHAVIOUR, behaviour)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("spawn");
        let process = Process::open(child.id()).expect("a child is there until it is waited for");
        Self { child, process }
    }

    pub(crate) fn on(bus: &Bus, behaviour: &str) -> Self {
        let owner = Self::spawn(bus.command(text(&program())), behaviour);
        assert_eq!(bus.block_on(bus.owned()).pid, owner.process.pid);
        owner
    }

    /// The same program by the name of the service's: only that tells the one from the other.
    fn named_sampled(bus: &Bus, behaviour: &str) -> Self {
        let copy = bus.dir().join("sampled");
        fs::copy(program(), &copy).expect("copy");
        let owner = Self::spawn(bus.command(text(&copy)), behaviour);
        assert_eq!(bus.block_on(bus.owned()).pid, owner.process.pid);
        owner
    }
}

impl Drop for Owner {
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

/// The interface of the service, as far as it is asked to leave.
struct Quits(mpsc::UnboundedSender<()>);

#[interface(name = "io.github.sampled.Sampler1")]
impl Quits {
    fn quit(&self) {
        self.0.send(()).ok();
    }
}

/// The process that [`Owner`] runs; for everybody else, nothing.
#[test]
fn a_process_that_has_the_name() {
    let Ok(behaviour) = env::var(BEHAVIOUR) else {
        return;
    };
    if behaviour == "hidden" {
        // As a program with capabilities of its file is: see proc(5).
        set_dumpable_behavior(DumpableBehavior::NotDumpable).expect("prctl");
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bus = Connection::session().await.expect("bus");
        let (quit, mut asked) = mpsc::unbounded_channel();
        // Without an object it answers nothing.
        if behaviour == "quits" {
            bus.object_server().at(PATH, Quits(quit)).await.unwrap();
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
            asked.recv().await.expect("a call");
            bus.release_name(NAME).await.expect("released");
        }
        std::future::pending::<()>().await;
    });
}

/// Runs a verb, which is to leave this process alone and to say so.
#[track_caller]
fn refuses(mut command: Command, owner: &Process, says: &[&str]) {
    let run = Run::within(&mut command, COMMAND);
    assert_eq!(run.code, Some(1), "{command:?}: {run:?}");
    assert!(owner.is_running(), "{command:?}: {run:?}");
    let who = format!("process {}", owner.pid);
    for text in [&who, NAME].iter().chain(says) {
        assert!(run.stderr.contains(text), "{command:?}: {text}: {run:?}");
    }
}

/// The verbs that send signals, and what they say that they have not done.
const VERBS: [(&str, &str); 3] = [
    ("stop", "it was not stopped"),
    ("restart", "it was not stopped"),
    ("reload", "it was not told to reload"),
];

#[test]
fn another_program_is_left_alone() {
    let bus = Bus::new();
    let owner = Owner::on(&bus, "mute");
    for (verb, not_done) in VERBS {
        let command = bus.sampled(&[verb, "--timeout", "2s"]);
        let program = program();
        refuses(
            command,
            &owner.process,
            &[not_done, "not sampled", text(&program)],
        );
    }
    assert_eq!(bus.block_on(bus.owned()).pid, owner.process.pid);
}

#[test]
fn another_program_that_leaves_when_it_is_asked_is_not_signalled() {
    let bus = Bus::new();
    let owner = Owner::on(&bus, "quits");
    let run = Run::within(&mut bus.sampled(&["stop"]), COMMAND);
    assert!(run.stderr.is_empty(), "{run:?}");
    let said = run.ok();
    assert!(
        said.contains(&format!("process {}", owner.process.pid)),
        "{said}"
    );
    bus.block_on(bus.vacant());
    assert!(owner.process.is_running());
}

#[test]
fn the_service_that_does_not_end_is_killed() {
    let bus = Bus::new();
    let owner = Owner::named_sampled(&bus, "ignores SIGTERM");
    let run = Run::within(&mut bus.sampled(&["stop", "--timeout", "2s"]), COMMAND);
    assert!(run.ok().contains("killed: process"));
    assert!(!owner.process.is_running());
}

#[test]
fn the_service_whose_program_was_replaced_is_stopped() {
    let bus = Bus::new();
    let program = bus.dir().join("sampled");
    fs::copy(SAMPLED, &program).unwrap();
    let serve = || {
        let mut serve = bus.command(text(&program));
        let child = serve.args(["serve", "--idle-timeout", "never"]).spawn();
        (child.unwrap(), bus.block_on(bus.owned()))
    };
    let (mut child, daemon) = serve();
    fs::remove_file(&program).unwrap();
    let link = fs::read_link(format!("/proc/{}/exe", daemon.pid)).unwrap();
    assert_eq!(link.file_name(), Some(OsStr::new("sampled (deleted)")));
    let stopped = Run::within(&mut bus.sampled(&["stop"]), COMMAND).ok();
    assert!(stopped.contains("stopped: process"), "{stopped}");
    assert!(!daemon.is_running());
    child.wait().unwrap();
}

#[test]
fn sessions_of_others_do_not_keep_the_service() {
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
    let stopped = Run::within(&mut bus.sampled(&["stop"]), COMMAND).ok();
    assert!(stopped.contains("stopped: process"), "{stopped}");
    assert!(!daemon.is_running());
}

#[test]
fn the_service_of_another_user_is_left_alone() {
    let Some(nobody) = User::from_name("nobody").ok().flatten() else {
        return skip("there is no user nobody");
    };
    if !Uid::effective().is_root() {
        return skip("it takes root to be two users");
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
        let both = |is_nobody: bool, arguments: &[&str]| {
            let command = bus.sampled(arguments);
            if is_nobody {
                as_nobody(command)
            } else {
                command
            }
        };
        let mut serve = both(nobody_serves, &["serve", "--idle-timeout", "never"]);
        let mut child = serve.spawn().unwrap();
        let daemon = bus.block_on(bus.owned());
        let user = if nobody_serves { "nobody" } else { "root" };
        // A client with a session: without one the service leaves when any client asks.
        let client = bus.block_on(async {
            let client = bus.client().await;
            let every = sampled::client::Start::every_millis(1000);
            let session = client.start(&["memory"], every).await.expect("session");
            (client, session)
        });
        for (verb, not_done) in VERBS {
            let command = both(!nobody_serves, &[verb, "--timeout", "2s"]);
            refuses(command, &daemon, &[not_done, user]);
        }
        bus.block_on(async { drop(client) });
        daemon.signal(Signal::TERM);
        child.wait().unwrap();
    }
}

#[test]
fn a_program_that_hides_what_it_is_is_left_alone() {
    let setup = Setup {
        user: "nobody",
        ..UNITS[0]
    };
    within(&[setup], async |session| {
        let owner = Owner::spawn(session.command(text(&program())), "hidden");
        session.owned().await;
        for (verb, not_done) in VERBS {
            let command = session.sampled(&[verb, "--timeout", "2s"]);
            refuses(command, &owner.process, &[not_done, "/exe"]);
        }
    });
}
