//! The commands in another pid namespace than the bus: a pid from the bus is a stranger's number there.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{self, Child, Command, Stdio},
};

use rustix::process::{Pid, PidfdFlags, geteuid, pidfd_open};
use sampled::client::Start;

use crate::support::{
    bus::Bus,
    credentials_bus::{self, Credentials},
    home::{Home, SAMPLED, copy_program},
    process::{DEADLINE, Process, Run, skip},
};

/// Starts a stranger with the pid `$N`, whose executable has the name of the service, runs the commands, and checks that
/// the stranger has got no signal.
const SCRIPT: &str = r#"
    echo $((N - 1)) > /proc/sys/kernel/ns_last_pid || exit 91
    "$HOME/sampled" 1000 & [ $! = $N ] || exit 92
    for command in stop restart; do
        $SAMPLED $command --timeout 4s && exit 93
    done
    $SAMPLED reload || exit 97
    $SAMPLED status || exit 94
    $SAMPLED status --json || exit 95
    kill -USR1 $N; wait $N; [ $? = 138 ] || exit 96
"#;

/// Starts the service with the pid that a line of the input gives, then a stranger with the pid of the next line.
const SERVICE: &str = r#"
    read N || exit 90; echo $((N - 1)) > /proc/sys/kernel/ns_last_pid || exit 91
    $SAMPLED serve --idle-timeout never & [ $! = $N ] || exit 92
    read N || exit 90; echo $((N - 1)) > /proc/sys/kernel/ns_last_pid
    "$HOME/sampled" 1000 & [ $! = $N ] || exit 93
    echo ready
    wait
"#;

/// A shell in a new pid namespace, with the /proc of that namespace or of this one.
fn shell(mut unshare: Command, proc: Option<&str>, script: &str) -> Option<Command> {
    if !geteuid().is_root() {
        skip("it makes a pid namespace, which needs root");
        return None;
    }
    let options = ["--pid", "--fork", "--kill-child"];
    unshare.args(options.into_iter().chain(proc));
    unshare.args(["sh", "-c", script]).env("SAMPLED", SAMPLED);
    Some(unshare)
}

/// A copy of sleep(1) with the name of the service, in a home.
fn copy_of_sleep(home: &Home) -> Command {
    let path = home.dir().join("sampled");
    if !path.exists() {
        copy_program(Path::new("/bin/sleep"), &path);
    }
    let mut command = home.command(path.to_str().unwrap());
    command.arg("1000");
    command
}

