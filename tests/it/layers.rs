//! The map of docs/architecture.md, so that it cannot rot: who may name whom.

use std::{fs, path::Path};

/// What each module may import of ours, and whether it may name zbus or tokio.
const MAP: [(&str, &[&str], &[&str]); 21] = [
    ("regular_file", &[], &[]),
    ("memory", &[], &[]),
    ("expression", &[], &[]),
    ("rate", &["reading", "expression"], &[]),
    ("reading", &["rate"], &[]),
    ("object", &[], &[]),
    (
        "source",
        &[
            "reading",
            "rate",
            "object",
            "duration",
            "expression",
            "mistake",
            "memory",
            "regular_file",
        ],
        &[],
    ),
    ("mistake", &[], &[]),
    ("process", &["reading", "rate", "object", "source"], &[]),
    ("selector", &["object"], &[]),
    (
        "store",
        &["reading", "rate", "expression", "selector", "source"],
        &["tokio", "tracing"],
    ),
    (
        "sample",
        &["reading", "rate", "source", "store"],
        &["tokio"],
    ),
    ("duration", &[], &[]),
    ("wire", &["reading"], &["zbus"]),
    ("transport", &[], &["zbus", "tokio"]),
    (
        "client",
        &["reading", "transport", "wire"],
        &["zbus", "tokio"],
    ),
    (
        "service",
        &[
            "memory",
            "reading",
            "rate",
            "selector",
            "source",
            "process",
            "store",
            "sample",
            "transport",
            "wire",
        ],
        &["zbus", "tokio", "tracing"],
    ),
    (
        "config",
        &["duration", "mistake", "regular_file", "service", "source"],
        &[],
    ),
    ("install", &["client", "regular_file", "wire"], &[]),
    ("demo", &[], &[]),
    ("lib", &[], &[]),
];

#[test]
fn imports_point_down_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 40, "{}", files.len());
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let module = inside
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        let module = module.trim_end_matches(".rs");
        let text = fs::read_to_string(&file).unwrap();
        let code = || {
            text.lines()
                .filter(|line| !line.trim_start().starts_with("//"))
        };
        // The program stands above everything, and speaks to the bus through the library alone.
        if module == "cli" || module == "main" {
            for line in code() {
                assert!(!line.contains("zbus"), "{}: {line}", file.display());
            }
            continue;
        }
        let (_, ours, theirs) = MAP
            .iter()
            .find(|(name, ..)| *name == module)
            .unwrap_or_else(|| panic!("{module} is not on the map"));
        for line in code() {
            for (other, ..) in MAP {
                let named = [format!("crate::{other}::"), format!("crate::{{{other}::")];
                let named = named.iter().any(|path| line.contains(path))
                    || line.trim_start().starts_with(&format!("{other}::"))
                        && is_import(&text, line);
                assert!(
                    !named || other == module || ours.contains(&other),
                    "{}: {module} must not know {other}: {line}",
                    file.display()
                );
            }
            for library in ["zbus", "tokio", "tracing"] {
                assert!(
                    !line.contains(&format!("{library}::")) || theirs.contains(&library),
                    "{}: {module} must not know {library}: {line}",
                    file.display()
                );
            }
        }
    }
}

/// Whether a line stands in a `use crate::{...}` of several lines.
fn is_import(text: &str, line: &str) -> bool {
    text.split("use crate::{\n").skip(1).any(|rest| {
        let list = rest.split("\n};").next().unwrap_or_default();
        list.lines().any(|other| other == line)
    })
}

fn collect(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn the_service_prints_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for module in ["service", "source", "client"] {
        collect(&root.join(module), &mut files);
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let prints = line.contains(" println!") || line.contains(" print!");
            assert!(!prints, "{}: {line}", file.display());
        }
    }
}
