//! The words that a selector is made of, against those of the ids that there are.

use std::collections::BTreeSet;

use crate::{pattern, selector::nearest};

/// What selectors are made of.
pub(super) struct Words<'a, I> {
    /// The sources that are built in.
    pub(super) sources: BTreeSet<&'a str>,
    /// The patterns that may be meant.
    pub(super) scopes: Vec<&'a str>,
    /// What there is.
    pub(super) ids: I,
}

/// Where a selector leads that means nothing.
#[derive(Debug, PartialEq)]
pub(super) enum Way<'a> {
    /// With another word it means something.
    Corrected(String),
    /// So far it means something, and goes on by none of these names.
    Lost {
        what: String,
        names: BTreeSet<&'a str>,
        /// Whether it goes on by a word that some source has.
        is_word: bool,
    },
}

impl<'a, I: Iterator<Item = &'a str> + Clone> Words<'a, I> {
    /// Follows a selector as far as it means something.
    pub(super) fn follow(&self, text: &str) -> Way<'a> {
        let mut way: Vec<&str> = Vec::new();
        let mut is_corrected = false;
        for (place, segment) in text.split('/').enumerate() {
            let next =
                |id: &'a str| pattern::rest_of_id(way.iter().copied(), id.split('/'))?.next();
            let ids = self.ids.clone().filter_map(next);
            let names: BTreeSet<_> = ids.collect();
            let is_source = place == 0 && self.sources.contains(segment);
            if is_source
                || names
                    .iter()
                    .any(|name| pattern::segment_matches(segment, name))
            {
                way.push(segment);
                continue;
            }
            let is_word = self.is_word(place, segment);
            if !is_word
                && !segment.contains('*')
                && let Some(nearest) = nearest(segment, names.iter().copied())
            {
                way.push(nearest);
                is_corrected = true;
                continue;
            }
            // Behind an id nothing comes.
            if is_corrected || way.len() == 3 {
                return Way::Corrected(way.join("/"));
            }
            let others = self.sources.iter().filter(|_| place == 0);
            return Way::Lost {
                what: way.join("/"),
                names: names.into_iter().chain(others.copied()).collect(),
                is_word,
            };
        }
        match is_corrected {
            true => Way::Corrected(way.join("/")),
            false => Way::Lost {
                what: way.join("/"),
                names: BTreeSet::new(),
                is_word: true,
            },
        }
    }

    /// Whether a part of a selector is no mistake, whatever there is on this machine.
    fn is_word(&self, place: usize, segment: &str) -> bool {
        let mut scopes = self.scopes.iter();
        scopes.any(|scope| scope.split('/').nth(place) == Some(segment))
    }
}

/// The part of an id that is its source.
pub(super) fn first(id: &str) -> &str {
    id.split_once('/').map_or(id, |(first, _)| first)
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

    fn follow(text: &str) -> Way<'static> {
        let words = Words {
            sources: ["cpu", "gpu", "memory", "network"].into(),
            scopes: vec![
                "cpu/*/usage",
                "gpu/*/*",
                "memory/zram/*",
                "network/*/signal",
            ],
            ids: IDS.into_iter(),
        };
        words.follow(text)
    }

    #[test]
    fn a_mistake_is_corrected_where_it_is() {
        let check = |text, expected: &str| {
            assert_eq!(follow(text), Way::Corrected(expected.to_owned()), "{text}");
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
    fn what_is_like_nothing_is_told_what_there_is() {
        let check = |text, what: &str, names: &[&str], is_word| {
            let what = what.to_owned();
            let names = names.iter().copied().collect();
            let lost = Way::Lost {
                what,
                names,
                is_word,
            };
            assert_eq!(follow(text), lost, "{text}");
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
        // It is no mistake, and not there.
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
