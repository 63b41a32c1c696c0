//! Saved definitions take effect, however an editor saves them. Invalid definitions leave the last valid ones in effect.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    time::Instant,
};

use sampled::{
    reading::{Fault, Stamp},
    store::Baseline,
};

use super::fixture::{Fixture, Writer, number};
use crate::support::process::{DEADLINE, skip};

const ID: &str = "a/b/c";
const SOURCE: &str = "sources.d/room.toml";

/// Definitions of these metrics, which all read one file.
fn metrics(fixture: &Fixture, ids: &[&str]) -> String {
    let file = fixture.path("file");
    let metric = |id: &&str| format!("[metrics.'{id}']\nfile = {file:?}\n");
    ids.iter().map(metric).collect()
}

#[test]
fn a_call_for_other_sources_does_not_read_the_directory() {
    let fixture = Fixture::new();
    fixture.define("room.toml", "this is no TOML");
    fixture.store.resolve(&["cpu/all/usage"]).unwrap();
    let sources = fixture.store.sources();
    let mut custom = sources
        .iter()
        .filter(|source| source.name.starts_with("sources.d"));
    assert_eq!(custom.next().unwrap().state, "unused");
    assert_eq!(custom.next(), None);
    // A selector that may match custom metrics makes the service read it.
    fixture.store.resolve(&["cpu"]).unwrap();
    fixture.wait_for_error_that(SOURCE, |error| error.contains("room.toml:1:6: "));
}

#[test]
fn only_requested_metrics_are_read() {
    let fixture = Fixture::new();
    fixture.write("file", "5");
    let text = metrics(&fixture, &["a/b/c"]);
    let others = "[metrics.'a/b/d']\nfile = '/proc/sys/kernel/pid_max'\n\
                  [metrics.'a/b/e']\ncommand = 'fail'\n[commands.fail]\nargv = ['false']";
    fixture.define("room.toml", &(text + others));
    let reads = || {
        let sources = fixture.store.sources();
        sources
            .iter()
            .find(|source| &*source.name == SOURCE)
            .map(|source| source.reads)
    };
    fixture.wait_for_ids(&["a/b/c", "a/b/d", "a/b/e"]);
    assert_eq!(reads(), Some(0));
    let pid_max = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
    let expected = number(pid_max.trim().parse().unwrap());
    let mut requests = 1;
    let start = Instant::now();
    while fixture.reading("a/b/d") != expected {
        // On a busy machine the answer may be late.
        assert!(start.elapsed() < DEADLINE, "{}", fixture.error(SOURCE));
        requests += 1;
    }
    fixture.wait_for_error(SOURCE, "");
    assert_eq!(reads(), Some(requests));
}

#[test]
fn a_saved_definition_is_a_change_of_the_catalog() {
    let fixture = Fixture::new();
    fixture.write("file", "5");
    assert!(fixture.rediscover().is_empty());
    fixture.define("room.toml", &metrics(&fixture, &["a/b/c"]));
    fixture.wait_for_ids(&["a/b/c"]);
    fixture.define("room.toml", &metrics(&fixture, &["a/b/c", "a/b/d"]));
    let changes = fixture.wait_for_changes();
    assert_eq!(changes.appeared, ["a/b/d".into()]);
    assert!(changes.vanished.is_empty());
    assert!(fixture.rediscover().is_empty());
    fixture.define("other.toml", &metrics(&fixture, &["x/y/z"]));
    assert_eq!(fixture.wait_for_changes().appeared, ["x/y/z".into()]);
    fs::remove_file(fixture.directory().join("room.toml")).unwrap();
    let changes = fixture.wait_for_changes();
    assert_eq!(changes.vanished, ["a/b/c".into(), "a/b/d".into()]);
    fixture.wait_for_ids(&["x/y/z"]);
}

