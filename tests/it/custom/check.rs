//! `sampled sources check`: the diagnostics, their positions, and the exit status.

use std::fs;

use sampled::custom;
use tempfile::TempDir;

use super::fixture::{define, sources_d};
use crate::support::{bus::Bus, home::Home, process::Run};

#[test]
fn check_prints_the_readings_of_valid_definitions() {
    let home = Home::new();
    let directory = sources_d(&home);
    let file = home.dir().join("value");
    fs::write(&file, "5").unwrap();
    define(
        &directory,
        "room.toml",
        &format!(
            "[metrics.'a/b/c']\nfile = {file:?}\nunit = 'W'\n[metrics.'a/b/d']\nfile = '/nonexistent'"
        ),
    );
    let run = home.run(&["sources", "check"]);
    assert_eq!(
        run.stdout,
        "a/b/c  5 W\na/b/d  gone\nsources.d/room.toml: /nonexistent: No such file or directory (os error 2)\n"
    );
    assert_eq!((run.code, &*run.stderr), (Some(0), ""));
    let run = home.run(&["sources", "check", "--no-read"]).ok();
    assert_eq!(run, "a/b/c\na/b/d\n");
    let elsewhere = home.run(&["sources", "check", directory.to_str().unwrap()]);
    assert_eq!(elsewhere.code, Some(0));
}

#[test]
fn check_prints_diagnostics_with_their_positions() {
    let home = Home::new();
    let directory = sources_d(&home);
    define(
        &directory,
        "a.toml",
        "[metrics.'a/b/c']\nfile = 'x'\ncolour = 1",
    );
    define(&directory, "b.toml", "[metrics.'a/b/c']\nfile = '/x'\n[");
    define(&directory, "c.toml", "[metrics.'a/b/d']\nfile = '/x'");
    let run = home.run(&["sources", "check"]);
    assert_eq!((run.code, &*run.stderr), (Some(1), ""), "{run:?}");
    let shown = directory.display();
    let starts = [
        format!("{shown}/a.toml:2:8: metrics.\"a/b/c\".file: \"x\": an absolute path is expected"),
        format!("{shown}/a.toml:3:1: metrics.\"a/b/c\".colour: unknown key (known: name, "),
        format!("{shown}/b.toml:3:2: "),
    ];
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), starts.len(), "{run:?}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(&start), "{line}");
    }
}

#[test]
fn check_says_why_nothing_is_defined() {
    let home = Home::new();
    let directory = sources_d(&home);
    let shown = directory.display();
    let check = |expected: String| {
        for arguments in [
            &["sources", "check"][..],
            &["sources", "check", "--no-read"],
        ] {
            let run = home.run(arguments);
            let expected = format!("sampled: nothing is defined: {expected}\n");
            assert_eq!(
                (run.code, &*run.stdout, run.stderr),
                (Some(0), "", expected)
            );
        }
    };
    check(format!("there is no directory {shown}"));
    fs::create_dir_all(&directory).unwrap();
    check(format!("{shown} has no files *.toml with metrics"));
    define(&directory, "empty.toml", "# nothing yet\n");
    check(format!("{shown} has no files *.toml with metrics"));
    let mut homeless = home.sampled(&["sources", "check"]);
    let run = Run::of(homeless.env_remove("HOME").env_remove("XDG_CONFIG_HOME"));
    let expected =
        "sampled: nothing is defined: neither XDG_CONFIG_HOME nor HOME says where that would be\n";
    assert_eq!(
        (run.code, &*run.stdout, &*run.stderr),
        (Some(0), "", expected)
    );
}

