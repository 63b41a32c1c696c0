//! Definitions and files that are refused; the last valid definition stays in effect.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use super::{ID, SOURCE, metrics};
use crate::{
    custom::fixture::{Fixture, number},
    support::process::skip,
};

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