#[test]
fn every_way_of_saving_is_noticed() {
    let fixture = Fixture::new();
    fixture.write("file", "5");
    let directory = fixture.directory();
    let file = directory.join("room.toml");
    fixture.define("room.toml", &metrics(&fixture, &["a/b/1"]));
    fixture.wait_for_ids(&["a/b/1"]);
    // A new file is renamed over it.
    fs::write(
        directory.join("room.toml.new"),
        metrics(&fixture, &["a/b/2"]),
    )
    .unwrap();
    fixture.wait_for_ids(&["a/b/1"]);
    fs::rename(directory.join("room.toml.new"), &file).unwrap();
    fixture.wait_for_ids(&["a/b/2"]);
    // The old file is renamed, and a new one written: vi with a backup.
    fs::rename(&file, directory.join("room.toml~")).unwrap();
    Writer::begin(&file, &metrics(&fixture, &["a/b/5"])).close();
    fixture.wait_for_ids(&["a/b/5"]);
    // The file is written in place.
    Writer::begin(&file, &metrics(&fixture, &["a/b/3"])).close();
    fixture.wait_for_ids(&["a/b/3"]);
    // A symbolic link, as dotfile managers make it.
    fs::remove_file(&file).unwrap();
    fixture.write("elsewhere", metrics(&fixture, &["a/b/4"]));
    symlink(fixture.path("elsewhere"), &file).unwrap();
    fixture.wait_for_ids(&["a/b/4"]);
    fs::remove_file(&file).unwrap();
    fs::hard_link(fixture.path("elsewhere"), &file).unwrap();
    fixture.wait_for_ids(&["a/b/4"]);
    // A file that is still open for writing: the definitions before stay.
    let half = directory.join("half.toml");
    let half = Writer::begin(&half, &metrics(&fixture, &["h/a/lf"]));
    fixture.wait_for_ids(&["a/b/4"]);
    half.close();
    fixture.wait_for_ids(&["a/b/4", "h/a/lf"]);
    // Backup and swap files of editors are ignored.
    for name in [
        ".room.toml",
        ".#room.toml",
        "room.toml~",
        "room.toml.swp",
        "room.bak",
    ] {
        fs::write(directory.join(name), metrics(&fixture, &["no/t/this"])).unwrap();
    }
    fixture.wait_for_ids(&["a/b/4", "h/a/lf"]);
}

#[test]
fn the_directory_of_definitions_may_appear_and_vanish() {
    let fixture = Fixture::new();
    fixture.write("file", "5");
    fixture.wait_for_ids(&[]);
    fixture.define("room.toml", &metrics(&fixture, &["a/b/1"]));
    fixture.wait_for_ids(&["a/b/1"]);
    fs::rename(fixture.directory(), fixture.path("aside")).unwrap();
    fixture.wait_for_ids(&[]);
    fixture.define("room.toml", &metrics(&fixture, &["a/b/2"]));
    fixture.wait_for_ids(&["a/b/2"]);
    fs::remove_dir_all(fixture.directory()).unwrap();
    fixture.wait_for_ids(&[]);
    symlink(fixture.path("aside"), fixture.directory()).unwrap();
    fixture.wait_for_ids(&["a/b/1"]);
    fixture.define("room.toml", &metrics(&fixture, &["a/b/3"]));
    fixture.wait_for_ids(&["a/b/3"]);
    fixture.wait_for_error("sources.d", "");
}

#[test]
fn an_invalid_definition_leaves_the_last_valid_one_in_effect() {
    let fixture = Fixture::new();
    fixture.write("file", "5");
    let good = metrics(&fixture, &["a/b/c", "a/b/d"]);
    fixture.define("room.toml", &good);
    fixture.wait_for(ID, number(5.0));
    let path = fixture.directory().join("room.toml");
    let path = path.display();
    // A half saved file is not TOML.
    fixture.define("room.toml", &good[..good.len() / 2 + 4]);
    assert!(fixture.rediscover().is_empty());
    fixture.wait_for_error_that(SOURCE, |error| error.starts_with(&format!("{path}:3:")));
    fixture.wait_for(ID, number(5.0));
    // One of two is invalid: it keeps its last definition, and the other one changes.
    let file = fixture.path("file");
    let text = format!(
        "[metrics.'a/b/c']\nfile = {file:?}\nscale = 'x'\n[metrics.'a/b/d']\nfile = {file:?}\nscale = 2"
    );
    fixture.define("room.toml", &text);
    fixture.wait_for(ID, number(5.0));
    fixture.wait_for("a/b/d", number(10.0));
    let diagnostic = "metrics.\"a/b/c\".scale: a number is expected, and string is given";
    fixture.wait_for_error(SOURCE, &format!("{path}:3:9: {diagnostic}"));
    fixture.define("room.toml", &text.replace("'x'", "3"));
    fixture.wait_for(ID, number(15.0));
    fixture.wait_for_error(SOURCE, "");
}

