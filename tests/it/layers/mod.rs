//! The modules that each module may import, as in the table of docs/architecture.md, and other rules about the code.

mod allowed;
mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use allowed::{ALLOWED, ALLOWED_IN_CLIENT, ALLOWED_IN_TOP, LIBRARIES};
use imports::{Crate, Segments};

fn parse(root: &str) -> Crate {
    let parsed = Crate::parse(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root));
    assert!(parsed.0.len() > 10, "{root}: {}", parsed.0.len());
    parsed
}

#[test]
fn imports_point_down_only() {
    check_imports("src", ALLOWED);
    check_imports("crates/client/src", ALLOWED_IN_CLIENT);
    check_imports("crates/top/src", ALLOWED_IN_TOP);
}

fn check_imports(root: &str, allowed: &[(&str, &[&str], &[&str])]) {
    let parsed = parse(root);
    for (path, module) in &parsed.0 {
        let Some(top) = path.first() else { continue };
        let row = allowed.iter().find(|(name, ..)| name == top);
        let (_, modules, libraries) = row.unwrap_or_else(|| panic!("{top} is not in the list"));
        for named in &module.names {
            let shown = format!("{}: {}", module.file.display(), named.join("::"));
            if LIBRARIES.contains(&&*named[0]) {
                assert!(libraries.contains(&&*named[0]), "{shown}");
            }
            let other = match &*named[0] {
                "crate" => named.get(1),
                _ => None,
            };
            if let Some(other) =
                other.filter(|other| allowed.iter().any(|(name, ..)| name == other))
            {
                assert!(other == top || modules.contains(&&**other), "{shown}");
            }
        }
    }
}

/// The modules of one module form no cycle of imports. Code that they share is in their parent or in another module.
#[test]
fn modules_form_no_cycle() {
    let mut cycles = BTreeSet::new();
    for root in [
        "src",
        "crates/client/src",
        "crates/daemon/src",
        "crates/pages/src",
        "crates/top/src",
    ] {
        let parsed = parse(root);
        // The siblings that each module imports, in itself or in a module below it.
        let mut edges: BTreeMap<Segments, BTreeSet<Segments>> = BTreeMap::new();
        for (path, module) in &parsed.0 {
            let owners = module.names.iter().filter_map(|named| parsed.owner(named));
            for owner in owners {
                let common = path.iter().zip(&owner).take_while(|(a, b)| a == b).count();
                if common < path.len() && common < owner.len() {
                    let from = path[..=common].to_vec();
                    edges
                        .entry(from)
                        .or_default()
                        .insert(owner[..=common].to_vec());
                }
            }
        }
        for start in edges.keys() {
            cycles.extend(cycle(&edges, start).map(|cycle| format!("{root}: {cycle}")));
        }
    }
    assert!(cycles.is_empty(), "{cycles:#?}");
}

/// The shortest cycle of imports through a module, as text.
fn cycle(edges: &BTreeMap<Segments, BTreeSet<Segments>>, start: &Segments) -> Option<String> {
    let mut paths = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !paths.is_empty() {
        let mut longer = Vec::new();
        for path in paths {
            for next in edges.get(*path.last().unwrap()).into_iter().flatten() {
                if next == start {
                    let mut names: Vec<_> = path.iter().map(|module| module.join("::")).collect();
                    let least = (0..names.len()).min_by_key(|&at| &names[at]).unwrap();
                    names.rotate_left(least);
                    return Some(names.join(" → "));
                }
                if seen.insert(next) {
                    longer.push(path.iter().copied().chain([next]).collect());
                }
            }
        }
        paths = longer;
    }
    None
}

#[test]
fn the_service_prints_nothing() {
    for (path, module) in parse("src").0 {
        let is_program = matches!(
            path.first().map(String::as_str),
            None | Some("cli" | "main")
        );
        let text = std::fs::read_to_string(&module.file).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code.filter(|_| !is_program) {
            let prints = line.contains(" println!") || line.contains(" print!");
            assert!(!prints, "{}: {line}", module.file.display());
        }
    }
}
