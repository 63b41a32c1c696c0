//! The window.

mod actions;
mod footer;
mod metric_dialog;
mod preferences;
mod problem;
mod reading;
mod shortcuts;
mod sidebar;
mod storage;
mod threshold_dialog;
mod visibility;

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant},
};

use adw::{prelude::*, subclass::prelude::*};
use gtk::{CompositeTemplate, gio, glib};

use self::footer::Footer;
#[cfg(test)]
pub(crate) use self::shortcuts::SHORTCUTS;
use crate::{
    accessible,
    application::Application,
    chart::TimeAxis,
    i18n::gettext,
    pages::{Context, Entry, Page, entries},
    service::Service,
    settings::SettingsFile,
};

mod imp {
    use super::*;

    #[derive(Default, CompositeTemplate)]
    #[template(file = "window.ui")]
    pub struct Window {
        #[template_child]
        pub(super) toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub(super) leaflet: TemplateChild<adw::Leaflet>,
        #[template_child]
        pub(super) sidebar: TemplateChild<gtk::Box>,
        #[template_child]
        pub(super) content: TemplateChild<gtk::Box>,
        #[template_child]
        pub(super) pages: TemplateChild<gtk::ListBox>,
        #[template_child]
        pub(super) menu_button: TemplateChild<gtk::MenuButton>,
        #[template_child]
        pub(super) title: TemplateChild<adw::WindowTitle>,
        #[template_child]
        pub(super) page: TemplateChild<adw::Bin>,
        #[template_child]
        pub(super) footer: TemplateChild<Footer>,
        #[template_child]
        pub(super) pause_button: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) problem_revealer: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub(super) problem: TemplateChild<gtk::Label>,
        pub(super) context: OnceCell<Context>,
        pub(super) entries: OnceCell<Vec<Entry>>,
        pub(super) built: RefCell<HashMap<&'static str, Rc<dyn Page>>>,
        /// The shown page, and its name.
        pub(super) shown: RefCell<Option<(Rc<dyn Page>, &'static str)>>,
        /// The moments at which other pages have been left.
        pub(super) left: RefCell<HashMap<&'static str, Instant>>,
        /// The widget that had the focus, while the menu is open without the list of pages.
        pub(super) before_menu: RefCell<Option<gtk::Widget>>,
        /// The timer that saves the settings, after a change.
        pub(super) saving: RefCell<Option<glib::SourceId>>,
        pub(super) settings_file: OnceCell<SettingsFile>,
        /// The message that the settings are not saved, while it is shown.
        pub(super) unsaved: RefCell<Option<adw::Toast>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Window {
        const NAME: &'static str = "MonitorWindow";
        type Type = super::Window;
        type ParentType = adw::ApplicationWindow;

        fn class_init(class: &mut Self::Class) {
            Footer::ensure_type();
            class.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Window {}

    impl WidgetImpl for Window {
        fn map(&self) {
            self.parent_map();
            self.obj().update_visibility();
        }

        fn unmap(&self) {
            self.parent_unmap();
            self.obj().update_visibility();
        }

        fn realize(&self) {
            self.parent_realize();
            self.obj().follow_surface();
        }
    }

    impl WindowImpl for Window {
        fn close_request(&self) -> glib::Propagation {
            let window = self.obj();
            window.save();
            window.service().shut_down();
            self.parent_close_request()
        }
    }

    impl ApplicationWindowImpl for Window {}

    impl AdwApplicationWindowImpl for Window {}
}

glib::wrapper! {
    /// The window: pages, of which one is shown, and the state of the service.
    pub struct Window(ObjectSubclass<imp::Window>)
        @extends adw::ApplicationWindow, gtk::ApplicationWindow, gtk::Window, gtk::Widget,
        @implements gio::ActionGroup, gio::ActionMap, gtk::Buildable, gtk::ConstraintTarget,
            gtk::Native, gtk::Root, gtk::ShortcutManager;
}

impl Window {
    /// The window, as the settings say.
    pub(crate) fn new(application: &Application, service: &Service) -> Self {
        let window: Self = glib::Object::builder()
            .property("application", application)
            .build();
        let (file, settings) = SettingsFile::load(SettingsFile::user_path());
        window.set_default_size(settings.width, settings.height);
        window.set_maximized(settings.is_maximized);
        let page = settings.page.clone();
        service.set_interval(settings.interval);
        service.set_thresholds(settings.thresholds.clone());
        let axis = TimeAxis::new();
        axis.set_span(microseconds(settings.span));
        let context = Context::new(service.clone(), axis, Rc::new(RefCell::new(settings)));
        let imp = window.imp();
        imp.context.set(context).ok();
        imp.settings_file.set(file).ok();
        imp.entries.set(entries()).ok();
        imp.footer.follow(service, window.context().axis());
        window.add_actions();
        window.fill_sidebar();
        window.follow_menu();
        window.set_help_overlay(Some(&shortcuts::window()));
        window.follow_service();
        window.show_page(&page);
        window.show_content();
        // The keys go to the list of pages first.
        GtkWindowExt::set_focus(&window, window.imp().pages.selected_row().as_ref());
        window.report_damage();
        window
    }

    fn context(&self) -> &Context {
        self.imp()
            .context
            .get()
            .expect("set when the window is made")
    }

    fn service(&self) -> &Service {
        self.context().service()
    }

    fn entries(&self) -> &[Entry] {
        self.imp()
            .entries
            .get()
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Shows the page with this name; the first one if there is none.
    fn show_page(&self, name: &str) {
        let position = self.entries().iter().position(|entry| entry.name == name);
        let Some(entry) = self.entries().get(position.unwrap_or(0)) else {
            return;
        };
        let imp = self.imp();
        let known = imp.built.borrow().get(entry.name).cloned();
        let page = known.unwrap_or_else(|| {
            let page = (entry.build)(self.context());
            imp.built.borrow_mut().insert(entry.name, page.clone());
            page
        });
        if self.context().settings().page != entry.name {
            self.change_settings(|settings| settings.page = entry.name.to_owned());
        }
        self.select_row(entry.name);
        if let Some((former, name)) = imp.shown.replace(Some((page.clone(), entry.name))) {
            if Rc::ptr_eq(&former, &page) {
                return;
            }
            former.set_active(false);
            imp.left.borrow_mut().insert(name, Instant::now());
        }
        imp.left.borrow_mut().remove(entry.name);
        imp.title.set_title(&entry.title);
        page.update_catalog();
        page.refresh();
        self.show_page_or_problem();
        self.update_selectors();
        page.set_active(self.service().is_active());
    }

    fn shown(&self) -> Option<Rc<dyn Page>> {
        let shown = self.imp().shown.borrow();
        shown.as_ref().map(|(page, _)| page.clone())
    }

    /// The words of the button that pauses.
    fn show_pause(&self, is_paused: bool) {
        let button = &self.imp().pause_button;
        let (icon, word) = match is_paused {
            true => ("media-playback-start-symbolic", gettext("Resume")),
            false => ("media-playback-pause-symbolic", gettext("Pause")),
        };
        button.set_icon_name(icon);
        button.set_tooltip_text(Some(&word));
        accessible::set_label(&button.get(), &word);
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
