//! Saved definitions take effect, however an editor saves them, and invalid ones keep the definitions before.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
};

use sampled::{
    reading::{Fault, Stamp},
    store::Baseline,
};

use super::place::{Place, number};

const ID: &str = "a/b/c";
const SOURCE: &str = "sources.d/room.toml";

/// Definitions of these metrics, which all read one file.
fn metrics(place: &Place, ids: &[&str]) -> String {
    let file = place.path("file");
    let metric = |id: &&str| format!("[metrics.'{id}']\nfile = {file:?}\n");
    ids.iter().map(metric).collect()
}

#[test]
fn a_call_for_other_sources_does_not_read_the_directory() {
    let place = Place::new();
    place.define("room.toml", "this is no TOML");
    place.store.resolve(&["cpu/all/usage"]).unwrap();
    let sources = place.store.sources();
    let mut own = sources
        .iter()
        .filter(|source| source.name.starts_with("sources.d"));
    assert_eq!(own.next().unwrap().state, "unused");
    assert_eq!(own.next(), None);
    // A selector that may match custom metrics makes the service read it.
    place.store.resolve(&["cpu"]).unwrap();
    assert!(
        place.error(SOURCE).contains("room.toml:1:6: "),
        "{}",
        place.error(SOURCE)
    );
}

#[test]
fn only_requested_readers_run() {
    let place = Place::new();
    place.write("file", "5");
    let text = metrics(&place, &["a/b/c"]);
    let others = "[metrics.'a/b/d']\nfile = '/proc/sys/kernel/pid_max'\n\
                  [metrics.'a/b/e']\ncommand = 'fail'\n[commands.fail]\nargv = ['false']";
    place.define("room.toml", &(text + others));
    let reads = || {
        let sources = place.store.sources();
        sources
            .iter()
            .find(|source| &*source.name == SOURCE)
            .map(|source| source.reads)
    };
    assert_eq!(place.ids(), ["a/b/c", "a/b/d", "a/b/e"]);
    assert_eq!(reads(), Some(0));
    let most = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
    assert_eq!(place.reading("a/b/d"), number(most.trim().parse().unwrap()));
    assert_eq!(place.error(SOURCE), "");
    assert_eq!(reads(), Some(1));
}

#[test]
fn saved_definitions_are_announced() {
    let place = Place::new();
    place.write("file", "5");
    assert!(place.look().is_empty());
    place.define("room.toml", &metrics(&place, &["a/b/c"]));
    assert_eq!(place.ids(), ["a/b/c"]);
    place.define("room.toml", &metrics(&place, &["a/b/c", "a/b/d"]));
    let changes = place.look();
    assert_eq!(changes.appeared, ["a/b/d".into()]);
    assert!(changes.vanished.is_empty());
    assert!(place.look().is_empty());
    place.define("other.toml", &metrics(&place, &["x/y/z"]));
    assert_eq!(place.look().appeared, ["x/y/z".into()]);
    fs::remove_file(place.directory().join("room.toml")).unwrap();
    let changes = place.look();
    assert_eq!(changes.vanished, ["a/b/c".into(), "a/b/d".into()]);
    assert_eq!(place.ids(), ["x/y/z"]);
}

#[test]
fn every_way_of_saving_is_noticed() {
    let place = Place::new();
    place.write("file", "5");
    let directory = place.directory();
    let file = directory.join("room.toml");
    place.define("room.toml", &metrics(&place, &["a/b/1"]));
    assert_eq!(place.ids(), ["a/b/1"]);
    // A new file is renamed over it.
    fs::write(directory.join("room.toml.new"), metrics(&place, &["a/b/2"])).unwrap();
    assert_eq!(place.ids(), ["a/b/1"]);
    fs::rename(directory.join("room.toml.new"), &file).unwrap();
    assert_eq!(place.ids(), ["a/b/2"]);
    // The old file is renamed, and a new one written: vi with a backup.
    fs::rename(&file, directory.join("room.toml~")).unwrap();
    fs::write(&file, metrics(&place, &["a/b/3"])).unwrap();
    assert_eq!(place.ids(), ["a/b/3"]);
    // A symbolic link, as dotfile managers make it.
    fs::remove_file(&file).unwrap();
    place.write("elsewhere", metrics(&place, &["a/b/4"]));
    symlink(place.path("elsewhere"), &file).unwrap();
    assert_eq!(place.ids(), ["a/b/4"]);
    fs::remove_file(&file).unwrap();
    fs::hard_link(place.path("elsewhere"), &file).unwrap();
    assert_eq!(place.ids(), ["a/b/4"]);
    // A file that is still open for writing: the definitions before stay.
    let mut half = fs::File::create(directory.join("half.toml")).unwrap();
    std::io::Write::write_all(&mut half, metrics(&place, &["h/a/lf"]).as_bytes()).unwrap();
    assert_eq!(place.ids(), ["a/b/4"]);
    drop(half);
    assert_eq!(place.ids(), ["a/b/4", "h/a/lf"]);
    // Backup and swap files of editors are ignored.
    for name in [
        ".room.toml",
        ".#room.toml",
        "room.toml~",
        "room.toml.swp",
        "room.bak",
    ] {
        fs::write(directory.join(name), metrics(&place, &["no/t/this"])).unwrap();
    }
    assert_eq!(place.ids(), ["a/b/4", "h/a/lf"]);
}

