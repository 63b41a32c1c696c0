//! The application: its window, its actions and its keys.

use std::{cell::Cell, ops::ControlFlow};

use adw::{prelude::*, subclass::prelude::*};
use gtk::{gio, glib};
use sampled_client::{Crossing, Direction};

use crate::{
    APP_ID,
    i18n::{self, gettext, gettext_f},
    service::Service,
    style,
    threshold::Threshold,
    window::Window,
};

/// Actions and their keys. The window of shortcuts names them all.
const ACCELERATORS: [(&str, &str); 12] = [
    ("app.quit", "<Control>q"),
    ("window.close", "<Control>w"),
    ("win.pause", "<Control>p"),
    ("win.preferences", "<Control>comma"),
    ("win.show-help-overlay", "<Control>question"),
    ("win.search", "<Control>f"),
    ("win.next-page", "<Control>Page_Down"),
    ("win.previous-page", "<Control>Page_Up"),
    ("win.sidebar", "F9"),
    ("win.menu", "F10"),
    ("win.live", "<Control>l"),
    ("win.add-metric", "<Control>d"),
];

mod imp {
    use super::*;

    #[derive(Debug, Default)]
    pub struct Application {
        pub(super) service: Service,
        pub(super) has_lost_bus: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Application {
        const NAME: &'static str = "MonitorApplication";
        type Type = super::Application;
        type ParentType = adw::Application;
    }

    impl ObjectImpl for Application {}

    impl ApplicationImpl for Application {
        fn handle_local_options(&self, options: &glib::VariantDict) -> ControlFlow<glib::ExitCode> {
            if options.contains("version") {
                println!("sampled-monitor {}", env!("CARGO_PKG_VERSION"));
                return ControlFlow::Break(glib::ExitCode::SUCCESS);
            }
            // The options that need no display have been handled.
            if gtk::init().is_err() {
                eprintln!("sampled-monitor: there is no display: set WAYLAND_DISPLAY or DISPLAY");
                return ControlFlow::Break(glib::ExitCode::FAILURE);
            }
            self.parent_handle_local_options(options)
        }

        fn startup(&self) {
            self.parent_startup();
            let application = self.obj();
            glib::set_application_name(&gettext("Sampled Monitor"));
            gtk::Window::set_default_icon_name(APP_ID);
            style::add();
            application.add_actions();
            application.follow_signals();
            if let Some(bus) = application.dbus_connection() {
                self.service.follow_screen_lock(&bus);
                application.follow_end(&bus);
            }
            let weak = application.downgrade();
            self.service.set_on_crossing(move |threshold, crossing| {
                if let Some(application) = weak.upgrade() {
                    application.notify_crossing(threshold, crossing);
                }
            });
        }

        fn activate(&self) {
            self.parent_activate();
            let application = self.obj();
            let window = application.active_window();
            let window =
                window.unwrap_or_else(|| Window::new(&application, &self.service).upcast());
            window.present();
        }

        fn shutdown(&self) {
            self.service.shut_down();
            self.parent_shutdown();
        }
    }

    impl GtkApplicationImpl for Application {}

    impl AdwApplicationImpl for Application {}
}

glib::wrapper! {
    /// The application.
    pub struct Application(ObjectSubclass<imp::Application>)
        @extends adw::Application, gtk::Application, gio::Application,
        @implements gio::ActionGroup, gio::ActionMap;
}

impl Application {
    /// The application, which is not registered yet.
    pub fn new() -> Self {
        let application: Self = glib::Object::builder()
            .property("application-id", APP_ID)
            .property("resource-base-path", "/io/github/sampled/Monitor")
            .build();
        application.add_main_option(
            "version",
            glib::Char::from(0),
            glib::OptionFlags::NONE,
            glib::OptionArg::None,
            &gettext("Print the version"),
            None,
        );
        application
    }

    /// Whether the program has ended because its bus did.
    pub fn has_lost_bus(&self) -> bool {
        self.imp().has_lost_bus.get()
    }

