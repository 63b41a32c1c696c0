//! `start`, `stop`, `restart`, `reload` and `status`, and the messages to the service manager.

use std::{
    fs, io::ErrorKind, os::unix::net::UnixDatagram, path::PathBuf, process::Stdio, time::Instant,
};

use rustix::process::Signal;

use crate::{
    idle_exit::{end, sample},
    name_owner::NameOwner,
    support::{
        bus::Bus,
        process::{DEADLINE, Run},
    },
};

#[test]
fn each_of_200_starts_answers_its_first_call() {
    let bus = Bus::new();
    for _ in 0..200 {
        bus.run(&["start", "--idle-timeout", "never"]).ok();
        bus.block_on(async {
            assert!(bus.daemon().await.is_some());
            assert!(sample(&bus.client().await, "memory/physical/used", 200).await);
        });
        bus.run(&["stop"]).ok();
    }
}

/// A service manager with its notification socket, see sd_notify(3).
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn new(bus: &Bus) -> Self {
        let path = bus.dir().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, path }
    }

    fn receive(&self) -> String {
        let mut text = [0; 256];
        loop {
            match self.socket.recv(&mut text) {
                Ok(length) => return String::from_utf8_lossy(&text[..length]).trim().to_owned(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("no message: {error}"),
            }
        }
    }
}

#[test]
fn the_service_manager_gets_ready_reloading_and_stopping() {
    let bus = Bus::new();
    let manager = Manager::new(&bus);
    let mut serve = bus.sampled(&["serve", "--idle-timeout", "never"]);
    serve
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "200000");
    // An inherited watchdog of another process.
    let serve = serve.env("WATCHDOG_PID", "1").spawn().unwrap();
    assert_eq!(manager.receive(), "READY=1");
    let daemon = bus.block_on(bus.owned());
    daemon.signal(Signal::HUP);
    let reloading = manager.receive();
    assert!(reloading.contains("RELOADING=1"), "{reloading}");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert_eq!(manager.receive(), "READY=1");
    daemon.signal(Signal::TERM);
    assert_eq!(manager.receive(), "STOPPING=1");
    assert_eq!(end(serve).code, Some(0));
    manager.socket.set_nonblocking(true).unwrap();
    assert!(manager.socket.recv(&mut [0; 256]).is_err());
}

#[test]
fn the_watchdog_of_the_service_gets_messages() {
    let bus = Bus::new();
    let manager = Manager::new(&bus);
    let mut serve = bus.sampled(&["serve", "--idle-timeout", "never"]);
    serve
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "200000");
    let mut serve = serve.spawn().unwrap();
    let mut messages = 0;
    while messages < 3 {
        messages += usize::from(manager.receive() == "WATCHDOG=1");
    }
    serve.kill().unwrap();
    serve.wait().unwrap();
}

#[test]
fn under_a_service_manager_an_invalid_configuration_does_not_prevent_the_start() {
    let bus = Bus::new();
    let manager = Manager::new(&bus);
    let config = bus.config().join("sampled/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "idle_timeout = \"soon\"\n").unwrap();
    let mut serve = bus.sampled(&["serve"]);
    let serve = serve
        .env("NOTIFY_SOCKET", &manager.path)
        .stderr(Stdio::piped());
    let serve = serve.spawn().unwrap();
    assert_eq!(manager.receive(), "READY=1");
    bus.block_on(async { assert!(sample(&bus.client().await, "memory/physical/used", 200).await) });
    bus.block_on(bus.owned()).signal(Signal::TERM);
    let run = end(serve);
    assert_eq!(run.code, Some(0));
    assert!(run.stderr.contains("config.toml:1:16"), "{run:?}");
}

#[test]
fn reload_applies_a_valid_configuration_and_refuses_an_invalid_one() {
    let bus = Bus::new();
    let config = bus.dir().join("config.toml");
    let path = config.to_str().unwrap();
    fs::write(&config, "[sources]\noff = [\"os\"]\n").unwrap();
    let log = bus.dir().join("daemon.log");
    let arguments = [
        "start",
        "--config",
        path,
        "--log-file",
        log.to_str().unwrap(),
    ];
    bus.run(
        &[
            &arguments[..],
            &["--idle-timeout", "never", "--log-level", "info"],
        ]
        .concat(),
    )
    .ok();
    let has_os = || bus.block_on(async { bus.client().await.list(&["os/kernel"]).await.is_ok() });
    assert!(!has_os());
    fs::write(&config, "[sources]\noff = []\n").unwrap();
    bus.run(&["reload", "--config", path]).ok();
    assert!(has_os());
    fs::write(&config, "[sources]\noff = 1\n").unwrap();
    let refused = bus.run(&["reload", "--config", path]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("config.toml:2:7"), "{refused:?}");
    // After SIGHUP without `reload` the daemon logs the same error.
    let daemon = bus.block_on(bus.owned());
    daemon.signal(Signal::HUP);
    let logged = || {
        fs::read_to_string(&log)
            .unwrap()
            .contains("config.toml:2:7")
    };
    let deadline = Instant::now() + DEADLINE;
    while !logged() {
        assert!(has_os());
        assert!(Instant::now() < deadline, "the error is not logged");
    }
    assert!(has_os());
}

