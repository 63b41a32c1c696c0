//! The pages: which metrics each reads, and what it shows.

mod disks;
mod file_systems;
mod graphics;
mod memory;
mod metrics;
mod network;
mod overview;
mod power;
mod processor;
mod sensors;

use sampled_client::Catalog;

use crate::model::sections::Section;

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
            Self::Overview => "overview",
            Self::Processor => "processor",
            Self::Memory => "memory",
            Self::Disks => "disks",
            Self::FileSystems => "file-systems",
            Self::Network => "network",
            Self::Sensors => "sensors",
            Self::Power => "power",
            Self::Graphics => "graphics",
            Self::Processes => "processes",
            Self::Applications => "applications",
            Self::Sampling => "sampling",
            Self::Metrics => "metrics",
        }
    }

    /// The title of its tab.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Processor => "Processor",
            Self::Memory => "Memory",
            Self::Disks => "Disks",
            Self::FileSystems => "File Systems",
            Self::Network => "Network",
            Self::Sensors => "Sensors",
            Self::Power => "Power",
            Self::Graphics => "Graphics",
            Self::Processes => "Processes",
            Self::Applications => "Applications",
            Self::Sampling => "Sampling",
            Self::Metrics => "Metrics",
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
        let fixed = match self {
            Self::Overview => overview::SELECTORS,
            Self::Processor => processor::SELECTORS,
            Self::Memory => memory::SELECTORS,
            Self::Disks => disks::SELECTORS,
            Self::FileSystems => file_systems::SELECTORS,
            Self::Network => network::SELECTORS,
            Self::Sensors => return sensors::selectors(catalog),
            Self::Power => power::SELECTORS,
            Self::Graphics => graphics::SELECTORS,
            Self::Processes | Self::Applications => PROCESSES,
            Self::Sampling => &[],
            Self::Metrics => return own.to_vec(),
        };
        fixed
            .iter()
            .map(|selector| (*selector).to_owned())
            .collect()
    }

    /// Its sections besides a table; `columns` are the ids of the metrics that the session has.
    pub(crate) fn layout(self, catalog: &Catalog, columns: &[String]) -> Vec<Section> {
        match self {
            Self::Overview => overview::layout(catalog),
            Self::Processor => processor::layout(catalog),
            Self::Memory => memory::layout(catalog),
            Self::Disks => disks::layout(catalog),
            Self::FileSystems => file_systems::layout(catalog),
            Self::Network => network::layout(catalog),
            Self::Sensors => sensors::layout(catalog),
            Self::Power => power::layout(catalog),
            Self::Graphics => graphics::layout(catalog),
            Self::Processes | Self::Applications | Self::Sampling => Vec::new(),
            Self::Metrics => metrics::layout(catalog, columns),
        }
    }

    /// Its words if it has nothing to show.
    pub(crate) fn nothing(self) -> (&'static str, &'static str) {
        match self {
            Self::Processor => (
                "No Processor",
                "The service reads no metrics of processors.",
            ),
            Self::Memory => ("No Memory", "The service reads no metrics of the memory."),
            Self::Disks => (
                "No Disks",
                "This machine has no disk, or the service may not see it.",
            ),
            Self::FileSystems => (
                "No File Systems",
                "The service sees no file system on a disk.",
            ),
            Self::Network => (
                "No Network",
                "This machine has no network interface, or the service may not see it.",
            ),
            Self::Sensors => (
                "No Sensors",
                "This machine has no sensor with a driver, as most virtual machines have none.",
            ),
            Self::Power => (
                "No Battery",
                "This machine has no battery, and the service may not read the power of its processor.",
            ),
            Self::Graphics => (
                "No Graphics Processor",
                "This machine has no graphics processor whose driver tells its usage.",
            ),
            Self::Metrics => (
                "No Metrics",
                "e asks for selectors, such as cpu/all/usage or lmsensors.",
            ),
            _ => (
                "Nothing to Show",
                "The service has not told any metrics yet.",
            ),
        }
    }
}

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