#[test]
fn a_directory_comes_and_goes() {
    let place = Place::new();
    place.write("file", "5");
    let none: [&str; 0] = [];
    assert_eq!(place.ids(), none);
    place.define("room.toml", &metrics(&place, &["a/b/1"]));
    assert_eq!(place.ids(), ["a/b/1"]);
    fs::rename(place.directory(), place.path("aside")).unwrap();
    assert_eq!(place.ids(), none);
    place.define("room.toml", &metrics(&place, &["a/b/2"]));
    assert_eq!(place.ids(), ["a/b/2"]);
    fs::remove_dir_all(place.directory()).unwrap();
    assert_eq!(place.ids(), none);
    symlink(place.path("aside"), place.directory()).unwrap();
    assert_eq!(place.ids(), ["a/b/1"]);
    place.define("room.toml", &metrics(&place, &["a/b/3"]));
    assert_eq!(place.ids(), ["a/b/3"]);
    assert_eq!(place.error("sources.d"), "");
}

#[test]
fn an_invalid_definition_keeps_the_one_before() {
    let place = Place::new();
    place.write("file", "5");
    let good = metrics(&place, &["a/b/c", "a/b/d"]);
    place.define("room.toml", &good);
    place.until(ID, number(5.0));
    let path = place.directory().join("room.toml");
    let path = path.display();
    // A half saved file is not TOML.
    place.define("room.toml", &good[..good.len() / 2 + 4]);
    assert!(place.look().is_empty());
    assert_eq!(place.reading(ID), number(5.0));
    let error = place.error(SOURCE);
    assert!(error.starts_with(&format!("{path}:3:")), "{error}");
    // One of two is invalid: it keeps its last definition, and the other one changes.
    let file = place.path("file");
    let text = format!(
        "[metrics.'a/b/c']\nfile = {file:?}\nscale = 'x'\n[metrics.'a/b/d']\nfile = {file:?}\nscale = 2"
    );
    place.define("room.toml", &text);
    place.until(ID, number(5.0));
    place.until("a/b/d", number(10.0));
    let mistake = "metrics.\"a/b/c\".scale: a number is expected, and string is given";
    assert_eq!(place.error(SOURCE), format!("{path}:3:9: {mistake}"));
    place.define("room.toml", &text.replace("'x'", "3"));
    place.until(ID, number(15.0));
    assert_eq!(place.error(SOURCE), "");
}

#[test]
fn a_changed_definition_is_read_anew() {
    let place = Place::with_file("");
    place.write("file", "5");
    place.write("other", "7");
    place.until(ID, number(5.0));
    let selection = place.store.resolve(&[ID]).unwrap();
    let other = place.path("other");
    place.define(
        "room.toml",
        &format!("[metrics.'a/b/c']\nfile = {other:?}\nname = 'Other'"),
    );
    let changes = place.look();
    assert_eq!(changes.appeared, [ID.into()]);
    assert_eq!(changes.vanished, [ID.into()]);
    place.until(ID, number(7.0));
    // A session takes the change.
    let again = place.store.resolve_again(&[ID], &selection);
    assert!(!again.is_same(&selection));
    assert_eq!(again.columns[0].metric.name, "Other");
}

#[test]
fn the_first_of_two_definitions_counts() {
    let place = Place::new();
    place.write("file", "5");
    for file in ["b.toml", "a.toml"] {
        place.define(file, &metrics(&place, &["a/b/c"]));
    }
    assert_eq!(place.ids(), ["a/b/c"]);
    let [first, second] = ["a.toml", "b.toml"].map(|file| place.directory().join(file));
    let (first, second) = (first.display(), second.display());
    let metric = "metrics.\"a/b/c\"";
    let mistake = format!("{second}:1:10: {metric}: defined already at {first}:1:10");
    assert_eq!(place.error("sources.d/b.toml"), mistake);
    assert_eq!(place.error("sources.d/a.toml"), "");
    fs::remove_file(place.directory().join("a.toml")).unwrap();
    assert_eq!(place.error("sources.d/b.toml"), "");
    assert_eq!(place.ids(), ["a/b/c"]);
}

