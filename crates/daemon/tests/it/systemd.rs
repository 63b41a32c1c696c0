//! A real `systemd --user` and the library agree on the state of the daemon.

use std::fs;
use std::path::Path;

use super::support::*;

/// Starts a `systemd --user` with these lines as its unit m.service, and runs a script in its session: see [`session`].
fn within(unit: &str, script: &str) {
    let unit = format!(
        "[Service]\nEnvironment=MYDAEMON_PIDFILE=%t/m.pid\n{}\n",
        unit.replace("$M", &example("mydaemon").display().to_string())
    );
    session(&[("m.service", &unit)], script);
}

/// Starts a `systemd --user` with these units, and runs a script in its session. In both, `$M` is mydaemon with its
/// pidfile in the runtime directory. The script may use `is PROPERTY VALUE` and `until_is PROPERTY VALUE`, of m.service,
/// and `fails COMMAND`.
pub(crate) fn session(units: &[(&str, &str)], script: &str) {
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/systemd-user-session");
    if !session.exists() {
        return skip(&format!("systemd: {} is not there", session.display()));
    }
    let fixture = Fixture::new();
    for (name, unit) in units {
        fs::write(fixture.path(name), unit).unwrap();
    }
    let script = format!(
        r#"set -eu
        export MYDAEMON_PIDFILE=$XDG_RUNTIME_DIR/m.pid
        is() {{ [ "$(systemctl --user show -P $1 m)" = "$2" ]; }}
        fails() {{ if "$@"; then return 1; fi; }}
        until_is() {{
            for _ in $(seq 400); do is $1 "$2" && return; sleep 0.05; done
            systemctl --user status m; return 1
        }}
        {script}"#
    );
    // A network of its own: another run of the tests may listen at the same port.
    let mut shell = fixture.command("unshare");
    shell
        .args([
            "--net",
            "sh",
            "-c",
            "ip link set lo up && exec \"$0\" \"$@\"",
        ])
        .arg(&session)
        .arg("--unit-dir")
        .arg(fixture.path(""))
        .args(["--", "bash", "-c", &script]);
    let output = finish(shell.spawn().unwrap());
    if output.code == Some(77) || output.err.contains("unshare failed") {
        return skip(&format!("systemd: {}", output.err));
    }
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn a_forking_service_with_a_pidfile() {
    within(
        "Type=forking\nPIDFile=%t/m.pid\nExecStart=$M start",
        r#"
        systemctl --user start m
        main=$(systemctl --user show -P MainPID m)
        [ "$(cat $MYDAEMON_PIDFILE)" = $main ]
        [[ "$($M status)" = *"process $main" ]]
        systemctl --user stop m
        [ "$($M status)" = "not running" ]

        # The library stops a daemon that systemd has started.
        systemctl --user start m
        $M stop
        until_is ActiveState inactive
        is Result success

        # SIGKILL, and a new start.
        systemctl --user start m
        kill -9 $(systemctl --user show -P MainPID m)
        until_is ActiveState failed
        systemctl --user start m
        [[ "$($M status)" = *"process $(systemctl --user show -P MainPID m)" ]]
        "#,
    );
}

#[test]
fn a_forking_service_that_fails() {
    within(
        "Type=forking\nPIDFile=%t/m.pid\nExecStart=$M --check false start",
        r#"
        fails systemctl --user start m
        is Result exit-code
        [ "$($M status)" = "not running" ]
        "#,
    );
}

#[test]
fn a_notifying_service_with_a_watchdog() {
    within(
        "Type=notify\nWatchdogSec=2s\nExecStart=$M run\nExecReload=$M reload",
        r#"
        systemctl --user start m
        main=$(systemctl --user show -P MainPID m)
        [[ "$($M status)" = *"process $main" ]]
        systemctl --user reload m
        fed=$(systemctl --user show -P WatchdogTimestampMonotonic m)
        for _ in $(seq 400); do is WatchdogTimestampMonotonic $fed || break; sleep 0.05; done
        fails is WatchdogTimestampMonotonic $fed
        is MainPID $main

        kill -STOP $main
        until_is Result watchdog
        # The watchdog has killed it.
        [ "$($M status)" = "dead, its pidfile is left" ]
        systemctl --user start m
        $M stop
        until_is ActiveState inactive
        "#,
    );
}

#[test]
fn a_start_is_extended() {
    // The start takes longer than the unit allows, but no longer than the service has asked for.
    let slow = "Type=notify\nTimeoutStartSec=1s\nExecStart=$M --check 'sleep 2'";
    within(
        &format!("{slow} --extend 60 run"),
        "systemctl --user start m; is ActiveState active",
    );
    within(
        &format!("{slow} run"),
        "fails systemctl --user start m; is Result timeout",
    );
}

#[test]
fn another_process_becomes_the_main_one() {
    within(
        "Type=notify\nNotifyAccess=all\nExecStart=sh -c 'sleep 1000 & exec $M --main-pid $$! run'",
        r#"
        systemctl --user start m
        main=$(systemctl --user show -P MainPID m)
        [ "$(cat /proc/$main/comm)" = sleep ]
        "#,
    );
}

#[test]
fn systemd_stores_a_descriptor() {
    within(
        "Type=notify\nRestart=always\nRestartSec=0\nFileDescriptorStoreMax=2\nStandardOutput=append:%t/log
         ExecStart=$M --store /etc/hostname run",
        r#"
        systemctl --user start m
        until_is NFileDescriptorStore 1
        fails grep 'has got' $XDG_RUNTIME_DIR/log
        kill -9 $(systemctl --user show -P MainPID m)
        until_is NRestarts 1
        until_is ActiveState active
        grep 'has got stored' $XDG_RUNTIME_DIR/log
        "#,
    );
}

#[test]
fn systemd_answers_a_barrier() {
    within(
        "Type=notify\nExecStart=$M --barrier 20 run",
        "systemctl --user start m; systemctl --user stop m; is Result success; is ExecMainStatus 0",
    );
}
