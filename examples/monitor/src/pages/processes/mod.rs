//! The pages of processes and of applications.

mod actions;
mod cells;
mod details;
mod end;
mod fields;
mod follow;
mod item;
mod recordings;
mod rows;
mod selection;
mod table;
mod view;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use adw::prelude::*;
use gtk::glib;
use sampled_client::Error;

use self::{
    follow::Frame,
    recordings::{FIELDS, Recordings},
    view::View,
};
use super::{Context, Entry, Page};
use crate::{excerpt::excerpt, i18n::gettext, recording::Absence};

/// The shortest time between two readings of the rows. An order that changes more often is hard to read, and costs more than the rest
/// of the window.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(2);
/// The time until the table is read again, after it could not be read.
const RETRY: Duration = Duration::from_secs(2);

/// The kind of the rows of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Processes.
    Processes,
    /// Applications: sums over their processes.
    Applications,
}

/// The page.
pub(super) fn entry(kind: Kind) -> Entry {
    let (name, title, icon) = match kind {
        Kind::Processes => ("processes", gettext("Processes"), "system-run-symbolic"),
        Kind::Applications => (
            "applications",
            gettext("Applications"),
            "view-app-grid-symbolic",
        ),
    };
    Entry {
        name,
        title: title.clone(),
        icon,
        build: Box::new(move |context| Rc::new(ProcessesPage(Inner::new(context, kind, &title)))),
    }
}

struct ProcessesPage(Rc<Inner>);

struct Inner {
    context: Context,
    kind: Kind,
    view: View,
    /// The recordings for the pages of single rows.
    recordings: RefCell<Recordings>,
    is_active: Cell<bool>,
    /// The task that reads the rows, while the page is active.
    task: RefCell<Option<glib::JoinHandle<()>>>,
    /// The fields that the task reads.
    fields: RefCell<Vec<&'static str>>,
}

impl Page for ProcessesPage {
    fn widget(&self) -> gtk::Widget {
        self.0.view.root.clone().upcast()
    }

    fn set_active(&self, is_active: bool) {
        if self.0.is_active.replace(is_active) == is_active {
            return;
        }
        let absence = match self.0.context.service().is_paused() {
            true => Absence::Paused,
            false => Absence::Unread,
        };
        self.0.follow(Some(absence));
    }

    fn search(&self) {
        self.0.view.begin_search();
    }
}

impl Drop for ProcessesPage {
    fn drop(&mut self) {
        self.set_active(false);
    }
}

impl Inner {
    fn new(context: &Context, kind: Kind, title: &str) -> Rc<Self> {
        let inner = Rc::new(Self {
            context: context.clone(),
            kind,
            view: View::new(kind, title, context.axis()),
            recordings: RefCell::default(),
            is_active: Cell::default(),
            task: RefCell::default(),
            fields: RefCell::default(),
        });
        actions::connect(&inner);
        inner
    }

    /// Reads the rows if the page is active, otherwise no longer. An absence begins a gap in what is recorded.
    fn follow(self: &Rc<Self>, absence: Option<Absence>) {
        let now = u64::try_from(glib::real_time()).unwrap_or_default();
        let task = self.is_active.get().then(|| {
            let fields = self.needed_fields();
            self.fields.replace(fields.clone());
            glib::spawn_future_local(follow(Rc::downgrade(self), fields))
        });
        if let Some(former) = self.task.replace(task) {
            former.abort();
            if let Some(absence) = absence {
                self.recordings.borrow().interrupt(now, absence);
            }
        }
    }

    /// Reads other fields, if others are needed now.
    fn update_fields(self: &Rc<Self>) {
        if self.is_active.get() && self.needed_fields() != *self.fields.borrow() {
            self.follow(None);
        }
    }

    fn needed_fields(&self) -> Vec<&'static str> {
        let mut fields = self.view.table.shown_fields();
        if !self.recordings.borrow().is_empty() {
            fields.extend(FIELDS);
        }
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    fn show(&self, frame: Frame) {
        {
            let mut rows = self.view.table.rows().borrow_mut();
            if frame.is_whole {
                let keys = frame.readings.iter().map(|reading| reading.key.clone());
                rows.retain(&keys.collect());
            }
            rows.change(&frame.gone, frame.readings);
        }
        self.view.table.update();
        let rows = self.view.table.rows().borrow();
        let recordings = self.recordings.borrow();
        recordings.record(frame.time, |key| rows.item(key).cloned());
        if let Some((key, _)) = self.view.details.shown() {
            self.view.details.refresh(rows.item(&key));
        }
        self.view.show_problem(None);
    }

    fn report(&self, error: &Error) {
        let now = u64::try_from(glib::real_time()).unwrap_or_default();
        self.recordings
            .borrow()
            .interrupt(now, Absence::Disconnected);
        self.view.show_problem(Some(&excerpt(&error.to_string())));
    }
}

/// Reads the rows again and again. The service may end in between, and come again.
async fn follow(inner: Weak<Inner>, fields: Vec<&'static str>) {
    loop {
        let Some((kind, client, interval)) = inner.upgrade().map(|inner| {
            let service = inner.context.service();
            (
                inner.kind,
                service.client(),
                service.interval().max(SHORTEST_INTERVAL),
            )
        }) else {
            return;
        };
        if let Some(client) = client {
            let show = |frame| {
                if let Some(inner) = inner.upgrade() {
                    inner.show(frame);
                }
            };
            let result = match kind {
                Kind::Processes => follow::processes(client.bus(), &fields, interval, show).await,
                Kind::Applications => {
                    follow::applications(client.bus(), &fields, interval, show).await
                }
            };
            if let (Err(error), Some(inner)) = (result, inner.upgrade()) {
                inner.report(&error);
            }
        }
        glib::timeout_future(RETRY).await;
    }
}
