//! Completion in bash, zsh and fish: an interactive shell on a terminal, which finds the installed script by itself.

mod shell;

use std::{fs, path::PathBuf};

use crate::{
    custom::fixture::{define, sources_d},
    support::{
        bus::Bus,
        home::Home,
        process::{Run, skip},
    },
};

use shell::{Kind, Shell};

/// A session whose user has installed the program below the directory `usr` of the home, and has metrics of his own.
struct Session {
    bus: Bus,
}

impl Session {
    fn new() -> Self {
        let home = Home::new();
        let definitions = "[metrics.'room/desk:1/temperature']\nfile = '/proc/uptime'\nregex = '\\S+'\n\
                           [metrics.'room/desk:1/humidity']\nfile = '/proc/uptime'\nregex = '\\S+'\n";
        define(&sources_d(&home), "room.toml", definitions);
        fs::write(home.dir().join("my config.toml"), "").unwrap();
        let prefix = home.dir().join("usr");
        home.run(&["install", "--prefix", prefix.to_str().unwrap()])
            .ok();
        // Only the shell looks there: the bus starts the service by the file in the directory of data.
        let services = home.data().join("dbus-1/services");
        fs::create_dir_all(&services).unwrap();
        let file = "io.github.sampled.Sampler1.service";
        let from = prefix.join("share/dbus-1/services").join(file);
        fs::copy(from, services.join(file)).unwrap();
        let bus = Bus::in_home(home);
        bus.run(&["list", "room"]).ok();
        Self { bus }
    }

    fn prefix(&self) -> PathBuf {
        self.bus.dir().join("usr")
    }
}

/// Completes in a shell whatever a person may.
fn completes(kind: Kind) {
    let session = Session::new();
    let Some(mut shell) = Shell::start(kind, &session.bus, &session.prefix()) else {
        return skip(&format!("{kind:?} or its completion is not installed"));
    };
    // Commands and options.
    shell.completes("sampled sam", "sampled sample ");
    shell.completes("sampled watch --hist", "sampled watch --history ");
    shell.completes(
        "sampled list --log-level de",
        "sampled list --log-level debug ",
    );
    // Metrics, part by part: no space follows a slash.
    shell.completes("sampled list --json cpu/loadav", "cpu/loadaverages/");
    shell.key_in("loadaverage15");
    let listed = shell.run_redirected();
    assert!(
        listed.starts_with("{\"cpu/loadaverages/loadaverage15\":"),
        "{listed}"
    );
    shell.completes("sampled alert room/d", "room/desk:1/");
    let listed = shell.lists("sampled list room/desk:1/", &["humidity", "temperature"]);
    assert!(!listed.contains("loadaverage"), "{listed}");
    let listed = shell.lists("sampled list cpu/", &["cpu/all/", "cpu/loadaverages/"]);
    assert!(!listed.contains("loadaverage15"), "{listed}");
    // Fields, after a comma too.
    shell.completes(
        "sampled ps --fields pid,nam",
        "sampled ps --fields pid,name ",
    );
    shell.completes("sampled ps --sort -rs", "sampled ps --sort -rss ");
    // Before the first letter, too.
    shell.lists("sampled ps --by ", &["application", "unit", "user"]);
    shell.lists("sampled sources ", &["check"]);
    // Those of the monitor, which is another program.
    shell.completes("sampled top --interval 2s room/d", "room/desk:1/");
    // The completed line means the metric.
    shell.completes(
        "sampled list --json room/desk:1/te",
        "room/desk:1/temperature ",
    );
    let listed = shell.run_redirected();
    assert!(
        listed.starts_with("{\"room/desk:1/temperature\":"),
        "{listed}"
    );
    // Files are left to the shell, with its way of quoting.
    shell.completes(
        "sampled list --local --json memory --config my",
        "config.toml",
    );
    let listed = shell.run_redirected();
    assert!(listed.contains("\"memory/physical/used\""), "{listed}");
}

#[test]
fn bash_completes() {
    completes(Kind::Bash);
}

#[test]
fn zsh_completes() {
    completes(Kind::Zsh);
}

#[test]
fn fish_completes() {
    completes(Kind::Fish);
}

/// The shell finds the completion of a user's installation, too: zsh by the line that `install` prints.
fn completes_in_home(kind: Kind) {
    let home = Home::new();
    let mut install = home.sampled(&["install"]);
    let run = Run::of(install.env("SHELL", "/usr/bin/zsh"));
    let line = format!(
        "fpath=(\"{}/zsh/site-functions\" $fpath)",
        home.data().display()
    );
    assert!(run.stderr.contains(&line), "{run:?}");
    let again = home.run(&["install"]);
    assert!(!again.stderr.contains("fpath="), "{again:?}");
    let bus = Bus::in_home(home);
    let Some(mut shell) = Shell::start(kind, &bus, &bus.dir().join(".local")) else {
        return skip(&format!("{kind:?} or its completion is not installed"));
    };
    shell.completes("sampled list cpu/loadav", "sampled list cpu/loadaverages/");
}

#[test]
fn bash_completes_with_the_installation_of_a_user() {
    completes_in_home(Kind::Bash);
}

#[test]
fn fish_completes_with_the_installation_of_a_user() {
    completes_in_home(Kind::Fish);
}

#[test]
fn an_error_is_no_candidate_and_not_on_the_screen() {
    let home = Home::new();
    home.run(&["install"]).ok();
    let bus = Bus::in_home(home);
    bus.kill();
    let Some(mut shell) = Shell::start(Kind::Bash, &bus, &bus.dir().join(".local")) else {
        return skip("bash-completion is not installed");
    };
    shell.completes("sampled list cpu/\t\t\t\x15sampled sam", "sampled sample ");
    let shown = shell.shown();
    assert!(!shown.contains("sampled: "), "{shown}");
}
