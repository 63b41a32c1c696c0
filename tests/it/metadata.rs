//! The metadata for a person: names, descriptions, formulas, objects, scales and limits.

use std::collections::{HashMap, HashSet};

use sampled::metric::{Group, Kind, Metric, Object, unit};
use zbus::Variant;

use crate::{calls::fixture, metrics::everything, support::bus::Bus};

/// The longest name that fits beside a value.
const LONGEST_NAME: usize = 40;
/// The longest description that fits into a tooltip.
const LONGEST_DESCRIPTION: usize = 160;
/// The largest number of decimals.
const MOST_DECIMALS: u8 = 3;

/// The fault in the metadata of a metric, in words.
fn faults(metric: &Metric) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            faults.push(format!("{}: {what}", metric.id));
        }
    };
    let (name, description) = (&*metric.name, &*metric.description);
    let title = &*metric.object.title;
    let plain = |text: &str| !text.contains(char::is_control) && text == text.trim();
    check(plain(name) && !name.is_empty(), "its name is not plain");
    check(name.chars().count() <= LONGEST_NAME, "its name is too long");
    check(
        name.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()),
        "its name begins with a small letter",
    );
    check(
        !format!(" {name} ")
            .to_lowercase()
            .contains(&format!(" {title} ").to_lowercase()),
        "the name of its object is in its name",
    );
    check(plain(title) && !title.is_empty(), "its title is not plain");
    check(
        title.chars().count() <= Object::LONGEST_TITLE,
        "its title is too long",
    );
    check(
        plain(description) && description.ends_with('.') && !description.contains(". "),
        "its description is not one sentence",
    );
    check(
        description.starts_with(char::is_uppercase),
        "its description begins with a small letter",
    );
    check(
        description.chars().count() <= LONGEST_DESCRIPTION,
        "its description is too long for a tooltip",
    );
    for path in ["/proc", "/sys", "/etc", "/run", "/dev", "(2)", "(3)", "_"] {
        check(
            !description.contains(path),
            "a file or a call is in its description",
        );
    }
    let origins = ["/proc/", "/sys/", "/etc/", "/run/", "(2)", "(3)"];
    check(
        origins
            .iter()
            .any(|origin| metric.formula_text.contains(origin)),
        "its formula names no file",
    );
    check(
        *metric.formula_text != *description,
        "its formula is its description",
    );
    check(
        metric.object.group != Group::Custom,
        "its group is that of custom metrics",
    );
    check(
        metric.precision.is_none() == (metric.kind == Kind::Text)
            && metric
                .precision
                .is_none_or(|decimals| decimals <= MOST_DECIMALS),
        "its precision makes no sense",
    );
    check(
        (1..=2).contains(&metric.short().split_whitespace().count()),
        "its short name has more than two words",
    );
    let limits = &metric.limits;
    let numbers = [
        metric.minimum,
        metric.maximum,
        limits.warning,
        limits.critical,
    ];
    check(
        numbers.iter().flatten().all(|number| number.abs() < 2e18),
        "a number means that there is none",
    );
    let is_ordered = |one: Option<f64>, other| one.zip(other).is_none_or(|(a, b)| a <= b);
    check(
        is_ordered(metric.minimum, metric.maximum),
        "its scale is reversed",
    );
    check(
        match limits.are_lower {
            true => is_ordered(limits.critical, limits.warning),
            false => is_ordered(limits.warning, limits.critical),
        },
        "its limits are reversed",
    );
    faults
}

#[test]
fn every_metric_is_described_for_a_person() {
    let selections = everything();
    let columns = selections.iter().flat_map(|selection| &selection.columns);
    let mut seen = HashSet::new();
    let found: Vec<_> = columns
        .flat_map(|column| faults(&column.metric))
        .filter(|fault| seen.insert(fault.clone()))
        .collect();
    assert!(found.is_empty(), "{}:\n{}", found.len(), found.join("\n"));
}

/// Plasma draws the share of the maximum, and a full ring without one. A total has none, because it may grow, nor has the
/// swap space of a machine without any. The size of a file system, and that of the memory of a GPU that sleeps, is known
/// after a reading only.
#[test]
fn every_level_in_bytes_has_a_maximum() {
    for selection in everything() {
        let mut ids = selection.columns.iter().map(|column| &*column.metric.id);
        let has_swap = ids.any(|id| id == "memory/swap/usedPercent");
        for column in &selection.columns {
            let metric = &column.metric;
            let (object, property) = metric.id.rsplit_once('/').unwrap();
            let is_read_later = matches!(metric.object.group, Group::Disks | Group::Graphics);
            let is_unknown = is_read_later || object == "memory/swap" && !has_swap;
            if metric.kind == Kind::Gauge && metric.unit == unit::BYTES && !is_unknown {
                let is_total = property.starts_with("total");
                assert_eq!(metric.maximum.is_none(), is_total, "{}", metric.id);
            }
        }
    }
}

/// Two metrics of one object with the same name could not be told apart.
#[test]
fn names_differ_within_an_object() {
    for selection in everything() {
        let mut known = HashMap::new();
        for column in &selection.columns {
            let metric = &column.metric;
            let (object, _) = metric.id.rsplit_once('/').unwrap();
            for name in [&*metric.name, metric.short()] {
                let before = known.insert((object, name), &metric.id);
                let is_other = before.is_some_and(|before| *before != metric.id);
                assert!(!is_other, "{}: {name}, as {before:?}", metric.id);
            }
        }
    }
}

/// The metrics of an object may come from several sources.
#[test]
fn all_metrics_of_an_object_have_its_title_and_its_group() {
    for selection in everything() {
        let mut known = HashMap::new();
        for column in &selection.columns {
            let metric = &column.metric;
            let (object, _) = metric.id.rsplit_once('/').unwrap();
            let first = known.entry(object).or_insert(&metric.object);
            assert_eq!(**first, metric.object, "{}", metric.id);
        }
    }
}

#[test]
fn the_keys_of_a_list_have_the_documented_types() {
    let tree = fixture("laptop");
    let bus = Bus::activating(&format!(
        "--procfs {tree}/proc --sysfs {tree}/sys --rootfs {tree}"
    ));
    let mut seen = HashSet::new();
    bus.block_on(async {
        let client = bus.client().await;
        let listed = client.proxy().list(&[]).await.unwrap();
        assert!(listed.len() > 100, "{}", listed.len());
        for (id, metadata) in &listed {
            for (key, value) in metadata {
                let is_of_type = match key.as_str() {
                    "precision" => matches!(&**value, Variant::U32(_)),
                    "minimum" | "maximum" | "warning" | "critical" => {
                        matches!(&**value, Variant::F64(_))
                    }
                    "lower_limits" | "virtual" => matches!(&**value, Variant::Bool(true)),
                    _ => matches!(&**value, Variant::Str(_)),
                };
                assert!(is_of_type, "{id}: {key}: {value:?}");
                seen.insert(key.clone());
            }
            let always = [
                "name",
                "short",
                "description",
                "formula",
                "object",
                "group",
                "unit",
                "kind",
                "source",
            ];
            for key in always {
                assert!(metadata.contains_key(key), "{id}: {key}");
            }
        }
    });
    let mut seen: Vec<_> = seen.into_iter().collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            "critical",
            "description",
            "formula",
            "group",
            "kind",
            "lower_limits",
            "maximum",
            "minimum",
            "name",
            "object",
            "precision",
            "short",
            "source",
            "unit",
            "virtual",
            "warning",
        ]
    );
}
