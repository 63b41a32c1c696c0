//! Saved definitions take effect, however an editor saves them.

mod costs;
mod refusals;

use std::{fs, os::unix::fs::symlink};

use super::fixture::{Fixture, Writer, number};

const ID: &str = "a/b/c";
const SOURCE: &str = "sources.d/room.toml";

/// Definitions of these metrics, which all read one file.
fn metrics(fixture: &Fixture, ids: &[&str]) -> String {
    let file = fixture.path("file");
    let metric = |id: &&str| format!("[metrics.'{id}']\nfile = {file:?}\n");
    ids.iter().map(metric).collect()
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
