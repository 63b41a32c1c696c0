//! `listen_fds`, in the examples mydaemon and echo.

use super::support::*;

/// Runs mydaemon with descriptors 3 and 4, which it names before it fails.
fn check(variables: &str, code: i32, expected: &str) {
    let fixture = Fixture::new();
    // `true` and `false` are not built into the shell that mydaemon runs: they have the descriptors that they inherit.
    let output = fixture.shell(&format!(
        "exec 3</etc/hostname 4</etc/passwd; {variables} exec $M --check 'readlink /proc/self/fd/3; false' run"
    ));
    assert_eq!(output.code, Some(code), "{variables}: {output:?}");
    let got: Vec<&str> = output
        .out
        .lines()
        .filter_map(|line| line.split_once(" has got "))
        .map(|(_, name)| name)
        .collect();
    match code {
        1 if output.err.contains("false: exit status") => {
            assert_eq!(got.join(" "), expected, "{variables}: {output:?}");
            let is_inherited = output.out.lines().any(|line| line == "/etc/hostname");
            assert_eq!(is_inherited, expected.is_empty(), "{variables}: {output:?}");
        }
        _ => assert!(output.err.contains(expected), "{variables}: {output:?}"),
    }
}

#[test]
fn they_have_names() {
    check(
        "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=one:two",
        1,
        "one two",
    );
    check("LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=one", 1, "one");
    check("LISTEN_PID=$$ LISTEN_FDS=2", 1, "unknown unknown");
    check("LISTEN_PID=$$ LISTEN_FDS=0", 1, "");
}

#[test]
fn those_of_another_process_are_not_taken() {
    check("LISTEN_PID=1 LISTEN_FDS=2", 1, "");
    check("LISTEN_PID= LISTEN_FDS=2", 1, "");
    check("LISTEN_FDS=2", 1, "");
}

#[test]
fn contradictions_are_errors() {
    check(
        "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=one",
        1,
        "mydaemon: LISTEN_FDNAMES=one: does not name 2 descriptors\n",
    );
    check(
        "LISTEN_PID=$$ LISTEN_FDS=3",
        1,
        "mydaemon: LISTEN_FDS=3: descriptor 5 is in use by this program\n",
    );
    for count in ["-1", "x", "", "99999999999", "2147483647"] {
        check(
            &format!("LISTEN_PID=$$ LISTEN_FDS={count}"),
            1,
            &format!("mydaemon: LISTEN_FDS={count}: "),
        );
    }
}

#[test]
fn a_detached_daemon_has_those_of_its_caller() {
    let fixture = Fixture::new();
    let output = fixture.shell(
        "exec 3</etc/hostname; export LISTEN_FDNAMES=one
         LISTEN_PID=$$ LISTEN_FDS=1 exec $M --check 'test -z \"$LISTEN_FDNAMES\"' start",
    );
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains(" has got one\n"), "{output:?}");
    assert!(open_files(fixture.pid()).contains(&(3, "/etc/hostname".to_owned())));
    fixture.check(&["stop"], 0, "stopped");
}

#[test]
fn a_socket_of_another_kind_is_refused() {
    if !root("echo becomes nobody") {
        return;
    }
    let fixture = Fixture::new();
    let echo = example("echo").display().to_string();
    let check = |redirection: &str, message: &str| {
        let variables = "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web";
        let output = fixture.shell(&format!("{variables} exec {echo} run {redirection}"));
        assert_eq!(output.code, Some(1), "{output:?}");
        assert_eq!(output.err, format!("echo: {message}\n"));
    };
    check(
        "3</etc/hostname",
        "FileDescriptorName=web: is no listening TCP socket",
    );
    check("3<&-", "LISTEN_FDS=1: descriptor 3 is not open");
}
