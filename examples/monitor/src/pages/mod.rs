//! The pages of the window.

mod board;
mod charts;
mod context;
mod processes;
mod sampling;

use std::rc::Rc;

use sampled_pages::Page as Graphs;

use self::charts::ChartsPage;
pub use self::context::Context;
use crate::i18n::gettext;

/// A page. It is made when it is shown for the first time, and only the shown one is in the tree of widgets.
pub trait Page {
    /// The outermost widget. Its accessible name is that of the page.
    fn widget(&self) -> gtk::Widget;

    /// The selectors for the session of the window while the page is shown.
    fn selectors(&self) -> Vec<String> {
        Vec::new()
    }

    /// Says whether somebody sees the page and has not paused: a page with a session of its own has it for this time alone.
    fn set_active(&self, _is_active: bool) {}

    /// Shows a frame that is in the recording now. Called for the shown page alone; charts draw themselves.
    fn refresh(&self) {}

    /// Shows the metrics of the catalog, which have changed.
    fn update_catalog(&self) {}

    /// Begins a search, if the page has one.
    fn search(&self) {}
}

/// Makes a page.
pub type Build = Box<dyn Fn(&Context) -> Rc<dyn Page>>;

/// A page in the sidebar.
pub struct Entry {
    /// The name of the page in the settings.
    pub name: &'static str,
    /// The title, in the language of the user.
    pub title: String,
    /// The name of its icon.
    pub icon: &'static str,
    /// Makes the page.
    pub build: Build,
}

impl Entry {
    /// A page of graphs.
    fn graphs(page: Graphs, icon: &'static str) -> Self {
        let title = gettext(page.title());
        Self {
            name: page.name(),
            title: title.clone(),
            icon,
            build: Box::new(move |context| Rc::new(ChartsPage::new(context, &title, icon, page))),
        }
    }
}

/// All pages, in the order of the sidebar.
pub fn entries() -> Vec<Entry> {
    vec![
        Entry::graphs(Graphs::Overview, "view-grid-symbolic"),
        Entry::graphs(Graphs::Processor, "power-profile-performance-symbolic"),
        Entry::graphs(Graphs::Memory, "media-flash-symbolic"),
        Entry::graphs(Graphs::Disks, "drive-harddisk-symbolic"),
        Entry::graphs(Graphs::FileSystems, "folder-symbolic"),
        Entry::graphs(Graphs::Network, "network-wired-symbolic"),
        Entry::graphs(Graphs::Sensors, "weather-clear-symbolic"),
        Entry::graphs(Graphs::Power, "battery-symbolic"),
        Entry::graphs(Graphs::Graphics, "video-display-symbolic"),
        processes::entry(processes::Kind::Processes),
        processes::entry(processes::Kind::Applications),
        sampling::entry(),
        board::entry(),
    ]
}