    /// Quits, with the settings saved, upon the signals by which a session or a terminal ends its programs.
    fn follow_signals(&self) {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
            let application = self.downgrade();
            glib_unix::unix_signal_add_local(signal, move || {
                if let Some(application) = application.upgrade() {
                    application.end();
                }
                glib::ControlFlow::Continue
            });
        }
    }

    /// Quits when the bus of the session has ended: nothing can start a window or a service any more. By itself, GDBus would end
    /// the program without a word.
    fn follow_end(&self, bus: &gio::DBusConnection) {
        bus.set_exit_on_close(false);
        let closed = glib::closure_local!(
            #[weak_allow_none(rename_to = application)]
            self,
            move |_: gio::DBusConnection, _: bool, _: Option<glib::Error>| {
                if let Some(application) = application {
                    eprintln!("sampled-monitor: the session bus has ended");
                    application.imp().has_lost_bus.set(true);
                    application.end();
                }
            }
        );
        bus.connect_closure("closed", false, closed);
    }

    fn end(&self) {
        for window in self.windows() {
            if let Some(window) = window.downcast_ref::<Window>() {
                window.save();
            }
        }
        self.quit();
    }

    fn add_actions(&self) {
        let quit = gio::ActionEntry::builder("quit")
            .activate(|application: &Self, _, _| {
                for window in application.windows() {
                    window.close();
                }
            })
            .build();
        let about = gio::ActionEntry::builder("about")
            .activate(|application: &Self, _, _| application.show_about())
            .build();
        let show = gio::ActionEntry::builder("show")
            .activate(|application: &Self, _, _| application.activate())
            .build();
        self.add_action_entries([quit, about, show]);
        for (action, keys) in ACCELERATORS {
            self.set_accels_for_action(action, &[keys]);
        }
        for number in 1..=9 {
            self.set_accels_for_action(
                &format!("win.page({number})"),
                &[&format!("<Alt>{number}")],
            );
        }
    }

    fn show_about(&self) {
        let about = adw::AboutWindow::builder()
            .application_name(gettext("Sampled Monitor"))
            .application_icon(APP_ID)
            .version(env!("CARGO_PKG_VERSION"))
            .developer_name(gettext("The developers of sampled"))
            .comments(gettext(
                "What this machine does, from the readings that all programs share.",
            ))
            .website(env!("CARGO_PKG_REPOSITORY"))
            .issue_url(concat!(env!("CARGO_PKG_REPOSITORY"), "/issues"))
            .license_type(gtk::License::MitX11)
            .modal(true)
            .build();
        about.set_transient_for(self.active_window().as_ref());
        // Translators: put your names here, a line each.
        let translators = gettext("translator-credits");
        if translators != "translator-credits" {
            about.set_translator_credits(&translators);
        }
        about.present();
    }

    fn notify_crossing(&self, threshold: &Threshold, crossing: &Crossing) {
        let catalog = self.imp().service.catalog();
        let metadata = catalog.metadata(&crossing.id);
        let unit = metadata
            .map(|metadata| metadata.unit.as_str())
            .unwrap_or_default();
        let name = catalog.full_name(&crossing.id);
        let (value, limit) = (
            i18n::value(crossing.value, unit),
            i18n::value(threshold.value, unit),
        );
        let values = [
            ("metric", name.as_str()),
            ("value", value.as_str()),
            ("limit", limit.as_str()),
        ];
        let title = match crossing.direction {
            Direction::Above => gettext_f("{metric} is above {limit}", &values),
            Direction::Below => gettext_f("{metric} is below {limit}", &values),
        };
        let notification = gio::Notification::new(&title);
        notification.set_body(Some(&gettext_f("It is {value} now.", &values)));
        notification.set_default_action("app.show");
        self.send_notification(Some(&crossing.id), &notification);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::SHORTCUTS;

    #[test]
    fn the_window_of_shortcuts_names_all_keys() {
        for (action, keys) in ACCELERATORS {
            let keys = glib::markup_escape_text(keys);
            let named = format!("<property name=\"accelerator\">{keys}</property>");
            assert!(SHORTCUTS.contains(&named), "{action}: {keys}");
        }
    }
}
