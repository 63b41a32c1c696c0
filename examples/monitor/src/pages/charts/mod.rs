//! A page of graphs, facts and shares, as a layout says.

mod card;
mod fact;
mod focus_place;
mod legend;
mod level;
mod section;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::{Duration, Instant},
};

use adw::prelude::*;
use gtk::glib;

use self::{focus_place::FocusPlace, section::SectionView};
use sampled_pages::{Page as Graphs, Section};

use super::{Context, Page};
use crate::{accessible, i18n::gettext, icon};

/// A page of graphs.
pub(super) struct ChartsPage {
    context: Context,
    graphs: Graphs,
    root: adw::Bin,
    view: SectionsView,
    empty: adw::StatusPage,
}

impl ChartsPage {
    /// The page with this title and icon.
    pub(super) fn new(context: &Context, title: &str, icon: &str, graphs: Graphs) -> Self {
        let root: adw::Bin = glib::Object::builder()
            .property("accessible-role", gtk::AccessibleRole::Group)
            .build();
        accessible::set_label(&root, title);
        let (nothing, description) = graphs.nothing();
        let empty = adw::StatusPage::builder()
            .title(gettext(nothing))
            .description(gettext(description))
            .build();
        empty.set_icon_name(icon::existing(icon));
        let page = Self {
            context: context.clone(),
            graphs,
            root,
            view: SectionsView::new(context, false),
            empty,
        };
        page.update_catalog();
        page
    }
}

impl Page for ChartsPage {
    fn widget(&self) -> gtk::Widget {
        self.root.clone().upcast()
    }

    fn selectors(&self) -> Vec<String> {
        let catalog = self.context.service().catalog();
        let mut selectors = self.graphs.selectors(&catalog);
        if self.graphs == Graphs::Overview {
            selectors.extend(machine().map(|(_, id)| id.to_owned()));
        }
        selectors
    }

    fn refresh(&self) {
        self.view.refresh();
    }

    fn update_catalog(&self) {
        let catalog = self.context.service().catalog();
        let mut sections = self.graphs.layout(&catalog, |text| gettext(text));
        if self.graphs == Graphs::Overview {
            let mut facts = Section::default();
            for (name, id) in machine() {
                facts.fact(&catalog, name, id);
            }
            sections.extend(Some(facts).filter(|facts| !facts.is_empty()));
        }
        // Before the first list, nothing is known to be missing.
        let is_missing = sections.is_empty() && !catalog.is_empty();
        self.view.set_sections(sections);
        match is_missing {
            true => self.root.set_child(Some(&self.empty)),
            false => self.root.set_child(Some(self.view.widget())),
        }
    }
}

/// The facts below the graphs of the overview: their names and metrics.
fn machine() -> impl Iterator<Item = (String, &'static str)> {
    [
        (gettext("Host name"), "os/system/hostname"),
        (gettext("Operating system"), "os/system/prettyName"),
        (gettext("Kernel"), "os/kernel/prettyName"),
        (gettext("Processor"), "cpu/all/name"),
        (gettext("Uptime"), "os/system/uptime"),
        (gettext("Processes"), "os/processes/total"),
    ]
    .into_iter()
}

/// For how long the first widgets of a page may be made in one go: a usual page is complete then.
const FIRST_GROWTH: Duration = Duration::from_millis(50);
/// For how long further ones may be made between two frames.
const GROWTH: Duration = Duration::from_millis(10);

/// Sections below each other, which scroll.
#[derive(Clone)]
pub(super) struct SectionsView(Rc<Inner>);

struct Inner {
    context: Context,
    is_board: bool,
    scroll: gtk::ScrolledWindow,
    list: gtk::Box,
    sections: RefCell<Vec<SectionView>>,
    /// Whether a look at what is in view is due in this turn of the main loop.
    is_cull_due: Cell<bool>,
    /// Whether further widgets are to be made.
    is_growing: Cell<bool>,
    /// The place of the focus, until its card has been made again.
    focus: RefCell<Option<FocusPlace>>,
}

