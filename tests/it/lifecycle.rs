//! start, stop, restart, reload and status, and what a service manager is told.

use std::{fs, io::ErrorKind, os::unix::net::UnixDatagram, path::PathBuf, process::Stdio};

use rustix::process::Signal;

use crate::{
    leaving::{end, sample},
    name_owner::Owner,
    support::{
        bus::Bus,
        process::{DEADLINE, Run},
    },
};

#[test]
fn two_hundred_starts_answer_their_first_call() {
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

/// A service manager: what it hears on its socket.
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

    fn hear(&self) -> String {
        let mut text = [0; 256];
        loop {
            match self.socket.recv(&mut text) {
                Ok(length) => return String::from_utf8_lossy(&text[..length]).trim().to_owned(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("nothing is heard: {error}"),
            }
        }
    }
}

#[test]
fn the_service_manager_is_told() {
    let bus = Bus::new();
    let manager = Manager::new(&bus);
    let mut serve = bus.sampled(&["serve", "--idle-timeout", "never"]);
    serve
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "200000");
    // Somebody else's watchdog, inherited.
    let serve = serve.env("WATCHDOG_PID", "1").spawn().unwrap();
    assert_eq!(manager.hear(), "READY=1");
    let daemon = bus.block_on(bus.owned());
    daemon.signal(Signal::HUP);
    let reloading = manager.hear();
    assert!(reloading.contains("RELOADING=1"), "{reloading}");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert_eq!(manager.hear(), "READY=1");
    daemon.signal(Signal::TERM);
    assert_eq!(manager.hear(), "STOPPING=1");
    assert_eq!(end(serve).code, Some(0));
    manager.socket.set_nonblocking(true).unwrap();
    assert!(manager.socket.recv(&mut [0; 256]).is_err());
}

#[test]
fn a_watchdog_of_ones_own_is_fed() {
    let bus = Bus::new();
    let manager = Manager::new(&bus);
    let mut serve = bus.sampled(&["serve", "--idle-timeout", "never"]);
    serve
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "200000");
    let mut serve = serve.spawn().unwrap();
    let mut fed = 0;
    while fed < 3 {
        fed += usize::from(manager.hear() == "WATCHDOG=1");
    }
    serve.kill().unwrap();
    serve.wait().unwrap();
}

#[test]
fn under_systemd_a_broken_configuration_keeps_nobody_waiting() {
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
    assert_eq!(manager.hear(), "READY=1");
    bus.block_on(async { assert!(sample(&bus.client().await, "memory/physical/used", 200).await) });
    bus.block_on(bus.owned()).signal(Signal::TERM);
    let run = end(serve);
    assert_eq!(run.code, Some(0));
    assert!(run.stderr.contains("config.toml:1:16"), "{run:?}");
}

#[test]
fn the_configuration_is_reloaded_and_a_broken_one_is_not() {
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
    // The signal is on its way; its effect is what tells that it has arrived.
    while !has_os() {}
    fs::write(&config, "[sources]\noff = 1\n").unwrap();
    let refused = bus.run(&["reload", "--config", path]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("config.toml:2:7"), "{refused:?}");
    // Who tells the daemon itself finds the same in its log.
    let daemon = bus.block_on(bus.owned());
    daemon.signal(Signal::HUP);
    let logged = || {
        fs::read_to_string(&log)
            .unwrap()
            .contains("config.toml:2:7")
    };
    while !logged() {
        assert!(has_os());
    }
    assert!(has_os());
}

#[test]
fn the_verbs_agree_on_what_runs() {
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
    // One that the bus has started.
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
    // One that was detached.
    bus.run(&["start", "--idle-timeout", "never"]).ok();
    let (code, value) = status();
    assert_eq!((code, &value["origin"]), (0, &"start".into()));
    let first = value["pid"].clone();
    bus.run(&["restart", "--idle-timeout", "never"]).ok();
    let (_, value) = status();
    assert_ne!(value["pid"], first);
    // One that was killed.
    let daemon = bus.block_on(bus.owned());
    daemon.signal(Signal::KILL);
    // Its name goes before its locks do.
    daemon.wait();
    let (code, value) = status();
    assert_eq!((code, &value["state"]), (1, &"dead".into()));
    bus.run(&["start"]).ok();
    bus.run(&["stop"]).ok();
    assert_eq!(status().0, 3);
}

#[test]
fn a_restart_that_cannot_succeed_ends_nothing() {
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
fn another_program_of_the_name_is_not_taken_for_the_service() {
    let bus = Bus::new();
    let owner = Owner::on(&bus, "mute");
    let who = format!("process {}", owner.process.pid);
    let status = Run::within(&mut bus.sampled(&["status"]), DEADLINE);
    assert_eq!(status.code, Some(3), "{status:?}");
    for text in ["sampled is not running\n", &who, "which is not sampled"] {
        assert!(status.stdout.contains(text), "{text}: {status:?}");
    }
    let status = Run::within(&mut bus.sampled(&["status", "--json"]), DEADLINE);
    let value: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!(value["state"], "stopped");
    assert!(value["error"].as_str().unwrap().contains(&who), "{value}");
    let start = Run::within(&mut bus.sampled(&["start"]), DEADLINE);
    assert_eq!(start.code, Some(1), "{start:?}");
    for text in [&who, "which is not sampled", "nothing was started"] {
        assert!(start.stderr.contains(text), "{text}: {start:?}");
    }
}
