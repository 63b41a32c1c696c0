//! The page of the processors: all together, and each.

use sampled_client::Catalog;

use crate::{Hue, Section, Translate};

/// The selectors of the page.
pub(crate) const SELECTORS: &[&str] = &[
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
pub(crate) fn layout(catalog: &Catalog, translate: Translate) -> Vec<Section> {
    let each = catalog.objects("cpu", "usage");
    let each = each.into_iter().filter(|processor| !processor.is_sum());
    let mut processors = Section::new(translate("Each Processor"));
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
    vec![
        all(catalog, translate),
        processors,
        facts(catalog, translate),
    ]
}

fn all(catalog: &Catalog, translate: Translate) -> Section {
    let mut all = Section::new(translate("All Processors"));
    let lines = [
        ("cpu/all/usage", translate("Usage"), Hue::Blue),
        ("cpu/all/system", translate("System"), Hue::Purple),
        ("cpu/all/wait", translate("I/O wait"), Hue::Orange),
    ];
    all.graph(catalog, translate("Usage"), &lines);
    let lines = [
        (
            "cpu/loadaverages/loadaverage1",
            translate("1 minute"),
            Hue::Blue,
        ),
        (
            "cpu/loadaverages/loadaverage5",
            translate("5 minutes"),
            Hue::Green,
        ),
        (
            "cpu/loadaverages/loadaverage15",
            translate("15 minutes"),
            Hue::Brown,
        ),
    ];
    all.graph(catalog, translate("Load average"), &lines);
    let lines = [
        (
            "cpu/all/maximumFrequency",
            translate("Highest"),
            Hue::Orange,
        ),
        ("cpu/all/averageFrequency", translate("Average"), Hue::Blue),
        ("cpu/all/minimumFrequency", translate("Lowest"), Hue::Green),
    ];
    all.graph(catalog, translate("Frequency"), &lines);
    let lines = [
        ("cpu/all/maximumTemperature", translate("Highest"), Hue::Red),
        (
            "cpu/all/averageTemperature",
            translate("Average"),
            Hue::Orange,
        ),
        (
            "cpu/all/minimumTemperature",
            translate("Lowest"),
            Hue::Yellow,
        ),
    ];
    all.graph(catalog, translate("Temperature"), &lines);
    let lines = [
        ("pressure/cpu/some", translate("Some tasks"), Hue::Yellow),
        ("pressure/cpu/full", translate("All tasks"), Hue::Red),
    ];
    all.graph(
        catalog,
        translate("Tasks that wait for a processor"),
        &lines,
    );
    let lines = [
        (
            "cpu/all/contextSwitches",
            translate("Context switches"),
            Hue::Purple,
        ),
        ("cpu/all/interrupts", translate("Interrupts"), Hue::Brown),
    ];
    all.graph(catalog, translate("Switches and interrupts"), &lines);
    all
}

fn facts(catalog: &Catalog, translate: Translate) -> Section {
    let mut facts = Section::new(translate("Details"));
    facts.fact(catalog, translate("Model"), "cpu/all/name");
    facts.fact(catalog, translate("Physical cores"), "cpu/all/coreCount");
    facts.fact(catalog, translate("Logical processors"), "cpu/all/cpuCount");
    facts.fact(catalog, translate("Processes"), "os/processes/total");
    facts.fact(catalog, translate("Threads"), "os/processes/threads");
    facts.fact(catalog, translate("Running tasks"), "cpu/all/runningTasks");
    facts.fact(
        catalog,
        translate("Tasks that wait for a disk"),
        "cpu/all/blockedTasks",
    );
    facts.fact(catalog, translate("Uptime"), "os/system/uptime");
    facts
}

#[cfg(test)]
mod tests {
    use crate::{Page, section::tests::catalog_of};

    #[test]
    fn each_of_many_processors_has_a_small_graph_in_the_order_of_numbers() {
        let ids =
            (0..128).map(|number| (format!("cpu/cpu{number}/usage"), format!("Core {number}")));
        let mut ids: Vec<(String, String)> = ids.collect();
        ids.push(("cpu/all/usage".to_owned(), "All processors".to_owned()));
        ids.push(("cpu/cpu9/frequency".to_owned(), "Core 9".to_owned()));
        let ids: Vec<(&str, &str)> = ids
            .iter()
            .map(|(id, object)| (id.as_str(), object.as_str()))
            .collect();
        let sections = Page::Processor.layout(&catalog_of(&ids), str::to_owned);
        let [all, each] = sections.as_slice() else {
            panic!("{sections:?}")
        };
        assert_eq!(all.cards.len(), 1);
        assert_eq!(each.cards.len(), 128);
        assert!(each.cards.iter().all(|card| card.is_small));
        let tenth = each.cards.get(9).unwrap();
        assert_eq!((tenth.title.as_str(), tenth.details.len()), ("Core 9", 1));
    }
}