#[test]
fn a_stranger_with_the_pid_of_the_service_gets_no_signal() {
    let bus = Bus::activating("--idle-timeout never");
    let (_client, daemon) = bus.block_on(async {
        // With a session of another client, the service refuses `Quit`.
        let client = bus.client().await;
        let every = Start::every_millis(1000);
        let session = client.start(&["memory"], every).await.expect("session");
        ((client, session), bus.owned().await)
    });
    copy_of_sleep(&bus);
    for proc in [Some("--mount-proc"), None] {
        let Some(mut shell) = shell(bus.command("unshare"), proc, SCRIPT) else {
            return;
        };
        shell.env("N", daemon.pid.to_string());
        let run = Run::within(&mut shell, DEADLINE);
        if run.code == Some(91) || run.stderr.contains("unshare:") {
            return skip(&format!("no pid can be chosen here: {run:?}"));
        }
        assert_eq!(run.code, Some(0), "{proc:?}: {run:?}");
        assert!(daemon.is_running(), "{run:?}");
        let without_pid = "without a known pid";
        assert_eq!(run.stderr.matches(without_pid).count(), 2, "{run:?}");
        assert!(!run.stderr.contains(&daemon.pid.to_string()), "{run:?}");
        let status = run.stdout.lines().collect::<Vec<_>>().join("\n");
        let (text, json) = status.split_once('{').expect("JSON");
        assert!(text.starts_with("sampled: reloaded\n"), "{text}");
        assert!(text.contains(without_pid), "{text}");
        assert!(text.contains("\n1 session\n"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&format!("{{{json}")).unwrap();
        assert_eq!(json["state"], "running");
        for fact in ["pid", "origin", "since"] {
            assert!(json[fact].is_null(), "{fact}: {json}");
        }
    }
}

#[test]
fn a_service_without_a_known_pid_leaves_when_it_is_asked() {
    let bus = Bus::activating("--idle-timeout never");
    bus.block_on(async { bus.client().await.list(&["memory"]).await.expect("list") });
    let daemon = bus.block_on(bus.owned());
    let script = "$SAMPLED stop";
    let Some(mut shell) = shell(bus.command("unshare"), Some("--mount-proc"), script) else {
        return;
    };
    let run = Run::within(&mut shell, DEADLINE);
    if run.stderr.contains("unshare:") {
        return skip(&format!("no namespaces here: {run:?}"));
    }
    let printed = run.ok();
    assert!(printed.contains("has released the name"), "{printed}");
    daemon.wait();
}

/// Two processes with the name of the service: the one of the pidfd, and a stranger that has the number.
fn owner_and_stranger(home: &Home) -> [(Child, Process); 2] {
    [(); 2].map(|()| {
        let child = copy_of_sleep(home).spawn().expect("spawn");
        let process = Process::open(child.id()).expect("a child");
        (child, process)
    })
}

fn listen(home: &Home, name: &str, owner: &Process, stranger: &Process) -> String {
    let pid = Pid::from_raw(owner.pid as i32).unwrap();
    let credentials = Credentials {
        pid: stranger.pid,
        pidfd: pidfd_open(pid, PidfdFlags::empty()).expect("pidfd"),
    };
    credentials_bus::listen(&home.dir().join(name), credentials)
}

#[test]
fn a_pidfd_from_the_bus_decides_which_process_gets_the_signal() {
    let home = Home::new();
    for command in ["reload", "stop"] {
        let [(mut child, owner), (_other, stranger)] = owner_and_stranger(&home);
        let address = listen(&home, command, &owner, &stranger);
        let mut sampled = home.sampled(&[command, "--timeout", "4s"]);
        sampled.env("DBUS_SESSION_BUS_ADDRESS", &address);
        let printed = Run::within(&mut sampled, DEADLINE).ok();
        assert!(printed.contains(&owner.pid.to_string()), "{printed}");
        owner.wait();
        child.wait().unwrap();
        assert!(stranger.is_running(), "{command}");
    }
}

#[test]
fn a_pidfd_of_a_process_outside_of_the_namespace_has_no_pid() {
    let home = Home::new();
    let [(_child, owner), (_other, stranger)] = owner_and_stranger(&home);
    let address = listen(&home, "bus", &owner, &stranger);
    for proc in [Some("--mount-proc"), None] {
        let script = "$SAMPLED stop --timeout 4s";
        let Some(mut shell) = shell(home.command("unshare"), proc, script) else {
            return;
        };
        shell.env("DBUS_SESSION_BUS_ADDRESS", &address);
        let run = Run::within(&mut shell, DEADLINE);
        if run.stderr.contains("unshare:") {
            return skip(&format!("no namespaces here: {run:?}"));
        }
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains("without a known pid"), "{run:?}");
    }
    assert!(owner.is_running() && stranger.is_running());
}

/// A service in another pid namespace whose number is the same in that of the bus, and the shell that has started it.
fn service_with_the_same_pid(bus: &Bus) -> Option<Child> {
    for number in 30_000..30_100 {
        if Path::new(&format!("/proc/{number}")).exists() {
            continue;
        }
        let mut shell = shell(bus.command("unshare"), Some("--mount-proc"), SERVICE)?;
        shell.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = shell.spawn().expect("spawn");
        let mut input = child.stdin.as_ref().expect("stdin");
        // Another process may take the number before the service does.
        if let Err(cause) = fs::write("/proc/sys/kernel/ns_last_pid", format!("{}", number - 1)) {
            skip(&format!("no pid can be chosen here: {cause}"));
            child.kill().ok();
            child.wait().ok();
            return None;
        }
        writeln!(input, "{number}").expect("a reader");
        let owner = bus.block_on(bus.owned());
        if owner.pid == number {
            return Some(child);
        }
        child.kill().expect("kill");
        child.wait().expect("wait");
        bus.block_on(bus.vacant());
    }
    panic!("no number is free in both namespaces");
}

#[test]
fn a_service_with_the_same_pid_in_the_namespace_of_the_bus_takes_no_stranger_for_a_caller() {
    let bus = Bus::new();
    copy_of_sleep(&bus);
    let Some(mut shell) = service_with_the_same_pid(&bus) else {
        return;
    };
    // A process of the service's namespace gets the pid of this one, which is the caller.
    let mut input = shell.stdin.as_ref().expect("stdin");
    writeln!(input, "{}", process::id()).expect("a reader");
    let mut line = String::new();
    let output = shell.stdout.as_mut().expect("stdout");
    BufReader::new(output).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    let denied = bus.block_on(async { bus.client().await.quit().await });
    let denied = denied.expect_err("the caller is not known");
    let why = "its process is not visible to this service";
    assert!(denied.to_string().contains(why), "{denied}");
    shell.kill().expect("kill");
    shell.wait().expect("wait");
}
