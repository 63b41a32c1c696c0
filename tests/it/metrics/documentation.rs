//! The tables of docs/metrics.md are those of the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
};

use super::{everything, project};
use sampled::reading::Fault;

/// The line of docs/metrics.md after which everything is made from the code.
const MARK: &str = "<!-- From here on: SAMPLED_WRITE_DOCS=1 cargo test --test it metrics -->\n";

/// An id with a placeholder for what differs from machine to machine.
fn pattern(id: &str) -> String {
    let parts: Vec<_> = id.split('/').collect();
    let &[source, object, property] = &parts[..] else {
        panic!("{id} is not of three parts");
    };
    let object = match (source, object) {
        (_, "all") | ("cpu", "loadaverages") => object,
        ("cpu", _) => "<cpu>",
        ("disk", _) => "<disk>",
        ("gpu", _) => "<gpu>",
        ("lmsensors", _) => "<chip>",
        ("network", _) => "<interface>",
        ("pressure", _) => "<resource>",
        ("power", _) => match property {
            "online" => "<adapter>",
            "power" | "energy" => "<package>",
            _ => "<battery>",
        },
        _ => object,
    };
    let property = match source {
        "lmsensors" if property.ends_with("_alarm") => "<alarm>".to_owned(),
        "lmsensors" => format!(
            "<{}>",
            property.trim_end_matches(|c: char| c.is_ascii_digit())
        ),
        _ => property.to_owned(),
    };
    format!("{source}/{object}/{property}")
}

/// A text as a cell of a table in Markdown.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('*', "\\*")
        .replace('<', "\\<")
}

/// The tables of docs/metrics.md, and the words for units and kinds that are in them.
fn tables() -> (String, BTreeSet<String>) {
    let selections = everything();
    let mut words = BTreeSet::new();
    let mut sources = BTreeMap::<_, BTreeMap<_, (_, BTreeSet<_>)>>::new();
    for column in selections.iter().flat_map(|selection| &selection.columns) {
        let metric = &column.metric;
        words.extend([metric.unit.to_string(), metric.kind.as_str().to_owned()]);
        let source = sources.entry(column.source.clone()).or_default();
        let about = (
            metric.unit.clone(),
            metric.description.clone(),
            metric.formula_text.clone(),
        );
        let (known, kinds) = source
            .entry(pattern(&metric.id))
            .or_insert_with(|| (about.clone(), BTreeSet::new()));
        assert_eq!(*known, about, "{} is not the same everywhere", metric.id);
        kinds.insert(metric.kind.as_str());
    }
    let mut text = String::new();
    for (source, metrics) in sources {
        text += &format!(
            "\n## {source}\n\n| Metric | Unit | Kind | Meaning | Formula |\n|---|---|---|---|---|\n"
        );
        for (id, ((unit, description, formula), kinds)) in metrics {
            let kinds = Vec::from_iter(kinds).join(" or ");
            let unit = if unit.is_empty() {
                String::new()
            } else {
                format!("`{unit}`")
            };
            let (description, formula) = (cell(&description), cell(&formula));
            text += &format!("| `{id}` | {unit} | {kinds} | {description} | {formula} |\n");
        }
    }
    (text, words)
}

#[test]
fn documented() {
    let path = project().join("docs/metrics.md");
    let before = fs::read_to_string(&path).unwrap();
    let (head, _) = before.split_once(MARK).unwrap();
    let (tables, mut words) = tables();
    words.extend(Fault::ALL.map(|fault| fault.code().to_owned()));
    for word in words.iter().filter(|word| !word.is_empty()) {
        assert!(
            head.contains(&format!("`{word}`")),
            "{word} is not explained"
        );
    }
    let now = format!("{head}{MARK}{tables}");
    if env::var_os("SAMPLED_WRITE_DOCS").is_some() {
        fs::write(&path, now).unwrap();
    } else if before != now {
        let differ = before
            .lines()
            .zip(now.lines())
            .find(|(old, new)| old != new);
        panic!(
            "docs/metrics.md is not what the code says; write it anew with\n\
             SAMPLED_WRITE_DOCS=1 cargo test --test it metrics\nFirst difference: {differ:#?}"
        );
    }
}