#[test]
fn check_fails_if_a_given_directory_does_not_exist() {
    let home = Home::new();
    let directory = sources_d(&home);
    let shown = directory.to_str().unwrap();
    let run = home.run(&["sources", "check", shown]);
    let expected = format!("sampled: {shown}: No such file or directory (os error 2)\n");
    assert_eq!((run.code, run.stderr), (Some(1), expected));
    // The default directory, too, may not be a file.
    fs::create_dir_all(directory.parent().unwrap()).unwrap();
    fs::write(&directory, "").unwrap();
    let run = home.run(&["sources", "check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains(shown), "{run:?}");
}

#[test]
fn sources_are_listed_with_their_states() {
    let home = Home::new();
    let sources = home.run(&["sources"]).ok();
    let mut lines = sources.lines().map(|line| line.split_whitespace());
    assert!(
        lines.any(|words| words.take(2).eq(["memory", "unused"])),
        "{sources}"
    );
    let sources = home.run(&["sources", "--json"]).ok();
    let sources: serde_json::Value = serde_json::from_str(&sources).unwrap();
    assert_eq!(sources["cpu"]["state"], "unused");
    assert_eq!(sources["sources.d"]["error"], "");
    assert_eq!(home.run(&["sources", "check", "--json"]).code, Some(2));
}

/// Checks a directory with these files. The texts of the result have file names in place of paths.
fn check(files: impl IntoIterator<Item = (String, String)>) -> Result<custom::Check, String> {
    let dir = TempDir::with_prefix("sampled-custom-").unwrap();
    for (name, text) in files {
        define(dir.path(), &name, &text);
    }
    let shown = format!("{}/", dir.path().display());
    let checked = custom::check(dir.path(), sampled::sources::scopes())
        .map_err(|error| error.to_string().replace(&shown, ""))?;
    let diagnostics = checked.diagnostics.iter();
    let diagnostics = diagnostics.map(|diagnostic| diagnostic.replace(&shown, ""));
    Ok(custom::Check {
        diagnostics: diagnostics.collect(),
        ..checked
    })
}

#[test]
fn the_number_of_metrics_is_limited() {
    let metrics = |letter: &str, count: usize| {
        let one = |number| format!("[metrics.'{letter}/{number:05}/x']\nfile = '/f'\n");
        (format!("{letter}.toml"), (0..count).map(one).collect())
    };
    let checked = check([metrics("a", 16_000), metrics("b", 384)]).unwrap();
    assert_eq!((checked.ids.len(), checked.diagnostics.len()), (16_384, 0));
    let checked = check([metrics("a", 16_000), metrics("b", 500)]).unwrap();
    assert_eq!(checked.ids.len(), 16_384);
    assert_eq!(
        checked.diagnostics,
        [
            "b.toml:769:10: metrics.\"b/00384/x\": all files together define more than 16384 metrics: this \
             one and what comes after it in the order of ids is left out"
        ]
    );
}

#[test]
fn the_number_and_the_size_of_files_are_limited() {
    let files = |count| (0..count).map(|number| (format!("{number}.toml"), String::new()));
    assert_eq!(check(files(1024)), Ok(custom::Check::default()));
    let error = check(files(1025)).unwrap_err();
    assert!(
        error.ends_with("it has more than 1024 files *.toml"),
        "{error}"
    );
    let large = |number| (format!("{number:02}.toml"), "#".repeat(1 << 20));
    assert_eq!(check((0..16).map(large)), Ok(custom::Check::default()));
    let checked = check((0..17).map(large)).unwrap();
    assert_eq!(
        checked.diagnostics,
        ["16.toml: all files together have more than 16 MiB"]
    );
    let dir = TempDir::with_prefix("sampled-custom-").unwrap();
    define(dir.path(), "a.toml", &"#".repeat((1 << 20) + 1));
    let checked = custom::check(dir.path(), sampled::sources::scopes()).unwrap();
    assert!(
        checked.diagnostics[0].ends_with("it is larger than 1 MiB"),
        "{checked:?}"
    );
}

#[test]
fn the_number_of_diagnostics_is_limited() {
    let text = (0..1000).map(|number| format!("[metrics.'a/{number}/x']\nfile = 'x'\n"));
    let checked = check([("a.toml".to_owned(), text.collect())]).unwrap();
    assert_eq!(checked.diagnostics.len(), 257);
    assert!(checked.diagnostics[255].starts_with("a.toml:512:8: metrics."));
    assert_eq!(checked.diagnostics[256], "a.toml: and 744 more mistakes");
    let text = (0..1000)
        .map(|number| format!("[metrics.'a/{number:03}/x']\nexpression = 'a/{number:03}/x'\n"));
    let checked = check([("a.toml".to_owned(), text.collect())]).unwrap();
    assert_eq!((checked.ids.len(), checked.diagnostics.len()), (0, 257));
    assert_eq!(
        checked.diagnostics[255],
        "a.toml:511:10: metrics.\"a/255/x\": it is computed from itself: a/255/x from a/255/x"
    );
    assert_eq!(checked.diagnostics[256], "a.toml: and 744 more mistakes");
}

#[test]
fn check_says_that_the_running_service_reads_another_directory() {
    let bus = Bus::activating("--idle-timeout never");
    let define_as = |id: &str, directory: &std::path::Path| {
        define(
            directory,
            "room.toml",
            &format!("[metrics.'{id}']\nfile = '/proc/uptime'"),
        );
    };
    let elsewhere = bus.dir().join("elsewhere");
    define_as("a/b/service", &sources_d(&bus));
    define_as("a/b/shell", &elsewhere.join("sampled/sources.d"));
    let check = |config: &std::path::Path| {
        let mut check = bus.sampled(&["sources", "check", "--no-read"]);
        let run = Run::of(check.env("XDG_CONFIG_HOME", config));
        assert_eq!(run.code, Some(0), "{run:?}");
        (run.stdout, run.stderr)
    };
    // No service runs, and none is started.
    assert_eq!(check(&elsewhere), ("a/b/shell\n".to_owned(), String::new()));
    assert_eq!(bus.run(&["status"]).code, Some(3));
    bus.run(&["list", "a"]).ok();
    let pid = bus.block_on(bus.owned()).pid;
    assert_eq!(
        check(&bus.config()),
        ("a/b/service\n".to_owned(), String::new())
    );
    let expected = format!(
        "sampled: the running service (process {pid}) reads {}; this shell would read {}\n",
        sources_d(&bus).display(),
        elsewhere.join("sampled/sources.d").display()
    );
    assert_eq!(check(&elsewhere), ("a/b/shell\n".to_owned(), expected));
    // The same directory by another path.
    let link = bus.dir().join("link");
    std::os::unix::fs::symlink(bus.config(), &link).unwrap();
    assert_eq!(check(&link), ("a/b/service\n".to_owned(), String::new()));
    let sources = bus.block_on(async { bus.client().await.sources().await.unwrap() });
    assert_eq!(sources[custom::NAME].path, Some(sources_d(&bus)));
    assert_eq!(sources["memory"].path, None);
}