impl SectionsView {
    /// An empty view; on the board, cards can be moved.
    pub(super) fn new(context: &Context, is_board: bool) -> Self {
        let list = gtk::Box::builder()
            .orientation(gtk::Orientation::Vertical)
            .spacing(24)
            .margin_top(18)
            .margin_bottom(18)
            .margin_start(12)
            .margin_end(12)
            .build();
        let clamp = adw::Clamp::builder()
            .maximum_size(1400)
            .tightening_threshold(1000)
            .child(&list)
            .build();
        let scroll = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .vexpand(true)
            .child(&clamp)
            .build();
        let view = Self(Rc::new(Inner {
            context: context.clone(),
            is_board,
            scroll,
            list,
            sections: RefCell::default(),
            is_cull_due: Cell::new(false),
            is_growing: Cell::new(false),
            focus: RefCell::default(),
        }));
        let adjustment = view.0.scroll.vadjustment();
        let weak = Rc::downgrade(&view.0);
        adjustment.connect_value_changed({
            let weak = weak.clone();
            move |_| cull_soon(&weak)
        });
        adjustment.connect_changed({
            let weak = weak.clone();
            move |_| cull_soon(&weak)
        });
        view.0.scroll.connect_map(move |_| cull_after_layout(&weak));
        view
    }

    /// The widget.
    pub(super) fn widget(&self) -> &gtk::ScrolledWindow {
        &self.0.scroll
    }

    /// Shows these sections. What is unchanged keeps its widgets.
    pub(super) fn set_sections(&self, sections: Vec<Section>) {
        let inner = &self.0;
        if let Some(place) = FocusPlace::find(&inner.sections.borrow()) {
            inner.focus.replace(Some(place));
        }
        let mut former = inner.sections.take();
        let mut shown: Vec<SectionView> = Vec::with_capacity(sections.len());
        for section in sections {
            let position = former.iter().position(|view| *view.section() == section);
            let view = match position {
                Some(position) => former.swap_remove(position),
                None => {
                    let view = SectionView::new(section);
                    inner.list.append(view.widget());
                    view
                }
            };
            let before = shown.last().map(SectionView::widget);
            inner.list.reorder_child_after(view.widget(), before);
            shown.push(view);
        }
        for view in former {
            inner.list.remove(view.widget());
        }
        inner.sections.replace(shown);
        self.refresh();
        if !inner.grow(FIRST_GROWTH) {
            grow_later(inner);
        }
    }

    /// Shows the newest readings.
    pub(super) fn refresh(&self) {
        for section in self.0.sections.borrow().iter() {
            section.refresh(self.0.context.service().recording());
        }
    }
}

impl Inner {
    /// Makes further widgets for so long. Returns whether all are there.
    fn grow(self: &Rc<Self>, time: Duration) -> bool {
        let started = Instant::now();
        let deadline = started.checked_add(time).unwrap_or(started);
        let is_complete = {
            let mut sections = self.sections.borrow_mut();
            let mut sections = sections.iter_mut();
            sections.all(|section| section.grow(&self.context, self.is_board, deadline))
        };
        cull_after_layout(&Rc::downgrade(self));
        if let Some(place) = self.focus.take() {
            let pending = place.restore(&self.sections.borrow(), is_complete);
            self.focus.replace(pending);
        }
        is_complete
    }
}

/// Makes the other widgets when there is nothing else to do.
fn grow_later(inner: &Rc<Inner>) {
    if inner.is_growing.replace(true) {
        return;
    }
    let inner = Rc::downgrade(inner);
    glib::idle_add_local_full(glib::Priority::DEFAULT_IDLE, move || {
        let Some(inner) = inner.upgrade() else {
            return glib::ControlFlow::Break;
        };
        if inner.grow(GROWTH) {
            inner.is_growing.set(false);
            return glib::ControlFlow::Break;
        }
        glib::ControlFlow::Continue
    });
}

/// Leaves out the graphs that are not in view, after the next frame has given each its place.
fn cull_after_layout(inner: &Weak<Inner>) {
    let Some(strong) = inner.upgrade() else {
        return;
    };
    let inner = inner.clone();
    strong.scroll.add_tick_callback(move |_, _| {
        cull_soon(&inner);
        glib::ControlFlow::Break
    });
}

/// Leaves out the graphs that are not in view once the layout is done: they are not drawn.
fn cull_soon(inner: &Weak<Inner>) {
    let Some(strong) = inner.upgrade() else {
        return;
    };
    if strong.is_cull_due.replace(true) {
        return;
    }
    let inner = inner.clone();
    glib::idle_add_local_full(glib::Priority::HIGH_IDLE, move || {
        if let Some(inner) = inner.upgrade() {
            inner.is_cull_due.set(false);
            let height = f64::from(inner.scroll.height());
            let recording = inner.context.service().recording();
            for section in inner.sections.borrow().iter() {
                section.cull(inner.scroll.upcast_ref(), height, recording);
            }
        }
        glib::ControlFlow::Break
    });
}
