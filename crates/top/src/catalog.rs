//! The metrics that this machine has.

use std::collections::BTreeMap;

use sampled_client::Metadata;

/// The metadata of all metrics, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Catalog {
    metrics: BTreeMap<String, Metadata>,
}

/// An object of the machine: the metrics whose ids have the same first two segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// The first two segments of its ids: `disk/all`.
    pub(crate) id: String,
    /// Its title: `Samsung SSD 980`.
    pub(crate) title: String,
}

impl Object {
    /// The id of one of its properties.
    pub(crate) fn property(&self, name: &str) -> String {
        format!("{}/{name}", self.id)
    }

    /// Whether it stands for all objects of its source.
    pub(crate) fn is_sum(&self) -> bool {
        self.id.ends_with("/all")
    }
}

impl Catalog {
    /// A catalog of these metrics.
    pub(crate) fn new(metrics: BTreeMap<String, Metadata>) -> Self {
        Self { metrics }
    }

    /// Whether there is such a metric.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.metrics.contains_key(id)
    }

    /// The metadata of a metric.
    pub(crate) fn metadata(&self, id: &str) -> Option<&Metadata> {
        self.metrics.get(id)
    }

    /// The name of a metric with that of its object: "Core 3: Usage"; its id if it is unknown.
    pub(crate) fn full_name(&self, id: &str) -> String {
        match self.metadata(id) {
            Some(metadata) if metadata.object.is_empty() => metadata.name.clone(),
            Some(metadata) => format!("{}: {}", metadata.object, metadata.name),
            None => id.to_owned(),
        }
    }

    /// All metrics, ordered by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Metadata)> {
        self.metrics
            .iter()
            .map(|(id, metadata)| (id.as_str(), metadata))
    }

    /// The metrics below a prefix such as `disk/sda`.
    pub(crate) fn below(&self, prefix: &str) -> impl Iterator<Item = (&str, &Metadata)> {
        let start = format!("{prefix}/");
        let metrics = self.metrics.range(start.clone()..);
        metrics
            .take_while(move |(id, _)| id.starts_with(&start))
            .map(|(id, metadata)| (id.as_str(), metadata))
    }

    /// The objects of a source whose metrics include this property, in the order in which people count: `cpu2` before `cpu10`.
    pub(crate) fn objects(&self, source: &str, property: &str) -> Vec<Object> {
        let mut objects: Vec<Object> = self
            .below(source)
            .filter_map(|(id, metadata)| {
                let object = id.strip_suffix(property)?.strip_suffix('/')?;
                Some(Object {
                    id: object.to_owned(),
                    title: title(object, metadata),
                })
            })
            .collect();
        objects.sort_by_cached_key(|object| natural(&object.id));
        objects
    }
}

#[cfg(test)]
impl Catalog {
    /// A catalog of metrics with nothing but these titles of objects.
    pub(crate) fn of(ids: &[(&str, &str)]) -> Self {
        let metrics = ids.iter().map(|(id, object)| {
            let metadata = Metadata {
                name: String::new(),
                short: String::new(),
                description: String::new(),
                formula: String::new(),
                object: (*object).to_owned(),
                group: String::new(),
                unit: String::new(),
                kind: String::new(),
                source: String::new(),
                precision: None,
                minimum: None,
                maximum: None,
                warning: None,
                critical: None,
                lower_limits: false,
                is_virtual: false,
            };
            ((*id).to_owned(), metadata)
        });
        Self::new(metrics.collect())
    }
}

/// The title of an object; the end of its id if a service of another version has none.
fn title(object: &str, metadata: &Metadata) -> String {
    match metadata.object.as_str() {
        "" => object.rsplit('/').next().unwrap_or(object).to_owned(),
        title => title.to_owned(),
    }
}

/// A key by which numbers in a text are ordered by their value.
fn natural(text: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0_u64)];
    let mut is_number = false;
    for character in text.chars() {
        if let Some((word, number)) = parts.last_mut() {
            match character.to_digit(10) {
                Some(digit) => {
                    *number = number.saturating_mul(10).saturating_add(digit.into());
                    is_number = true;
                    continue;
                }
                None if !is_number => {
                    word.push(character);
                    continue;
                }
                None => {}
            }
        }
        is_number = false;
        parts.push((character.to_string(), 0));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_counted_as_people_do() {
        let catalog = Catalog::of(&[
            ("cpu/cpu10/usage", "Core 10"),
            ("cpu/cpu2/usage", ""),
            ("cpu/cpu2/usageLimit", ""),
            ("cpu/cpu3/frequency", "Core 3"),
            ("cpufreq/x/usage", ""),
        ]);
        let objects = catalog.objects("cpu", "usage");
        let titles: Vec<&str> = objects.iter().map(|object| object.title.as_str()).collect();
        assert_eq!(titles, ["cpu2", "Core 10"]);
        assert_eq!(
            objects
                .first()
                .map(|object| object.property("user"))
                .unwrap(),
            "cpu/cpu2/user"
        );
    }

    #[test]
    fn numbers_of_any_length_have_an_order() {
        assert!(natural("a9b") < natural("a10a"));
        assert!(natural(&"9".repeat(99)) >= natural("9"));
    }
}
