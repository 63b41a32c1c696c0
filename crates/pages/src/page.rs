//! The pages.

use sampled_client::Catalog;

use crate::{
    Section, Translate, disks, file_systems, graphics, memory, network, overview, power, processor,
    sensors,
};

/// A page of graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The whole machine.
    Overview,
    /// The processors: all together, and each.
    Processor,
    /// The memory.
    Memory,
    /// The disks.
    Disks,
    /// The file systems.
    FileSystems,
    /// The network.
    Network,
    /// The sensors, and the metrics that the user has defined.
    Sensors,
    /// Batteries, supplies, and the power of the processor.
    Power,
    /// The graphics processors.
    Graphics,
}

impl Page {
    /// The name in settings.
    pub fn name(self) -> &'static str {
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
        }
    }

    /// The title, in English.
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => translatable("Overview"),
            Self::Processor => translatable("Processor"),
            Self::Memory => translatable("Memory"),
            Self::Disks => translatable("Disks"),
            Self::FileSystems => translatable("File Systems"),
            Self::Network => translatable("Network"),
            Self::Sensors => translatable("Sensors"),
            Self::Power => translatable("Power"),
            Self::Graphics => translatable("Graphics"),
        }
    }

    /// The title and the description of the page if it has nothing to show, in English.
    pub fn nothing(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => (
                translatable("Nothing to Show"),
                translatable("The service has not told any metrics yet."),
            ),
            Self::Processor => (
                translatable("No Processor"),
                translatable("The service reads no metrics of processors."),
            ),
            Self::Memory => (
                translatable("No Memory"),
                translatable("The service reads no metrics of the memory."),
            ),
            Self::Disks => (
                translatable("No Disks"),
                translatable("This machine has no disk, or the service may not see it."),
            ),
            Self::FileSystems => (
                translatable("No File Systems"),
                translatable("The service sees no file system on a disk."),
            ),
            Self::Network => (
                translatable("No Network"),
                translatable(
                    "This machine has no network interface, or the service may not see it.",
                ),
            ),
            Self::Sensors => (
                translatable("No Sensors"),
                translatable(
                    "This machine has no sensor with a driver, as most virtual machines have none.",
                ),
            ),
            Self::Power => (
                translatable("No Battery"),
                translatable(
                    "This machine has no battery, and the service may not read the power of its processor.",
                ),
            ),
            Self::Graphics => (
                translatable("No Graphics Processor"),
                translatable(
                    "This machine has no graphics processor whose driver tells its usage.",
                ),
            ),
        }
    }

    /// The selectors of its metrics.
    pub fn selectors(self, catalog: &Catalog) -> Vec<String> {
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
        };
        fixed
            .iter()
            .map(|selector| (*selector).to_owned())
            .collect()
    }

    /// The sections that have something to show.
    pub fn layout(self, catalog: &Catalog, translate: Translate) -> Vec<Section> {
        let sections = match self {
            Self::Overview => overview::layout(catalog, translate),
            Self::Processor => processor::layout(catalog, translate),
            Self::Memory => memory::layout(catalog, translate),
            Self::Disks => disks::layout(catalog, translate),
            Self::FileSystems => file_systems::layout(catalog, translate),
            Self::Network => network::layout(catalog, translate),
            Self::Sensors => sensors::layout(catalog),
            Self::Power => power::layout(catalog, translate),
            Self::Graphics => graphics::layout(catalog, translate),
        };
        sections
            .into_iter()
            .filter(|section| !section.is_empty())
            .collect()
    }
}

/// Marks a text for xgettext.
const fn translatable(text: &'static str) -> &'static str {
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_of_nothing() {
        let catalog = Catalog::default();
        assert_eq!(Page::Processor.layout(&catalog, str::to_owned), []);
        assert_eq!(Page::Overview.layout(&catalog, str::to_owned), []);
    }
}
