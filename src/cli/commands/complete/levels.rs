//! Ids of metrics, completed part by part, as a shell completes paths.

use std::collections::BTreeMap;

use sampled::client::Metadata;

/// The name of a candidate: a source, an object or a metric.
pub(super) struct Labels<'a> {
    group: &'a str,
    object: &'a str,
    name: &'a str,
    unit: &'a str,
}

impl<'a> Labels<'a> {
    pub(super) fn of(metric: &'a Metadata) -> Self {
        Self {
            group: &metric.group,
            object: &metric.object,
            name: &metric.name,
            unit: &metric.unit,
        }
    }
}

/// The selectors that match all metrics which a typed text can be completed to.
pub(super) fn selectors(typed: &str) -> Vec<&str> {
    let parent = typed.rsplit_once('/').map(|(parent, _)| parent);
    parent.into_iter().collect()
}

/// The candidates for a typed text, with their descriptions: ids up to the next slash. What is typed before the last
/// slash, perhaps with `*`, stays as it is.
pub(super) fn candidates<'a>(
    typed: &str,
    metrics: impl Iterator<Item = (&'a str, Labels<'a>)>,
) -> BTreeMap<String, String> {
    let (parent, begun) = match typed.rfind('/') {
        Some(slash) => typed.split_at(slash.saturating_add(1)),
        None => ("", typed),
    };
    let depth = parent.matches('/').count();
    let mut found = BTreeMap::new();
    for (id, metric) in metrics {
        let mut parts = id.split('/').skip(depth);
        let Some(part) = parts.next().filter(|part| part.starts_with(begun)) else {
            continue;
        };
        let (end, about) = match (parts.next(), depth) {
            (None, _) => ("", described(&metric)),
            (Some(_), 0) => ("/", metric.group.to_owned()),
            (Some(_), _) => ("/", metric.object.to_owned()),
        };
        let candidate = format!("{parent}{part}{end}");
        found.entry(candidate).or_insert(about);
    }
    found
}

fn described(metric: &Labels<'_>) -> String {
    match metric.unit {
        "" | "1" => metric.name.to_owned(),
        unit => format!("{} ({unit})", metric.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_completed_to_the_next_slash() {
        let metric = |object, name| Labels {
            group: "processor",
            object,
            name,
            unit: "%",
        };
        let check = |typed: &str, expected: &[(&str, &str)]| {
            let metrics = [
                ("cpu/all/usage", metric("All", "Usage")),
                ("cpu/all/user", metric("All", "User")),
                ("cpu/cpu0/usage", metric("Core 0", "Usage")),
                ("cpuid/a/b", metric("A", "B")),
            ];
            // As the service selects them.
            let parent = typed.rfind('/').map_or("", |slash| &typed[..=slash]);
            let selected = metrics.into_iter().filter(|(id, _)| id.starts_with(parent));
            let found = candidates(typed, selected);
            let found = found
                .iter()
                .map(|(id, about)| (id.as_str(), about.as_str()));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{typed}");
        };
        check("", &[("cpu/", "processor"), ("cpuid/", "processor")]);
        check("cpu", &[("cpu/", "processor"), ("cpuid/", "processor")]);
        check("cpu/", &[("cpu/all/", "All"), ("cpu/cpu0/", "Core 0")]);
        check("cpu/c", &[("cpu/cpu0/", "Core 0")]);
        check(
            "cpu/all/us",
            &[("cpu/all/usage", "Usage (%)"), ("cpu/all/user", "User (%)")],
        );
        check("x", &[]);
        assert_eq!(selectors("cp"), [""; 0]);
        assert_eq!(selectors("cpu/*/us"), ["cpu/*"]);
        // The service has selected the metrics of a pattern.
        let metrics = [("cpu/cpu0/usage", metric("Core 0", "Usage"))];
        let found = candidates("cpu/*/us", metrics.into_iter());
        assert_eq!(found.into_keys().collect::<Vec<_>>(), ["cpu/*/usage"]);
    }
}
