//! The pages: which metrics each reads, and what it shows.

mod metrics;

use sampled_client::Catalog;
use sampled_pages::{Page as Graphs, Section};

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Overview,
    Processor,
    Memory,
    Disks,
    FileSystems,
    Network,
    Sensors,
    Power,
    Graphics,
    Processes,
    Applications,
    Sampling,
    Metrics,
}

impl Page {
    /// All pages, in the order of their keys.
    pub(crate) const ALL: [Self; 13] = [
        Self::Overview,
        Self::Processor,
        Self::Memory,
        Self::Disks,
        Self::FileSystems,
        Self::Network,
        Self::Sensors,
        Self::Power,
        Self::Graphics,
        Self::Processes,
        Self::Applications,
        Self::Sampling,
        Self::Metrics,
    ];

    /// The name in the layout file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Processes => "processes",
            Self::Applications => "applications",
            Self::Sampling => "sampling",
            Self::Metrics => "metrics",
            _ => self.graphs().unwrap_or(Graphs::Overview).name(),
        }
    }

    /// The title of its tab.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Processes => "Processes",
            Self::Applications => "Applications",
            Self::Sampling => "Sampling",
            Self::Metrics => "Metrics",
            _ => self.graphs().unwrap_or(Graphs::Overview).title(),
        }
    }

    /// The key that shows it.
    pub(crate) fn key(self) -> char {
        match self {
            Self::Overview => '1',
            Self::Processor => '2',
            Self::Memory => '3',
            Self::Disks => '4',
            Self::FileSystems => '5',
            Self::Network => '6',
            Self::Sensors => '7',
            Self::Power => '8',
            Self::Graphics => '9',
            Self::Processes => '0',
            Self::Applications => 'a',
            Self::Sampling => 'w',
            Self::Metrics => 'm',
        }
    }

    /// Whether it has a table of processes or of groups of processes.
    pub(crate) fn has_table(self) -> bool {
        matches!(self, Self::Overview | Self::Processes | Self::Applications)
    }

    /// The selectors of its metrics; `own` are those of the user.
    pub(crate) fn selectors(self, catalog: &Catalog, own: &[String]) -> Vec<String> {
        let besides = match self {
            Self::Metrics => return own.to_vec(),
            Self::Overview => OVERVIEW,
            Self::Processes | Self::Applications => PROCESSES,
            _ => &[],
        };
        let mut selectors = self
            .graphs()
            .map(|page| page.selectors(catalog))
            .unwrap_or_default();
        selectors.extend(besides.iter().map(|selector| (*selector).to_owned()));
        selectors
    }

    /// Its sections besides a table; `columns` are the ids of the metrics that the session has.
    pub(crate) fn layout(self, catalog: &Catalog, columns: &[String]) -> Vec<Section> {
        match self.graphs() {
            Some(page) => page.layout(catalog, str::to_owned),
            None if self == Self::Metrics => metrics::layout(catalog, columns),
            None => Vec::new(),
        }
    }

    /// Its words if it has nothing to show.
    pub(crate) fn nothing(self) -> (&'static str, &'static str) {
        match self {
            Self::Metrics => (
                "No Metrics",
                "e asks for selectors, such as cpu/all/usage or lmsensors.",
            ),
            _ => self.graphs().unwrap_or(Graphs::Overview).nothing(),
        }
    }

    /// The page of graphs that it shows.
    fn graphs(self) -> Option<Graphs> {
        Some(match self {
            Self::Overview => Graphs::Overview,
            Self::Processor => Graphs::Processor,
            Self::Memory => Graphs::Memory,
            Self::Disks => Graphs::Disks,
            Self::FileSystems => Graphs::FileSystems,
            Self::Network => Graphs::Network,
            Self::Sensors => Graphs::Sensors,
            Self::Power => Graphs::Power,
            Self::Graphics => Graphs::Graphics,
            Self::Processes | Self::Applications | Self::Sampling | Self::Metrics => return None,
        })
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
            assert_eq!(page as usize, place);
            for other in &Page::ALL[..place] {
                assert!(page.key() != other.key() && page.name() != other.name());
            }
        }
    }
}
