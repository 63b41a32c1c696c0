//! In-process mode is the service: each command line prints the same and ends with the same status in both modes.

mod changes;
mod ends;
mod refusals;
mod values;

use std::{fs, process::Command};

use crate::{
    calls::fixture,
    support::{
        bus::Bus,
        process::{DEADLINE, Run},
    },
};

/// The two modes, with the same configuration and the same files.
pub(crate) struct Modes {
    bus: Bus,
    /// The options of both modes that select the files.
    roots: Vec<String>,
}

impl Modes {
    /// Reads this machine.
    pub(crate) fn of_this_machine() -> Self {
        Self::with_roots(Vec::new())
    }

    /// Reads the files of a fixture.
    pub(crate) fn of_laptop() -> Self {
        let [proc, sys] = ["laptop/proc", "laptop/sys"].map(fixture);
        let roots = [
            "--procfs",
            &proc,
            "--sysfs",
            &sys,
            "--rootfs",
            "/nonexistent",
        ];
        Self::with_roots(roots.map(str::to_owned).into())
    }

    /// With these options, which select the files.
    pub(crate) fn with_roots(roots: Vec<String>) -> Self {
        let bus = Bus::activating(&roots.join(" "));
        Self { bus, roots }
    }

    /// With this config.toml.
    pub(crate) fn configured(self, text: &str) -> Self {
        let directory = self.bus.config().join("sampled");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("config.toml"), text).unwrap();
        self
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The command in each mode: of the service, and in-process.
    pub(crate) fn commands(&self, arguments: &[&str]) -> [Command; 2] {
        let mut here = self.bus.sampled(arguments);
        match self.roots.is_empty() {
            true => here.arg("--local"),
            false => here.args(&self.roots),
        };
        [self.bus.sampled(arguments), here]
    }

    /// Runs a command in each mode.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> [Run; 2] {
        self.commands(arguments)
            .map(|mut command| Run::within(&mut command, DEADLINE))
    }

    /// Checks that both modes print the same, but for timestamps, and end with the same status. Returns what they print on
    /// standard output and on standard error.
    #[track_caller]
    pub(crate) fn agree(&self, arguments: &[&str]) -> (String, String) {
        let [service, here] = self.run(arguments);
        let of = |run: &Run| {
            (
                run.code,
                without_timestamps(&run.stdout),
                run.stderr.clone(),
            )
        };
        let shown: Vec<_> = arguments
            .iter()
            .map(|text| &text[..text.len().min(80)])
            .collect();
        assert_eq!(
            of(&here),
            of(&service),
            "{:?}",
            &shown[..shown.len().min(12)]
        );
        (service.stdout, service.stderr)
    }
}

/// JSON and CSV without the moments of their frames.
fn without_timestamps(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("{\"timestamp\":") {
        Some(rest) => rest
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .to_owned(),
        None => match line.split_once(',') {
            Some((first, rest)) if first.parse::<u64>().is_ok() => rest.to_owned(),
            _ => line.to_owned(),
        },
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn both_modes_print_the_same() {
    let modes = Modes::of_laptop();
    for arguments in [
        "list memory",
        "list memory network --json",
        "list --csv",
        "sample memory",
        "sample memory os/kernel/* --json",
        "sample memory network/*/totalDownload --csv",
        "sample memory nosuch --optional --json",
        "sample nosuch --optional --json",
        "sample power --max-age 1d --json",
        "sample memory --timeout 1d --json",
        "watch memory/physical power/1234 --count 3 --interval 50ms --json",
        "watch memory/physical --count 3 --interval 50ms --csv",
        "watch memory/physical --count 2 --interval 5ms --json",
        "watch memory/physical nosuch/* --optional --count 2 --interval 50ms --json",
        "watch nosuch --optional --count 2 --interval 50ms --json",
    ] {
        let arguments: Vec<_> = arguments.split(' ').collect();
        let (stdout, stderr) = modes.agree(&arguments);
        assert!(
            !stdout.is_empty() && stderr.is_empty(),
            "{arguments:?} {stderr}"
        );
    }
}

#[test]
fn both_modes_list_the_same_sources() {
    let modes = Modes::of_laptop().configured("sources.off = ['os', 'process-table']");
    let sources = modes.run(&["sources", "--json"]).map(|run| {
        let sources: serde_json::Value = serde_json::from_str(&run.ok()).unwrap();
        let sources = sources.as_object().unwrap().clone();
        let states = sources.iter().map(|(name, source)| {
            (
                name.clone(),
                source["state"].clone(),
                source["error"].clone(),
            )
        });
        states.collect::<Vec<_>>()
    });
    let [service, here] = sources;
    assert_eq!(here, service);
}

#[test]
fn both_modes_show_the_same_processes() {
    let modes = Modes::of_laptop();
    for arguments in [
        "ps --fields pid,name,user,state,rss --sort pid",
        "ps --fields pid,name,threads --sort pid --json",
        "ps --filter name=s* --sort pid --csv",
        "ps --by user --sort user --fields threads,rss",
        "ps --tree --fields pid,name",
    ] {
        let arguments: Vec<_> = arguments.split(' ').collect();
        let (stdout, _) = modes.agree(&arguments);
        assert!(!stdout.is_empty(), "{arguments:?}");
    }
}