#[test]
fn the_commands_agree_on_the_state_of_the_service() {
    let bus = Bus::activating("--idle-timeout never");
    let status = || {
        let run = bus.run(&["status", "--json"]);
        let value: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        (run.code.unwrap(), value)
    };
    let (code, value) = status();
    assert_eq!((code, &value["state"]), (3, &"stopped".into()));
    assert_eq!(bus.run(&["reload"]).code, Some(7));
    bus.run(&["stop"]).ok();
    // A service that the bus has started.
    bus.block_on(async { bus.client().await.list(&["memory"]).await.unwrap() });
    let (code, value) = status();
    assert_eq!(
        (code, &value["origin"], &value["sessions"]),
        (0, &"bus".into(), &0.into())
    );
    let daemon = bus.block_on(bus.owned());
    assert_eq!(value["pid"], daemon.pid);
    assert!(bus.run(&["start"]).ok().contains("already running"));
    bus.run(&["stop"]).ok();
    assert!(!daemon.is_running());
    // A detached service.
    bus.run(&["start", "--idle-timeout", "never"]).ok();
    let (code, value) = status();
    assert_eq!((code, &value["origin"]), (0, &"start".into()));
    let first = value["pid"].clone();
    bus.run(&["restart", "--idle-timeout", "never"]).ok();
    let (_, value) = status();
    assert_ne!(value["pid"], first);
    // A service that was killed.
    let daemon = bus.block_on(bus.owned());
    daemon.signal(Signal::KILL);
    // The bus releases the name before the kernel releases the locks.
    daemon.wait();
    let (code, value) = status();
    assert_eq!((code, &value["state"]), (1, &"dead".into()));
    bus.run(&["start"]).ok();
    bus.run(&["stop"]).ok();
    assert_eq!(status().0, 3);
}

#[test]
fn a_restart_that_cannot_succeed_leaves_the_service_running() {
    let bus = Bus::new();
    let config = bus.dir().join("config.toml");
    let path = config.to_str().unwrap();
    fs::write(&config, "").unwrap();
    bus.run(&["start", "--idle-timeout", "never"]).ok();
    let daemon = bus.block_on(bus.owned());
    let check = |options: &[&str], message: &str| {
        let refused = bus.run(&[&["restart"], options].concat());
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(message), "{refused:?}");
        assert_eq!(bus.block_on(bus.owned()).pid, daemon.pid);
    };
    check(
        &["--log-file", "/nonexistent/log"],
        "/nonexistent/log: no such file or directory",
    );
    fs::write(&config, "idle_timeout = \"soon\"\n").unwrap();
    check(&["--config", path], "config.toml:1:16");
    bus.run(&["stop"]).ok();
    assert!(!daemon.is_running());
}

#[test]
fn another_program_that_owns_the_name_is_not_taken_for_the_service() {
    let bus = Bus::new();
    let owner = NameOwner::on(&bus, "silent");
    let process = format!("process {}", owner.process.pid);
    let status = Run::within(&mut bus.sampled(&["status"]), DEADLINE);
    assert_eq!(status.code, Some(3), "{status:?}");
    for text in ["sampled is not running\n", &process, "which is not sampled"] {
        assert!(status.stdout.contains(text), "{text}: {status:?}");
    }
    let status = Run::within(&mut bus.sampled(&["status", "--json"]), DEADLINE);
    let value: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(value["state"], "stopped");
    assert!(
        value["error"].as_str().unwrap().contains(&process),
        "{value}"
    );
    let start = Run::within(&mut bus.sampled(&["start"]), DEADLINE);
    assert_eq!(start.code, Some(1), "{start:?}");
    for text in [&process, "which is not sampled", "nothing was started"] {
        assert!(start.stderr.contains(text), "{text}: {start:?}");
    }
}