#[test]
fn expressions_and_their_cycles() {
    let place = Place::new();
    place.write("file", "5");
    let sum = |of: &str| format!("[metrics.'a/all/sum']\nexpression = '{of}'\nunit = 'W'");
    let text = metrics(&place, &["a/b/c", "a/d/c"]);
    place.define("room.toml", &text);
    place.define("sum.toml", &sum("sum(a/*/c) + 1"));
    place.until("a/all/sum", number(11.0));
    place.define("sum.toml", &sum("sum(a/*/sum)"));
    let circle = "it is computed from itself: a/all/sum from a/all/sum";
    assert!(place.error("sources.d/sum.toml").ends_with(circle));
    place.define("sum.toml", &sum("2 * a/b/c"));
    place.until("a/all/sum", number(10.0));
    assert_eq!(place.error("sources.d/sum.toml"), "");
    // Its input changes.
    place.define(
        "room.toml",
        &text.replace("[metrics.'a/d/c']", "scale = 10\n[metrics.'a/d/c']"),
    );
    place.until("a/all/sum", number(100.0));
}

#[test]
fn a_file_writable_by_others_is_refused() {
    let place = Place::new();
    place.write("file", "5");
    place.define("room.toml", &metrics(&place, &["a/b/c"]));
    let directory = place.directory();
    let file = directory.join("room.toml");
    let allow = |path: &std::path::Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    let none: [&str; 0] = [];
    allow(&file, 0o666);
    assert_eq!(place.ids(), none);
    let why = "everybody may write it: chmod o-w is needed";
    assert_eq!(place.error(SOURCE), format!("{}: {why}", file.display()));
    allow(&file, 0o644);
    assert_eq!(place.ids(), ["a/b/c"]);
    assert_eq!(place.error(SOURCE), "");
    allow(&directory, 0o777);
    // The definitions that were loaded before stay; no others are read.
    for _ in 0..2 {
        place.define("other.toml", &metrics(&place, &["x/y/z"]));
        assert_eq!(place.ids(), ["a/b/c"]);
    }
    assert_eq!(
        place.error("sources.d"),
        format!("{}: {why}", directory.display())
    );
    allow(&directory, 0o755);
    assert_eq!(place.ids(), ["a/b/c", "x/y/z"]);
    assert_eq!(place.error("sources.d"), "");
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("skipped: only root can give a file to somebody else");
        return;
    }
    let place = Place::new();
    place.define("room.toml", &metrics(&place, &["a/b/c"]));
    let file = place.directory().join("room.toml");
    std::os::unix::fs::chown(&file, Some(65534), None).unwrap();
    let why = "it belongs to the user of number 65534, and is to belong to 0 or to root";
    assert_eq!(place.error(SOURCE), format!("{}: {why}", file.display()));
}

#[test]
fn reloads_leave_nothing_behind() {
    let place = Place::new();
    place.write("file", "5");
    let texts = [&["a/b/c"][..], &["a/b/c", "a/b/d"]].map(|ids| metrics(&place, ids));
    let reload = |times: usize| {
        for text in texts.iter().cycle().take(2 * times) {
            place.define("room.toml", text);
            place.look();
            place.until(ID, number(5.0));
        }
    };
    // Only of this directory: other tests run at the same time.
    let are_left = || {
        let links = fs::read_dir("/proc/self/fd").unwrap();
        let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
        let mut targets = targets.filter(|target| target.starts_with(place.path("")));
        targets.next().is_some()
    };
    reload(2);
    let columns = || {
        let selection = place.store.resolve(&[ID]).unwrap();
        format!("{:?}", selection.columns[0].metric.formula)
    };
    let formula = columns();
    reload(50);
    assert_eq!(columns(), formula);
    place.until("a/b/d", number(5.0));
    // A late reading may still be under way.
    while are_left() {
        place.until(ID, number(5.0));
    }
    fs::remove_file(place.path("file")).unwrap();
    place.until(ID, Err(Fault::Gone));
}

#[test]
fn a_changed_definition_reuses_columns() {
    let place = Place::with_file("");
    place.write("file", "5");
    place.until(ID, number(5.0));
    let first = place.store.resolve(&[ID]).unwrap();
    let width = first.columns[0].metric.formula.width();
    for hours in 1..50 {
        let file = place.path("file");
        let text = format!("[metrics.'{ID}']\nfile = {file:?}\nstale_after = '{hours}h'\n");
        place.define("room.toml", &text);
        place.look();
        place.until(ID, number(5.0));
        let now = place.store.resolve(&[ID]).unwrap();
        let formula = &now.columns[0].metric.formula;
        assert_eq!(formula.width(), width, "{formula:?}");
        // The earlier selection does not read the new owner's value.
        assert_ne!(*formula, first.columns[0].metric.formula);
        let frame = place.store.read(&first, Stamp::now().monotonic);
        let none = Baseline::new();
        let mut readings = first.readings(&frame, &none);
        assert_eq!(readings.next().unwrap().1, Err(Fault::Gone));
    }
}
