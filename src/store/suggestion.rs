//! Suggestions for a selector without a match: its segments compared with those of the known ids.

use std::collections::BTreeSet;

use crate::{pattern, selector::nearest};

/// The names and ids with which a selector is compared.
pub(super) struct Vocabulary<'a, I> {
    /// The first segments of the ids of built-in sources.
    pub(super) sources: BTreeSet<&'a str>,
    /// The scopes that the selector may match.
    pub(super) scopes: Vec<&'a str>,
    /// The ids of the discovered metrics.
    pub(super) ids: I,
}

/// A suggestion for a selector without a match.
#[derive(Debug, PartialEq)]
pub(super) enum Suggestion<'a> {
    /// A selector with a match, in which misspelt segments are corrected.
    Corrected(String),
    /// The names that can follow the part of the selector that matches.
    Names {
        /// The part of the selector that matches.
        prefix: String,
        names: BTreeSet<&'a str>,
        /// Whether the next segment of the selector is spelt right: some scope has it.
        is_known: bool,
    },
}

impl<'a, I: Iterator<Item = &'a str> + Clone> Vocabulary<'a, I> {
    /// Compares a selector segment by segment.
    pub(super) fn suggest(&self, text: &str) -> Suggestion<'a> {
        let mut prefix: Vec<&str> = Vec::new();
        let mut is_corrected = false;
        for (position, segment) in text.split('/').enumerate() {
            let next =
                |id: &'a str| pattern::rest_of_id(prefix.iter().copied(), id.split('/'))?.next();
            let ids = self.ids.clone().filter_map(next);
            let names: BTreeSet<_> = ids.collect();
            let is_source = position == 0 && self.sources.contains(segment);
            let mut matching = names.iter();
            if is_source || matching.any(|name| pattern::segment_matches(segment, name)) {
                prefix.push(segment);
                continue;
            }
            let is_known = self.is_known(position, segment);
            if !is_known
                && !segment.contains('*')
                && let Some(nearest) = nearest(segment, names.iter().copied())
            {
                prefix.push(nearest);
                is_corrected = true;
                continue;
            }
            // An id has three segments.
            if is_corrected || prefix.len() == 3 {
                return Suggestion::Corrected(prefix.join("/"));
            }
            let others = self.sources.iter().filter(|_| position == 0);
            return Suggestion::Names {
                prefix: prefix.join("/"),
                names: names.into_iter().chain(others.copied()).collect(),
                is_known,
            };
        }
        match is_corrected {
            true => Suggestion::Corrected(prefix.join("/")),
            false => Suggestion::Names {
                prefix: prefix.join("/"),
                names: BTreeSet::new(),
                is_known: true,
            },
        }
    }

    /// Whether a scope has this segment at this position: it is spelt right, though this machine may have no such id.
    fn is_known(&self, position: usize, segment: &str) -> bool {
        let mut scopes = self.scopes.iter();
        scopes.any(|scope| scope.split('/').nth(position) == Some(segment))
    }
}

/// The first segment of an id.
pub(super) fn source_of(id: &str) -> &str {
    id.split_once('/').map_or(id, |(source, _)| source)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 9] = [
        "cpu/all/usage",
        "cpu/all/user",
        "cpu/cpu0/usage",
        "memory/physical/used",
        "memory/swap/used",
        "network/eth0/download",
        "network/eth0/state",
        "network/lo/download",
        "network/lo/state",
    ];

    fn suggest(text: &str) -> Suggestion<'static> {
        let vocabulary = Vocabulary {
            sources: ["cpu", "gpu", "memory", "network"].into(),
            scopes: vec![
                "cpu/*/usage",
                "gpu/*/*",
                "memory/zram/*",
                "network/*/signal",
            ],
            ids: IDS.into_iter(),
        };
        vocabulary.suggest(text)
    }

    #[test]
    fn misspelt_segments_are_corrected() {
        let check = |text, expected: &str| {
            assert_eq!(
                suggest(text),
                Suggestion::Corrected(expected.to_owned()),
                "{text}"
            );
        };
        check("cpuu", "cpu");
        check("memry", "memory");
        check("CPU/ALL/USAGE", "cpu/all/usage");
        check("cpu/all/usgae", "cpu/all/usage");
        check("cpuu/all/usage", "cpu/all/usage");
        check("cpu/al/usage", "cpu/all/usage");
        check("cpu/cpu0/usages", "cpu/cpu0/usage");
        check("cpu/*/usages", "cpu/*/usage");
        check("netwrok/*/downlaod", "network/*/download");
        check("cpuu/nothing/usage", "cpu");
        check("MEMORY/used", "memory");
        check("cpu/all/usage/x", "cpu/all/usage");
    }

    #[test]
    fn a_segment_like_no_name_suggests_all_names() {
        let check = |text, prefix: &str, names: &[&str], is_known| {
            let prefix = prefix.to_owned();
            let names = names.iter().copied().collect();
            let expected = Suggestion::Names {
                prefix,
                names,
                is_known,
            };
            assert_eq!(suggest(text), expected, "{text}");
        };
        check("weather", "", &["cpu", "gpu", "memory", "network"], false);
        check("network/wlan0", "network", &["eth0", "lo"], false);
        check("network/eth1/state", "network", &["eth0", "lo"], false);
        check("memory/used", "memory", &["physical", "swap"], false);
        check(
            "network/lo/speed",
            "network/lo",
            &["download", "state"],
            false,
        );
        // Spelt right, but not on this machine.
        check("gpu", "gpu", &[], true);
        check("gpu/card0/usage", "gpu", &[], false);
        check("memory/zram/used", "memory", &["physical", "swap"], true);
        check(
            "network/lo/signal",
            "network/lo",
            &["download", "state"],
            true,
        );
    }
}
