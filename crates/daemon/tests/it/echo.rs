//! The example echo, as it is: with port 7 and /var/log in namespaces of the test. Also under logrotate(8), and as a
//! socket-activated unit of a real `systemd --user`.

use super::support::*;

/// Runs a script in namespaces with a network, a /run and a /var/log of its own. `$E` is echo. The script may use
/// `talk WORD FD` (a word there and back on an open connection), `get WORD` (the same on a new one), `until_true
/// COMMAND` and `fails COMMAND`.
fn within(script: &str) {
    if !root("cannot make namespaces") {
        return;
    }
    let fixture = Fixture::new();
    let script = format!(
        r#"set -eu
        ip link set lo up
        mount -t tmpfs tmpfs /run; mount -t tmpfs -o mode=755 tmpfs /var/log
        talk() {{ echo $1 >&$2; read -r -t 20 -u $2 answer; [ "$answer" = $1 ]; }}
        get() {{ [ "$(echo $1 | socat -t 20 - TCP:127.0.0.1:7)" = $1 ]; }}
        until_true() {{ for _ in $(seq 400); do "$@" && return; sleep 0.05; done; return 1; }}
        fails() {{ if "$@"; then return 1; fi; }}
        {script}"#
    );
    let mut unshare = fixture.command("unshare");
    unshare.args(["--mount", "--net", "bash", "-c", &script]);
    unshare
        .env("E", example("echo"))
        .env_remove("XDG_RUNTIME_DIR");
    let output = finish(unshare.spawn().unwrap());
    if output.err.contains("unshare failed") {
        return skip(&format!("no namespaces here: {output:?}"));
    }
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn it_serves_port_7_as_nobody() {
    within(
        r#"
        $E start
        get hello
        pid=$(cat /run/echo.pid)
        [ "$(awk '/^(Uid|Gid):/ { print $2 }' /proc/$pid/status | xargs)" = "65534 65534" ]
        [ "$(stat -c '%U %a' /var/log/echo.log)" = "nobody 640" ]
        until_true grep -qx '6 bytes' /var/log/echo.log
        [ "$($E start)" = "already running, process $pid" ]
        $E stop
        fails get hello
        [ "$(cat /run/echo.pid)" = "" ]
        "#,
    );
}

#[test]
fn the_caller_of_start_learns_that_the_port_is_taken() {
    within(
        r#"
        socat TCP-LISTEN:7,fork,reuseaddr EXEC:cat & socat=$!
        until_true get hello
        fails $E start 2> error
        [ "$(cat error)" = "echo: port 7: Address already in use (os error 98)" ]
        [ "$($E status || true)" = "not running" ]
        kill $socat; wait $socat || true
        $E start; get hello; $E stop
        "#,
    );
}

#[test]
fn accepted_connections_survive_reload_and_restart() {
    within(
        r#"
        $E start
        exec 5<>/dev/tcp/127.0.0.1/7
        talk one 5
        $E reload
        talk two 5
        before=$(cat /run/echo.pid)
        $E restart & restart=$!
        # The old daemon has closed its port, and still serves its client.
        until_true fails get x 2> /dev/null
        talk three 5
        [ "$(cat /run/echo.pid)" = $before ]
        exec 5>&-
        wait $restart
        get four
        [ "$(cat /run/echo.pid)" != $before ]
        $E stop
        "#,
    );
}

#[test]
fn no_accepted_connection_is_lost_across_many_restarts() {
    within(
        r#"
        $E start
        # A connection of which the first word comes back has been accepted, and the next words must come back, too. One
        # that is refused, or that the kernel resets before the server has accepted it, is tried again.
        client() {
            while [ ! -e stop ]; do
                exec 5<>/dev/tcp/127.0.0.1/7 || continue
                if talk first 5; then
                    talk second 5 && talk third 5 || { echo lost >> lost; return; }
                    echo >> served
                fi
                exec 5>&-
            done 2> /dev/null
        }
        trap '' PIPE
        for _ in 1 2 3 4; do client & done
        until_true [ -s served ]
        for _ in $(seq 10); do $E reload; $E restart; done
        touch stop
        $E stop
        wait
        [ ! -e lost ]
        [ $(wc -l < served) -ge 10 ]
        "#,
    );
}

#[test]
fn logrotate_rotates_its_log() {
    within(
        r#"
        cat > rotate.conf <<END
        /var/log/echo.log {
            rotate 3
            create 0640 nobody nogroup
            postrotate
                $E reload
            endscript
        }
END
        chmod 644 rotate.conf
        rotate() { logrotate --force --state "$PWD/state" rotate.conf; }
        $E start
        exec 5<>/dev/tcp/127.0.0.1/7
        talk one 5
        get 1; until_true grep -qx '2 bytes' /var/log/echo.log
        rotate
        grep -qx '2 bytes' /var/log/echo.log.1
        # The reload is over when the new file is open.
        pid=$(cat /run/echo.pid)
        is_new() { [ "$(readlink /proc/$pid/fd/$1)" = /var/log/echo.log ]; }
        until_true is_new 1
        get 12; until_true grep -qx '3 bytes' /var/log/echo.log
        fails grep -q '3 bytes' /var/log/echo.log.1
        rotate
        until_true is_new 2
        get 123; until_true grep -qx '4 bytes' /var/log/echo.log
        grep -qx '3 bytes' /var/log/echo.log.1
        grep -qx '2 bytes' /var/log/echo.log.2
        # Without `create` nobody cannot make the file: the old one stays in use, and the log says why.
        rm /var/log/echo.log.*; mv /var/log/echo.log /var/log/old
        $E reload
        until_true grep -qx '/var/log/echo.log: permission denied' /var/log/old
        talk two 5
        exec 5>&-
        $E stop
        "#,
    );
}

#[test]
fn systemd_activates_it_by_socket() {
    let unit = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=$E run\nStandardOutput=file:%t/echo.log";
    let socket = "[Socket]\nListenStream=127.0.0.1:7007";
    super::systemd::session(
        &[
            (
                "echo.service",
                &unit.replace("$E", &example("echo").display().to_string()),
            ),
            ("echo.socket", socket),
        ],
        r#"
        get() { [ "$(echo $1 | socat -t 20 - TCP:127.0.0.1:7007)" = $1 ]; }
        systemctl --user start echo.socket
        [ "$(systemctl --user show -P ActiveState echo.service)" = inactive ]
        get one
        pid=$(systemctl --user show -P MainPID echo.service)
        [ "$(awk '/^Uid:/ { print $2 }' /proc/$pid/status)" = 65534 ]
        tr '\0' '\n' < /proc/$pid/environ | grep -q ^LISTEN_FDS=1
        # systemd keeps the socket: no connection is refused while it restarts, accepted or not.
        for _ in $(seq 10); do
            systemctl --user restart echo.service & restart=$!
            for word in a b c d; do get $word; done
            wait $restart
        done
        # The next connection starts it again.
        systemctl --user kill --signal KILL echo.service
        get two
        [ "$(systemctl --user show -P MainPID echo.service)" != $pid ]
        "#,
    );
}