#[test]
fn a_changed_definition_is_used_by_the_next_reading() {
    let fixture = Fixture::with_file("");
    fixture.write("file", "5");
    fixture.write("other", "7");
    fixture.wait_for(ID, number(5.0));
    let selection = fixture.store.resolve(&[ID]).unwrap();
    let other = fixture.path("other");
    fixture.define(
        "room.toml",
        &format!("[metrics.'a/b/c']\nfile = {other:?}\nname = 'Other'"),
    );
    let changes = fixture.wait_for_changes();
    assert_eq!(changes.appeared, [ID.into()]);
    assert_eq!(changes.vanished, [ID.into()]);
    fixture.wait_for(ID, number(7.0));
    // A session resolves its selectors again.
    let again = fixture.store.resolve_again(&[ID], &selection);
    assert!(!again.is_same(&selection));
    assert_eq!(again.columns[0].metric.name, "Other");
}

#[test]
fn the_first_of_two_definitions_of_a_metric_is_used() {
    let fixture = Fixture::new();
    fixture.write("file", "5");
    for file in ["b.toml", "a.toml"] {
        fixture.define(file, &metrics(&fixture, &["a/b/c"]));
    }
    fixture.wait_for_ids(&["a/b/c"]);
    let [first, second] = ["a.toml", "b.toml"].map(|file| fixture.directory().join(file));
    let (first, second) = (first.display(), second.display());
    let metric = "metrics.\"a/b/c\"";
    let diagnostic = format!("{second}:1:10: {metric}: defined already at {first}:1:10");
    fixture.wait_for_error("sources.d/b.toml", &diagnostic);
    fixture.wait_for_error("sources.d/a.toml", "");
    fs::remove_file(fixture.directory().join("a.toml")).unwrap();
    fixture.wait_for_error("sources.d/b.toml", "");
    fixture.wait_for_ids(&["a/b/c"]);
}

#[test]
fn an_expression_follows_its_inputs_and_may_not_use_itself() {
    let fixture = Fixture::new();
    fixture.write("file", "5");
    let sum = |of: &str| format!("[metrics.'a/all/sum']\nexpression = '{of}'\nunit = 'W'");
    let text = metrics(&fixture, &["a/b/c", "a/d/c"]);
    fixture.define("room.toml", &text);
    fixture.define("sum.toml", &sum("sum(a/*/c) + 1"));
    fixture.wait_for("a/all/sum", number(11.0));
    fixture.define("sum.toml", &sum("sum(a/*/sum)"));
    let cycle = "it is computed from itself: a/all/sum from a/all/sum";
    fixture.wait_for_error_that("sources.d/sum.toml", |error| error.ends_with(cycle));
    fixture.define("sum.toml", &sum("2 * a/b/c"));
    fixture.wait_for("a/all/sum", number(10.0));
    fixture.wait_for_error("sources.d/sum.toml", "");
    // Its input changes.
    fixture.define(
        "room.toml",
        &text.replace("[metrics.'a/d/c']", "scale = 10\n[metrics.'a/d/c']"),
    );
    fixture.wait_for("a/all/sum", number(100.0));
}

