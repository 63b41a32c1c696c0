//! `sampled doctor`: what it finds on real buses, and what it says to do.

mod installation;

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::support::{
    bus::Bus,
    home::{Home, SAMPLED, copy_program},
    process::{DEADLINE, Run},
};

/// A finding, as JSON tells it.
#[derive(Debug)]
struct Finding {
    check: String,
    severity: String,
    text: String,
    remedy: String,
}

fn findings(run: &Run) -> Vec<Finding> {
    let value: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let findings = value["findings"].as_array().expect("findings");
    let text =
        |finding: &serde_json::Value, key| finding[key].as_str().unwrap_or_default().to_owned();
    findings
        .iter()
        .map(|finding| Finding {
            check: text(finding, "check"),
            severity: text(finding, "severity"),
            text: text(finding, "text"),
            remedy: text(finding, "remedy"),
        })
        .collect()
}

/// Runs `doctor`. The directory of the program is in PATH.
fn examine(bus: &Bus) -> Run {
    let bin = bus.dir().join(".local/bin");
    let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap());
    Run::within(
        bus.sampled(&["doctor", "--json"]).env("PATH", path),
        DEADLINE,
    )
}

/// Checks that one finding is not `ok`, and that it is this one.
#[track_caller]
fn check(run: &Run, check: &str, severity: &str, text: &str, remedy: &str) {
    let findings = findings(run);
    let mut found = findings.iter().filter(|finding| finding.severity != "ok");
    let finding = found
        .next()
        .unwrap_or_else(|| panic!("nothing was found: {run:?}"));
    assert_eq!(found.next().map(|finding| &finding.text), None, "{run:?}");
    assert_eq!(
        (finding.check.as_str(), finding.severity.as_str()),
        (check, severity),
        "{finding:?}"
    );
    assert!(finding.text.contains(text), "{text}: {finding:?}");
    assert!(finding.remedy.contains(remedy), "{remedy}: {finding:?}");
    assert_eq!(run.code, Some(i32::from(severity == "problem")), "{run:?}");
}

/// A bus in a home whose runtime directory has the mode of a real one.
fn bare() -> Bus {
    let home = Home::new();
    make_private(&home);
    Bus::in_home(home)
}

fn make_private(home: &Home) {
    fs::set_permissions(home.runtime(), PermissionsExt::from_mode(0o700)).unwrap();
}

/// A bus on which the program of this home is installed.
fn installed() -> Bus {
    let bus = bare();
    bus.run(&["install"]).ok();
    bus
}

fn activation(bus: &Bus) -> PathBuf {
    bus.data()
        .join("dbus-1/services/io.github.sampled.Sampler1.service")
}

#[test]
fn a_sound_installation_has_no_findings() {
    let bus = installed();
    let run = examine(&bus);
    assert_eq!(run.code, Some(0), "{run:?}");
    let findings = findings(&run);
    assert!(
        findings.iter().all(|finding| finding.severity == "ok"),
        "{findings:?}"
    );
    let of = |check| {
        let mut found = findings.iter().filter(|finding| finding.check == check);
        &found
            .next()
            .unwrap_or_else(|| panic!("{check}: {findings:?}"))
            .text
    };
    let process = bus.block_on(bus.owned());
    assert!(of("service").contains(&format!(
        "process {}, started by the session bus for this check",
        process.pid
    )));
    assert!(of("activation").contains(".local/bin/sampled"));
    assert!(of("program").contains(".local/bin/sampled"));
    assert!(of("session-bus").contains(bus.dir().to_str().unwrap()));
    for check in ["runtime-directory", "configuration", "source"] {
        of(check);
    }
}

#[test]
fn without_a_bus_it_says_so_and_still_reads_the_configuration() {
    let home = Home::new();
    make_private(&home);
    let run = home.run(&["doctor"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for text in [
        "problem  session bus",
        "configuration",
        "1 problem, no warnings\n",
    ] {
        assert!(run.stdout.contains(text), "{text}: {run:?}");
    }
    let address = "unix:path=/nonexistent/bus";
    let run = Run::of(
        home.sampled(&["doctor"])
            .env("DBUS_SESSION_BUS_ADDRESS", address),
    );
    assert_eq!(run.code, Some(1), "{run:?}");
    for text in [address, "take that of a running bus, or unset it"] {
        assert!(run.stdout.contains(text), "{text}: {run:?}");
    }
}

#[test]
fn an_error_of_the_configuration_is_a_problem() {
    let bus = installed();
    let config = bus.config().join("sampled/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "idle_timeout = 'soon'\n").unwrap();
    check(
        &examine(&bus),
        "configuration",
        "problem",
        "config.toml:1:16",
        "correct the file",
    );
    // The file is right again, and the service has not read it since.
    fs::write(&config, "idle_timeout = 'never'\n").unwrap();
    check(
        &examine(&bus),
        "configuration",
        "problem",
        "config.toml:1:16",
        "sampled reload",
    );
    bus.run(&["reload"]).ok();
}

#[test]
fn a_source_in_trouble_is_a_warning() {
    let bus = installed();
    let sources = bus.config().join("sampled/sources.d");
    fs::create_dir_all(&sources).unwrap();
    fs::write(sources.join("bad.toml"), "x = [").unwrap();
    check(
        &examine(&bus),
        "source",
        "warning",
        "bad.toml:1:6",
        "sampled sources check",
    );
}

#[test]
fn a_service_that_runs_a_replaced_program_is_a_warning() {
    let bus = installed();
    bus.run(&["sample", "memory"]).ok();
    let old = bus.block_on(bus.owned());
    let program = bus.dir().join(".local/bin/sampled");
    fs::remove_file(&program).unwrap();
    copy_program(Path::new(SAMPLED), &program);
    let process = format!("process {}", old.pid);
    let remedy = format!("{} restart", program.display());
    check(&examine(&bus), "service", "warning", &process, &remedy);
    let mut restart = bus.command(program.to_str().unwrap());
    Run::of(restart.arg("restart")).ok();
    let findings = findings(&examine(&bus));
    assert!(
        findings.iter().all(|finding| finding.severity == "ok"),
        "{findings:?}"
    );
    bus.run(&["stop"]).ok();
}

#[test]
fn a_runtime_directory_of_others_is_a_warning() {
    let bus = installed();
    fs::set_permissions(bus.runtime(), PermissionsExt::from_mode(0o755)).unwrap();
    check(
        &examine(&bus),
        "runtime-directory",
        "warning",
        "755",
        "chmod 700",
    );
}

#[test]
fn a_service_that_does_not_answer_is_a_problem_in_time() {
    let bus = installed();
    bus.run(&["sample", "memory"]).ok();
    let process = bus.block_on(bus.owned());
    process.stop();
    let run = Run::within(
        &mut bus.sampled(&["doctor", "--timeout", "500ms"]),
        DEADLINE,
    );
    assert_eq!(run.code, Some(1), "{run:?}");
    let named = format!("process {}", process.pid);
    for text in ["problem  service", &named, "sampled restart"] {
        assert!(run.stdout.contains(text), "{text}: {run:?}");
    }
}
