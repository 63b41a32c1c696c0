//! Problems of the installed files: the program, the activation file, and what the bus knows of them.

use std::{env, fs, path::Path};

use crate::{
    name_owner::NameOwner,
    support::{
        home::{SAMPLED, copy_program},
        process::{DEADLINE, Run},
    },
};

use super::{activation, bare, check, examine, findings, installed};

#[test]
fn a_service_that_is_not_installed_is_a_problem() {
    let bus = bare();
    let bin = bus.dir().join(".local/bin");
    fs::create_dir_all(&bin).unwrap();
    copy_program(Path::new(SAMPLED), &bin.join("sampled"));
    check(
        &examine(&bus),
        "activation",
        "problem",
        "it is not installed",
        "sampled install",
    );
}

#[test]
fn an_activation_file_without_its_program_is_a_problem() {
    let bus = installed();
    let program = bus.dir().join(".local/bin/sampled");
    fs::remove_file(&program).unwrap();
    let run = examine(&bus);
    assert_eq!(run.code, Some(1), "{run:?}");
    let findings = findings(&run);
    let found = findings
        .iter()
        .find(|finding| finding.check == "activation")
        .unwrap();
    assert_eq!(found.severity, "problem");
    assert!(
        found
            .text
            .contains(&format!("{}: No such file", program.display())),
        "{found:?}"
    );
    assert!(found.remedy.contains("sampled install"), "{found:?}");
    // The call shows that it matters.
    let found = findings
        .iter()
        .find(|finding| finding.check == "service")
        .unwrap();
    assert_eq!(found.severity, "problem", "{found:?}");
}

#[test]
fn a_file_that_the_bus_does_not_know_is_a_problem() {
    let bus = installed();
    let elsewhere = bus.dir().join("elsewhere");
    let services = elsewhere.join("dbus-1/services");
    fs::create_dir_all(&services).unwrap();
    let moved = services.join(activation(&bus).file_name().unwrap());
    fs::rename(activation(&bus), &moved).unwrap();
    bus.block_on(async {
        let connection = bus.connect().await;
        let proxy = zbus::fdo::DBusProxy::new(&connection).await.expect("proxy");
        proxy
            .reload_config()
            .await
            .expect("the bus reads its directories again");
    });
    let bin = bus.dir().join(".local/bin");
    let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap());
    let mut command = bus.sampled(&["doctor", "--json"]);
    let run = Run::within(
        command.env("PATH", path).env("XDG_DATA_HOME", &elsewhere),
        DEADLINE,
    );
    check(
        &run,
        "activation",
        "problem",
        moved.to_str().unwrap(),
        "XDG_DATA_HOME",
    );
}

#[test]
fn another_program_with_the_name_is_a_problem() {
    let bus = installed();
    let owner = NameOwner::on(&bus, "silent");
    let process = format!("process {}", owner.process.pid);
    check(
        &examine(&bus),
        "service",
        "problem",
        &process,
        "end that program",
    );
}

#[test]
fn two_programs_and_two_activation_files_are_warnings() {
    let bus = installed();
    let other = bus.dir().join("other");
    bus.run(&["install", "--prefix", other.to_str().unwrap()]);
    let path = format!(
        "{}:{}",
        other.join("bin").display(),
        env::var("PATH").unwrap()
    );
    let mut command = bus.sampled(&["doctor", "--json"]);
    command
        .env("PATH", path)
        .env("XDG_DATA_DIRS", other.join("share"));
    let run = Run::within(&mut command, DEADLINE);
    assert_eq!(run.code, Some(0), "{run:?}");
    let findings = findings(&run);
    let warnings: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == "warning")
        .collect();
    let [activation, program] = warnings[..] else {
        panic!("{findings:?}");
    };
    assert_eq!(activation.check, "activation");
    assert!(
        activation.text.contains("other/share/dbus-1/services"),
        "{activation:?}"
    );
    assert_eq!(program.check, "program");
    assert!(program.text.contains("other/bin/sampled"), "{program:?}");
}
