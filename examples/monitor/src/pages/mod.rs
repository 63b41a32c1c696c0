//! The pages of the window.

mod board;
mod charts;
mod context;
mod disks;
mod file_systems;
mod graphics;
mod layout;
mod memory;
mod network;
mod overview;
mod power;
mod processes;
mod processor;
mod sampling;
mod sensors;

use std::rc::Rc;

use self::charts::{Charts, ChartsPage};
pub use self::context::Context;

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
    fn charts(
        name: &'static str,
        title: String,
        icon: &'static str,
        charts: impl Fn() -> Charts + 'static,
    ) -> Self {
        let of_page = title.clone();
        Self {
            name,
            title,
            icon,
            build: Box::new(move |context| {
                Rc::new(ChartsPage::new(context, &of_page, icon, charts()))
            }),
        }
    }
}

/// All pages, in the order of the sidebar.
pub fn entries() -> Vec<Entry> {
    vec![
        overview::entry(),
        processor::entry(),
        memory::entry(),
        disks::entry(),
        file_systems::entry(),
        network::entry(),
        sensors::entry(),
        power::entry(),
        graphics::entry(),
        processes::entry(processes::Kind::Processes),
        processes::entry(processes::Kind::Applications),
        sampling::entry(),
        board::entry(),
    ]
}
