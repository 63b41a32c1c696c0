//! The unit of docs/alerts.md.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Instant,
};

use super::session::{UNITS, within};
use crate::support::process::DEADLINE;

/// The text of the block of this language in docs/alerts.md.
fn block(language: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/alerts.md");
    let page = fs::read_to_string(page).expect("the page");
    let (_, block) = page
        .split_once(&format!("```{language}\n"))
        .expect("a block");
    block.split("```").next().expect("its text").to_owned()
}

/// Replaces a part of a text, which must be there.
#[track_caller]
fn replace(text: &str, part: &str, other: &str) -> String {
    assert!(text.contains(part), "{part} is not in {text}");
    text.replace(part, other)
}

#[test]
fn the_unit_of_the_documentation_runs_an_alert() {
    within(&UNITS, async |session| {
        let home = PathBuf::from(env::var_os("HOME").expect("HOME"));
        // Every machine has memory, and few test machines a sensor or a desktop.
        let unit = replace(
            &block("ini"),
            "'lmsensors/*/temp*' --optional --above 85",
            "memory/physical/total --optional --above 0",
        );
        let unit = replace(&unit, "--hold 10s", "--hold 1s");
        let script = replace(
            &block("sh"),
            "exec notify-send",
            "exec >>$HOME/told printf '%s|'",
        );
        let path = home.join(".local/bin/notify-crossing");
        fs::write(&path, script).expect("script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        let units = home.join(".config/systemd/user");
        fs::create_dir_all(&units).expect("directory");
        fs::write(units.join("hot.service"), unit).expect("unit");
        session.systemctl(&["daemon-reload"]);
        session.systemctl(&["start", "hot"]);
        let told = home.join("told");
        let expected = "memory/physical/total|above 0 By: ";
        wait_for(&told, expected);
        // It goes on with the next service, which is not to tell the same again.
        session.systemctl(&["restart", "sampled"]);
        let client = session.client().await;
        while client.sessions().await.expect("sessions").is_empty() {}
        assert_eq!(session.systemctl(&["is-active", "hot"]).trim(), "active");
        session.systemctl(&["stop", "hot"]);
        let result = session.systemctl(&["show", "--property=Result", "--value", "hot"]);
        assert_eq!(result.trim(), "success");
        let told = fs::read_to_string(told).expect("told");
        assert_eq!(told.matches(expected).count(), 1, "{told}");
        assert_eq!(session.failed_units(), "");
    });
}

fn wait_for(file: &Path, text: &str) {
    let start = Instant::now();
    while !fs::read_to_string(file).is_ok_and(|told| told.contains(text)) {
        assert!(
            start.elapsed() < DEADLINE,
            "{} lacks {text}",
            file.display()
        );
    }
}