#[test]
fn a_file_writable_by_others_is_refused() {
    let fixture = Fixture::new();
    fixture.write("file", "5");
    fixture.define("room.toml", &metrics(&fixture, &["a/b/c"]));
    let directory = fixture.directory();
    let file = directory.join("room.toml");
    let allow = |path: &std::path::Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    allow(&file, 0o666);
    fixture.wait_for_ids(&[]);
    let why = "everybody may write it: chmod o-w is needed";
    fixture.wait_for_error(SOURCE, &format!("{}: {why}", file.display()));
    allow(&file, 0o644);
    fixture.wait_for_ids(&["a/b/c"]);
    fixture.wait_for_error(SOURCE, "");
    allow(&directory, 0o777);
    // The definitions that were loaded before stay; no others are read.
    for _ in 0..2 {
        fixture.define("other.toml", &metrics(&fixture, &["x/y/z"]));
        fixture.wait_for_ids(&["a/b/c"]);
    }
    fixture.wait_for_error("sources.d", &format!("{}: {why}", directory.display()));
    allow(&directory, 0o755);
    fixture.wait_for_ids(&["a/b/c", "x/y/z"]);
    fixture.wait_for_error("sources.d", "");
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !nix::unistd::Uid::effective().is_root() {
        return skip("it gives a file to another user, which needs root");
    }
    let fixture = Fixture::new();
    fixture.define("room.toml", &metrics(&fixture, &["a/b/c"]));
    let file = fixture.directory().join("room.toml");
    std::os::unix::fs::chown(&file, Some(65534), None).unwrap();
    let why = "it belongs to the user of number 65534, and is to belong to 0 or to root";
    fixture.wait_for_error(SOURCE, &format!("{}: {why}", file.display()));
}

#[test]
fn reloads_leave_no_columns_and_no_open_files_behind() {
    let fixture = Fixture::new();
    fixture.write("file", "5");
    let texts = [&["a/b/c"][..], &["a/b/c", "a/b/d"]].map(|ids| metrics(&fixture, ids));
    let reload = |times: usize| {
        for text in texts.iter().cycle().take(2 * times) {
            fixture.define("room.toml", text);
            fixture.rediscover();
            fixture.wait_for(ID, number(5.0));
        }
    };
    // Whether files of this directory are open. Other tests open files of theirs at the same time.
    let are_left = || {
        let links = fs::read_dir("/proc/self/fd").unwrap();
        let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
        let mut targets = targets.filter(|target| target.starts_with(fixture.path("")));
        targets.next().is_some()
    };
    reload(2);
    let columns = || {
        let selection = fixture.store.resolve(&[ID]).unwrap();
        format!("{:?}", selection.columns[0].metric.formula)
    };
    let formula = columns();
    reload(50);
    assert_eq!(columns(), formula);
    fixture.wait_for("a/b/d", number(5.0));
    // A late reading may still have its file open.
    let start = Instant::now();
    while are_left() {
        assert!(
            start.elapsed() < DEADLINE,
            "files of the directory are open"
        );
        fixture.wait_for(ID, number(5.0));
    }
    fs::remove_file(fixture.path("file")).unwrap();
    fixture.wait_for(ID, Err(Fault::Gone));
}

#[test]
fn a_changed_definition_reuses_columns() {
    let fixture = Fixture::with_file("");
    fixture.write("file", "5");
    fixture.wait_for(ID, number(5.0));
    let first = fixture.store.resolve(&[ID]).unwrap();
    let width = first.columns[0].metric.formula.width();
    for hours in 1..50 {
        let file = fixture.path("file");
        let text = format!("[metrics.'{ID}']\nfile = {file:?}\nstale_after = '{hours}h'\n");
        fixture.define("room.toml", &text);
        fixture.rediscover();
        fixture.wait_for(ID, number(5.0));
        let now = fixture.store.resolve(&[ID]).unwrap();
        let formula = &now.columns[0].metric.formula;
        assert_eq!(formula.width(), width, "{formula:?}");
        // The earlier selection does not get the value of the new definition.
        assert_ne!(*formula, first.columns[0].metric.formula);
        let frame = fixture.store.read(&first, Stamp::now().monotonic);
        let none = Baseline::new();
        let mut readings = first.readings(&frame, &none);
        assert_eq!(readings.next().unwrap().1, Err(Fault::Gone));
    }
}
