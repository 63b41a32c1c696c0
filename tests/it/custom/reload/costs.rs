//! The files and columns that definitions need, and that they do not need.

use std::{fs, time::Instant};

use sampled::{
    reading::{Fault, Stamp},
    store::Baseline,
};

use super::{ID, SOURCE, metrics};
use crate::{
    custom::fixture::{Fixture, number},
    support::process::DEADLINE,
};

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
