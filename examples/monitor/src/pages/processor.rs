//! The page of the processors: all together, and each.

use sampled_client::Catalog;

use super::{
    Entry,
    charts::{Charts, Empty},
    layout::{Section, sections},
};
use crate::{chart::Hue, i18n::gettext};

/// The selectors of the page.
const SELECTORS: &[&str] = &[
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

/// The page.
pub(super) fn entry() -> Entry {
    Entry::charts(
        "processor",
        gettext("Processor"),
        "power-profile-performance-symbolic",
        || Charts {
            selectors: SELECTORS,
            layout,
            empty: Empty {
                title: gettext("No Processor"),
                description: gettext("The service reads no metrics of processors."),
            },
        },
    )
}

fn layout(catalog: &Catalog) -> Vec<Section> {
    let each = catalog.objects("cpu", "usage");
    let each = each.into_iter().filter(|processor| !processor.is_sum());
    let mut processors = Section::new(gettext("Each Processor"));
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
    let mut all = Section::new(gettext("All Processors"));
    let lines = [
        ("cpu/all/usage", gettext("Usage"), Hue::Blue),
        ("cpu/all/system", gettext("System"), Hue::Purple),
        ("cpu/all/wait", gettext("I/O wait"), Hue::Orange),
    ];
    all.graph(catalog, gettext("Usage"), &lines);
    let lines = [
        (
            "cpu/loadaverages/loadaverage1",
            gettext("1 minute"),
            Hue::Blue,
        ),
        (
            "cpu/loadaverages/loadaverage5",
            gettext("5 minutes"),
            Hue::Green,
        ),
        (
            "cpu/loadaverages/loadaverage15",
            gettext("15 minutes"),
            Hue::Brown,
        ),
    ];
    all.graph(catalog, gettext("Load average"), &lines);
    let lines = [
        ("cpu/all/maximumFrequency", gettext("Highest"), Hue::Orange),
        ("cpu/all/averageFrequency", gettext("Average"), Hue::Blue),
        ("cpu/all/minimumFrequency", gettext("Lowest"), Hue::Green),
    ];
    all.graph(catalog, gettext("Frequency"), &lines);
    let lines = [
        ("cpu/all/maximumTemperature", gettext("Highest"), Hue::Red),
        (
            "cpu/all/averageTemperature",
            gettext("Average"),
            Hue::Orange,
        ),
        ("cpu/all/minimumTemperature", gettext("Lowest"), Hue::Yellow),
    ];
    all.graph(catalog, gettext("Temperature"), &lines);
    let lines = [
        ("pressure/cpu/some", gettext("Some tasks"), Hue::Yellow),
        ("pressure/cpu/full", gettext("All tasks"), Hue::Red),
    ];
    all.graph(catalog, gettext("Tasks that wait for a processor"), &lines);
    let lines = [
        (
            "cpu/all/contextSwitches",
            gettext("Context switches"),
            Hue::Purple,
        ),
        ("cpu/all/interrupts", gettext("Interrupts"), Hue::Brown),
    ];
    all.graph(catalog, gettext("Switches and interrupts"), &lines);
    all
}

fn facts(catalog: &Catalog) -> Section {
    let mut facts = Section::new(gettext("Details"));
    facts.fact(catalog, gettext("Model"), "cpu/all/name");
    facts.fact(catalog, gettext("Physical cores"), "cpu/all/coreCount");
    facts.fact(catalog, gettext("Logical processors"), "cpu/all/cpuCount");
    facts.fact(catalog, gettext("Processes"), "os/processes/total");
    facts.fact(catalog, gettext("Threads"), "os/processes/threads");
    facts.fact(catalog, gettext("Running tasks"), "cpu/all/runningTasks");
    facts.fact(
        catalog,
        gettext("Tasks that wait for a disk"),
        "cpu/all/blockedTasks",
    );
    facts.fact(catalog, gettext("Uptime"), "os/system/uptime");
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::layout::tests::catalog_of;

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
        let sections = layout(&catalog_of(&ids));
        let [all, each] = sections.as_slice() else {
            panic!("{sections:?}")
        };
        assert_eq!(all.cards.len(), 1);
        assert_eq!(each.cards.len(), 128);
        assert!(each.cards.iter().all(|card| card.is_small));
        let tenth = each.cards.get(9).unwrap();
        assert_eq!((tenth.title.as_str(), tenth.details.len()), ("Core 9", 1));
    }

    #[test]
    fn nothing_is_shown_of_nothing() {
        assert_eq!(layout(&Catalog::default()), []);
    }
}
