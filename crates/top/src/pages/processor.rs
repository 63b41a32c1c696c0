//! The page of the processors: all together, and each.

use sampled_client::Catalog;

use crate::model::sections::{Hue, Section, sections};

/// The selectors of the page.
pub(super) const SELECTORS: &[&str] = &[
    "cpu/all",
    "cpu/*/usage",
    "cpu/*/frequency",
    "cpu/*/temperature",
    "cpu/loadaverages",
    "pressure/cpu/some",
    "pressure/cpu/full",
    "os/system/uptime",
    "os/processes/total",
    "os/processes/threads",
];

/// The content of the page.
pub(super) fn layout(catalog: &Catalog) -> Vec<Section> {
    let each = catalog.objects("cpu", "usage");
    let each = each.into_iter().filter(|processor| !processor.is_sum());
    let mut processors = Section::new("Each Processor");
    for processor in each {
        let former = processors.cards.len();
        processors.graph_of(
            catalog,
            processor.title.clone(),
            &processor.property("usage"),
            Hue::Blue,
        );
        if processors.cards.len() > former {
            processors.detail(catalog, &processor.property("frequency"));
            processors.detail(catalog, &processor.property("temperature"));
        }
    }
    processors.make_small();
    sections([all(catalog), processors, facts(catalog)])
}

fn all(catalog: &Catalog) -> Section {
    let mut all = Section::new("All Processors");
    let lines = [
        ("cpu/all/usage", "Usage", Hue::Blue),
        ("cpu/all/system", "System", Hue::Purple),
        ("cpu/all/wait", "I/O wait", Hue::Orange),
    ];
    all.graph(catalog, "Usage", &lines);
    let lines = [
        ("cpu/loadaverages/loadaverage1", "1 minute", Hue::Blue),
        ("cpu/loadaverages/loadaverage5", "5 minutes", Hue::Green),
        ("cpu/loadaverages/loadaverage15", "15 minutes", Hue::Brown),
    ];
    all.graph(catalog, "Load average", &lines);
    let lines = [
        ("cpu/all/maximumFrequency", "Highest", Hue::Orange),
        ("cpu/all/averageFrequency", "Average", Hue::Blue),
        ("cpu/all/minimumFrequency", "Lowest", Hue::Green),
    ];
    all.graph(catalog, "Frequency", &lines);
    let lines = [
        ("cpu/all/maximumTemperature", "Highest", Hue::Red),
        ("cpu/all/averageTemperature", "Average", Hue::Orange),
        ("cpu/all/minimumTemperature", "Lowest", Hue::Yellow),
    ];
    all.graph(catalog, "Temperature", &lines);
    let lines = [
        ("pressure/cpu/some", "Some tasks", Hue::Yellow),
        ("pressure/cpu/full", "All tasks", Hue::Red),
    ];
    all.graph(catalog, "Tasks that wait for a processor", &lines);
    let lines = [
        ("cpu/all/contextSwitches", "Context switches", Hue::Purple),
        ("cpu/all/interrupts", "Interrupts", Hue::Brown),
    ];
    all.graph(catalog, "Switches and interrupts", &lines);
    all
}

fn facts(catalog: &Catalog) -> Section {
    let mut facts = Section::new("Details");
    facts.fact(catalog, "Model", "cpu/all/name");
    facts.fact(catalog, "Physical cores", "cpu/all/coreCount");
    facts.fact(catalog, "Logical processors", "cpu/all/cpuCount");
    facts.fact(catalog, "Processes", "os/processes/total");
    facts.fact(catalog, "Threads", "os/processes/threads");
    facts.fact(catalog, "Running tasks", "cpu/all/runningTasks");
    facts.fact(
        catalog,
        "Tasks that wait for a disk",
        "cpu/all/blockedTasks",
    );
    facts.fact(catalog, "Uptime", "os/system/uptime");
    facts
}
