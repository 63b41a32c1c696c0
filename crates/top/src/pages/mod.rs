//! The pages: which metrics each reads, and what it shows.

mod metrics;

use sampled_client::Catalog;
use sampled_pages::{Page as Graphs, Section};

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Graphs(Graphs),
    Processes,
    Applications,
    Sampling,
    Metrics,
}

impl Page {
    pub(crate) const OVERVIEW: Self = Self::Graphs(Graphs::Overview);

    /// All pages, in the order of their keys.
    pub(crate) const ALL: [Self; 13] = [
        Self::OVERVIEW,
        Self::Graphs(Graphs::Processor),
        Self::Graphs(Graphs::Memory),
        Self::Graphs(Graphs::Disks),
        Self::Graphs(Graphs::FileSystems),
        Self::Graphs(Graphs::Network),
        Self::Graphs(Graphs::Sensors),
        Self::Graphs(Graphs::Power),
        Self::Graphs(Graphs::Graphics),
        Self::Processes,
        Self::Applications,
        Self::Sampling,
        Self::Metrics,
    ];

    /// The name in the layout file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Graphs(page) => page.name(),
            Self::Processes => "processes",
            Self::Applications => "applications",
            Self::Sampling => "sampling",
            Self::Metrics => "metrics",
        }
    }

    /// The title of its tab.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Graphs(page) => page.title(),
            Self::Processes => "Processes",
            Self::Applications => "Applications",
            Self::Sampling => "Sampling",
            Self::Metrics => "Metrics",
        }
    }

    /// The key that shows it.
    pub(crate) fn key(self) -> char {
        match self {
            Self::Graphs(Graphs::Overview) => '1',
            Self::Graphs(Graphs::Processor) => '2',
            Self::Graphs(Graphs::Memory) => '3',
            Self::Graphs(Graphs::Disks) => '4',
            Self::Graphs(Graphs::FileSystems) => '5',
            Self::Graphs(Graphs::Network) => '6',
            Self::Graphs(Graphs::Sensors) => '7',
            Self::Graphs(Graphs::Power) => '8',
            Self::Graphs(Graphs::Graphics) => '9',
            Self::Processes => '0',
            Self::Applications => 'a',
            Self::Sampling => 'w',
            Self::Metrics => 'm',
        }
    }

    /// Whether it has a table of processes or of groups of processes.
    pub(crate) fn has_table(self) -> bool {
        matches!(self, Self::OVERVIEW | Self::Processes | Self::Applications)
    }

    /// The selectors of its metrics; `own` are those of the user.
    pub(crate) fn selectors(self, catalog: &Catalog, own: &[String]) -> Vec<String> {
        let owned = |selectors: &[&str]| -> Vec<String> {
            let selectors = selectors.iter().copied();
            selectors.map(str::to_owned).collect()
        };
        match self {
            Self::Graphs(page) => {
                let mut selectors = page.selectors(catalog);
                if self == Self::OVERVIEW {
                    selectors.extend(owned(OVERVIEW));
                }
                selectors
            }
            Self::Processes | Self::Applications => owned(PROCESSES),
            Self::Sampling => Vec::new(),
            Self::Metrics => own.to_vec(),
        }
    }

    /// Its sections besides a table; `columns` are the ids of the metrics that the session has.
    pub(crate) fn layout(self, catalog: &Catalog, columns: &[String]) -> Vec<Section> {
        match self {
            Self::Graphs(page) => page.layout(catalog, str::to_owned),
            Self::Metrics => metrics::layout(catalog, columns),
            Self::Processes | Self::Applications | Self::Sampling => Vec::new(),
        }
    }

    /// Its title and its words if it has no sections; pages of tables have none of their own.
    pub(crate) fn nothing(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Graphs(page) => Some(page.nothing()),
            Self::Metrics => Some((
                "No Metrics",
                "e asks for selectors, such as cpu/all/usage or lmsensors.",
            )),
            Self::Processes | Self::Applications | Self::Sampling => None,
        }
    }
}

/// The selectors of the overview besides those of its graphs: the numbers in the lines above the table.
const OVERVIEW: &[&str] = &[
    "cpu/loadaverages/loadaverage1",
    "memory/physical/total",
    "os/system/prettyName",
    "os/system/hostname",
    "os/system/uptime",
    "os/kernel/prettyName",
    "os/processes/total",
    "os/processes/threads",
];

/// The selectors of the pages of processes: the numbers in the line above the table.
const PROCESSES: &[&str] = &[
    "cpu/all/usage",
    "memory/physical/used",
    "memory/physical/total",
    "os/processes/total",
    "os/processes/threads",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_own_key_and_name() {
        for (place, page) in Page::ALL.into_iter().enumerate() {
            for other in &Page::ALL[..place] {
                assert!(page.key() != other.key() && page.name() != other.name());
            }
        }
    }
}
