//! Properties that all sources share.

mod kinds;

use std::fs;

use super::*;
use crate::{
    pattern::covers,
    reading::{Fault, Raw, Snapshot, Stamp, Value},
    source::{
        Error,
        tests::{
            Tree, begin, discover, fixture,
            harm::{Random, copy},
            members, read, roots,
        },
    },
};

#[test]
fn every_metric_has_a_scope_a_column_and_a_description() {
    use crate::metric::Kind;
    for roots in [
        roots("laptop"),
        roots("server"),
        roots("desktop"),
        roots("raspberry"),
        Roots::default(),
    ] {
        let mut ids = std::collections::HashSet::new();
        for mut source in members::sources(all(&roots)) {
            let metrics = source.discover().unwrap();
            if metrics.is_empty() {
                continue;
            }
            let columns = read(source.as_mut());
            for metric in metrics {
                assert!(
                    source
                        .about()
                        .may_have(&|pattern| covers(pattern, &metric.id)),
                    "{}",
                    metric.id
                );
                assert!(source.may_have(&|id| covers(id, &metric.id)));
                let last = metric.formula.width() - 1;
                assert!(last < columns.len(), "{}", metric.id);
                let is_text = metric.kind == Kind::Text;
                match columns[last] {
                    Raw::Text(_) => assert!(is_text, "{}", metric.id),
                    Raw::Fault(_) => {}
                    _ => assert!(!is_text, "{}", metric.id),
                }
                assert_eq!(metric.formula.needs_baseline(), metric.kind == Kind::Rate);
                assert_eq!(metric.unit.is_empty(), is_text);
                assert!(metric.id.is_ascii() && !metric.name.is_empty());
                assert!(ids.insert(metric.id.clone()), "{} twice", metric.id);
            }
        }
        assert!(ids.contains("cpu/cpu0/usage") && ids.contains("os/system/uptime"));
    }
}

#[test]
fn an_empty_tree_is_an_error_with_a_path_or_nothing() {
    let tree = Tree::new();
    for mut source in all(&tree.roots()) {
        match source.discover() {
            Ok(metrics) => assert_eq!(metrics, []),
            Err(error) => {
                assert!(
                    error.to_string().starts_with(tree.root.to_str().unwrap()),
                    "{error}"
                );
                assert_eq!(error.fault(), Fault::Gone);
                let mut columns = Vec::new();
                match source.read(&mut columns) {
                    Ok(()) => assert!(columns.iter().all(is_fault)),
                    Err(error) => assert_eq!(error.fault(), Fault::Gone),
                }
            }
        }
    }
}

fn is_fault(column: &Raw) -> bool {
    matches!(column, Raw::Fault(_))
}

#[test]
fn empty_files_are_malformed_or_nothing() {
    let tree = Tree::new();
    for path in [
        "stat",
        "meminfo",
        "loadavg",
        "uptime",
        "cpuinfo",
        "vmstat",
        "diskstats",
        "net/dev",
        "sys/fs/file-nr",
        "sys/kernel/random/entropy_avail",
        "net/route",
        "net/ipv6_route",
        "net/wireless",
        "self/mountinfo",
        "pressure/cpu",
        "pressure/memory",
        "pressure/io",
        "pressure/irq",
        "devices/system/cpu/online",
    ] {
        tree.write(path, "");
    }
    for path in ["ostype", "osrelease", "hostname"] {
        tree.write(&format!("sys/kernel/{path}"), "");
    }
    for mut source in all(&tree.roots()) {
        let _ = source.discover();
        let mut columns = Vec::new();
        match source.read(&mut columns) {
            Ok(()) => assert!(columns.iter().all(is_fault)),
            Err(error) => assert_eq!(error.fault(), Fault::Malformed, "{error}"),
        }
    }
}

#[test]
fn files_are_opened_once() {
    let tree = Tree::new();
    tree.write("stat", fixture!("laptop/proc/stat"));
    tree.write("meminfo", fixture!("laptop/proc/meminfo"));
    tree.write("loadavg", fixture!("laptop/proc/loadavg"));
    tree.write("uptime", fixture!("laptop/proc/uptime"));
    // The list of the CPUs is the fifth file.
    tree.write("devices/system/cpu/online", "0-3\n");
    let mut sources: Vec<_> = all(&tree.roots())
        .into_iter()
        .filter_map(|provider| match provider {
            Provider::Source(source) => Some(source),
            Provider::Family(_) => None,
        })
        .filter_map(|mut source| {
            source
                .discover()
                .is_ok_and(|found| !found.is_empty())
                .then_some(source)
        })
        .collect();
    assert_eq!(tree.descriptors(), 5);
    for path in ["stat", "meminfo", "loadavg", "uptime"] {
        fs::remove_file(tree.root.join(path)).unwrap();
    }
    for _ in 0..3 {
        sources
            .iter_mut()
            .for_each(|source| assert!(!read(source.as_mut()).is_empty()));
        assert_eq!(tree.descriptors(), 5);
    }
    drop(sources);
    assert_eq!(tree.descriptors(), 0);
}

/// Files with random damage cause neither panics nor readings that are not finite.
#[test]
fn damaged_files_do_no_harm() {
    let rounds = std::env::var("HARM_ROUNDS").ok();
    let rounds = rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    let mut random = Random::default();
    for round in 0..rounds {
        for machine in ["laptop", "desktop", "raspberry"] {
            let tree = Tree::new();
            let root = tree.roots().root;
            let files = copy(&roots(machine).root, &root);
            let roots = Roots {
                proc: root.join("proc"),
                sys: root.join("sys"),
                root,
            };
            let mut sources = all(&roots);
            let mut before: Vec<Option<Snapshot>> = Vec::new();
            for _ in 0..3 {
                let mut at = 0;
                while at < sources.len() {
                    let what = format!("round {round} of {machine}");
                    let members = unharmed(&what, sources[at].members());
                    let members = members.unwrap_or_default().into_iter();
                    sources.extend(members.map(|member| member.provider));
                    let mut metrics = Vec::new();
                    let mut columns = Vec::new();
                    if let Provider::Source(source) = &mut sources[at] {
                        metrics = unharmed(&what, discover(source.as_mut())).unwrap_or_default();
                        begin(source.as_mut());
                        let _ = unharmed(&what, source.read(&mut columns));
                    }
                    let stamp = Stamp::now();
                    let now = Snapshot { stamp, columns };
                    before.resize(sources.len(), None);
                    for metric in metrics {
                        let reading = metric.formula.evaluate(&now, before[at].as_ref());
                        if let Ok(Value::Number(number)) = reading {
                            assert!(number.is_finite(), "{what}: {}", metric.id);
                        }
                    }
                    before[at] = Some(now);
                    at += 1;
                }
                for (path, text) in &files {
                    fs::write(path, random.harm(text)).unwrap();
                }
            }
        }
    }
}

/// Panics if the call has panicked on the blocking pool.
#[track_caller]
fn unharmed<T>(what: &str, outcome: Result<T, Error>) -> Result<T, Error> {
    if let Err(Error::Panicked(how)) = &outcome {
        panic!("{what}: {how}");
    }
    outcome
}
