//! The state of the program, and how keys and clicks change it. It has neither a terminal nor a bus.

mod actions;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ratatui::layout::Rect;
use sampled_client::{Catalog, Frame};
use sampled_pages::Section;

use crate::{
    layout_file::{Layout, LayoutFile},
    model::{cursor::Cursor, recording::Recording},
    pages::Page,
    processes::{Query, Table, columns::Order},
    sampling::Report,
    silence::Silence,
    targets::Targets,
    theme::Theme,
};

/// The state of the program.
pub(crate) struct Application {
    pub(crate) theme: Theme,
    pub(crate) catalog: Catalog,
    pub(crate) recording: Recording,
    /// Whether the session of the page has had a frame.
    pub(crate) has_frame: bool,
    pub(crate) report: Option<Report>,
    pub(crate) table: Table,
    pub(crate) page: Page,
    pub(crate) pages: Vec<Page>,
    pub(crate) sections: Vec<Section>,
    /// The first block, line or row that a page without a table shows.
    pub(crate) scroll: usize,
    pub(crate) interval: Duration,
    pub(crate) mode: Mode,
    pub(crate) message: Option<String>,
    pub(crate) state: State,
    /// That no frame comes.
    pub(crate) silence: Option<Silence>,
    pub(crate) targets: Targets,
    /// The size of the screen.
    pub(crate) area: Rect,
    /// The columns and rows of the table on the screen.
    pub(crate) table_size: (usize, usize),
    /// The selectors of the page Metrics.
    own: Vec<String>,
    /// The ids that the session of the page has.
    columns: Vec<String>,
    layout: Layout,
    file: LayoutFile,
}

/// The meaning of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Normal,
    Help,
    /// A line that the user types.
    Prompt(Prompt, String),
    /// The question whether a process is to end.
    End {
        pid: u32,
        start_time: u64,
        name: String,
    },
}

/// The use of a line that the user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Search,
    Metrics,
}

/// The state of the acquisition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    Sampling,
    Paused,
    /// The service has gone, and another one is asked for.
    Restarting {
        cause: String,
    },
}

/// A request of a key to the rest of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Quit,
    Suspend,
    Redraw,
    /// A signal for a process with this pid and start time.
    End {
        pid: u32,
        start_time: u64,
        signal: i32,
    },
}

/// The readings that the page needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) selectors: Vec<String>,
    pub(crate) interval: Duration,
}

impl Application {
    /// The application as the layout has it, with the selectors and the interval of the command line.
    pub(crate) fn new(
        theme: Theme,
        (file, layout): (LayoutFile, Layout),
        selectors: Vec<String>,
        interval: Option<Duration>,
    ) -> Self {
        let interval = interval.or(layout.interval());
        let interval = interval.unwrap_or(Duration::from_secs(1));
        let pages = layout.pages();
        let first = pages.first().copied().unwrap_or(Page::OVERVIEW);
        let page = match selectors.is_empty() {
            true => layout.page().filter(|page| pages.contains(page)),
            false => Some(Page::Metrics),
        };
        let mut pages = pages;
        if !selectors.is_empty() && !pages.contains(&Page::Metrics) {
            pages.push(Page::Metrics);
        }
        let own = match selectors.is_empty() {
            true => layout.metrics.clone(),
            false => selectors,
        };
        let order = layout.sort.as_deref().and_then(Order::from_name);
        let grouping = layout.grouping().unwrap_or_default();
        let broken = file.broken();
        let message = broken.map(|broken| format!("The layout is not used: {broken}"));
        let page = page.unwrap_or(first);
        let mut table = Table::new(order.unwrap_or(Order::DEFAULT), layout.tree, grouping);
        table.is_brief = page == Page::OVERVIEW;
        Self {
            theme,
            catalog: Catalog::default(),
            recording: Recording::new(microseconds(interval), Cursor::PRESENT, now()),
            has_frame: false,
            report: None,
            table,
            page,
            pages,
            sections: Vec::new(),
            scroll: 0,
            interval,
            mode: Mode::Normal,
            message,
            state: State::Connecting,
            silence: None,
            targets: Targets::default(),
            area: Rect::default(),
            table_size: (0, 0),
            own,
            columns: Vec::new(),
            layout,
            file,
        }
    }

    /// The readings that the page needs; `None` if it needs none.
    pub(crate) fn demand(&self) -> Option<Demand> {
        let selectors = self.page.selectors(&self.catalog, &self.own);
        // No selector would select all metrics.
        (self.state != State::Paused && !selectors.is_empty()).then_some(Demand {
            selectors,
            interval: self.interval,
        })
    }

    /// The table that the page needs; `None` if it needs none.
    pub(crate) fn query(&self) -> Option<Query> {
        if self.state == State::Paused || !self.page.has_table() {
            return None;
        }
        let (width, height) = self.table_size;
        let are_groups = self.page == Page::Applications;
        Some(self.table.query(are_groups, width, height))
    }

    /// Whether the page needs reports of the service on itself.
    pub(crate) fn needs_report(&self) -> bool {
        self.state != State::Paused && self.page == Page::Sampling
    }

    /// Takes over the list of metrics.
    pub(crate) fn set_catalog(&mut self, catalog: Catalog) {
        self.catalog = catalog;
        self.arrange();
    }

    /// Begins a recording of another session, at the same moment.
    pub(crate) fn begin(&mut self) {
        let cursor = self.recording.cursor;
        self.recording = Recording::new(microseconds(self.interval), cursor, now());
        self.has_frame = false;
        self.columns.clear();
    }

    /// Takes over a frame.
    pub(crate) fn take(&mut self, frame: &Frame) {
        self.recording.push(frame);
        self.has_frame = true;
        if self.page == Page::Metrics {
            let ids = || frame.readings().map(|(id, _)| id);
            if !ids().eq(self.columns.iter().map(String::as_str)) {
                self.columns = ids().map(str::to_owned).collect();
                self.arrange();
            }
        }
    }

    fn arrange(&mut self) {
        self.sections = self.page.layout(&self.catalog, &self.columns);
    }
}

/// The time now, in microseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, microseconds)
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
