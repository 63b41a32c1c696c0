//! The page of those who sample: the service itself, the sessions of all programs, and the sources with their costs.

mod list;
mod owners;
mod report;
mod words;

use std::{cell::RefCell, rc::Rc, time::Duration};

use adw::prelude::*;
use gtk::glib;

use self::{
    list::List,
    report::{Report, Reporter},
};
use super::{Context, Entry, Page};
use crate::{accessible, excerpt::excerpt, i18n::gettext};

/// The time between two reports, while somebody looks.
const INTERVAL: Duration = Duration::from_secs(2);

/// The page.
pub(super) fn entry() -> Entry {
    let title = gettext("Sampling");
    Entry {
        name: "sampling",
        title: title.clone(),
        icon: "preferences-system-sharing-symbolic",
        build: Box::new(move |context| Rc::new(SamplingPage::new(context, &title))),
    }
}

struct SamplingPage {
    context: Context,
    view: View,
    /// The task that asks the service, while the page is active.
    task: RefCell<Option<glib::JoinHandle<()>>>,
}

impl SamplingPage {
    fn new(context: &Context, title: &str) -> Self {
        Self {
            context: context.clone(),
            view: View::new(title),
            task: RefCell::default(),
        }
    }
}

impl Page for SamplingPage {
    fn widget(&self) -> gtk::Widget {
        self.view.root.clone().upcast()
    }

    fn set_active(&self, is_active: bool) {
        let task = is_active.then(|| {
            let (context, view) = (self.context.clone(), self.view.clone());
            glib::spawn_future_local(follow(context, view))
        });
        if let Some(former) = self.task.replace(task) {
            former.abort();
        }
    }
}

impl Drop for SamplingPage {
    fn drop(&mut self) {
        self.set_active(false);
    }
}

/// Asks again and again. It never starts the service: nobody samples when it does not run.
async fn follow(context: Context, view: View) {
    let mut reporter = Reporter::default();
    loop {
        if let Some(client) = context.service().client() {
            view.show(&reporter.report(client.bus()).await);
        }
        glib::timeout_future(INTERVAL).await;
    }
}

/// The widgets.
#[derive(Clone)]
struct View {
    root: adw::Bin,
    page: adw::PreferencesPage,
    absent: adw::StatusPage,
    service: List<&'static str>,
    sessions: List<u32>,
    sources: List<String>,
}

impl View {
    fn new(title: &str) -> Self {
        let root: adw::Bin = glib::Object::builder()
            .property("accessible-role", gtk::AccessibleRole::Group)
            .build();
        accessible::set_label(&root, title);
        let view = Self {
            root,
            page: adw::PreferencesPage::new(),
            absent: adw::StatusPage::builder().vexpand(true).build(),
            service: List::new(&gettext("Service"), ""),
            sessions: List::new(
                &gettext("Sessions"),
                &gettext("The programs that are sampling, and what each of them reads"),
            ),
            sources: List::new(
                &gettext("Sources"),
                &gettext(
                    "What the service reads for all of them, and the processor time that a read takes",
                ),
            ),
        };
        view.page.add(view.service.widget());
        view.page.add(view.sessions.widget());
        view.page.add(view.sources.widget());
        view
    }

    fn show(&self, report: &Result<Option<Report>, sampled_client::Error>) {
        match report {
            Ok(Some(report)) => {
                self.service.show(words::of_service(report));
                self.sessions.show(words::of_sessions(report));
                self.sources.show(words::of_sources(report));
                self.root.set_child(Some(&self.page));
            }
            Ok(None) => self.show_absent(
                &gettext("Nobody Is Sampling"),
                &gettext("The service is not running, so nothing is read."),
            ),
            Err(error) => self.show_absent(
                &gettext("The Service Does Not Answer"),
                &glib::markup_escape_text(&excerpt(&error.to_string())),
            ),
        }
    }

    fn show_absent(&self, title: &str, description: &str) {
        self.absent.set_title(title);
        self.absent.set_description(Some(description));
        self.root.set_child(Some(&self.absent));
    }
}
