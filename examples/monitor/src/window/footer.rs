//! The line at the bottom that says what the service does.

use gtk::{CompositeTemplate, glib, prelude::*, subclass::prelude::*};

use crate::{
    chart::TimeAxis,
    i18n::{gettext, gettext_f, ngettext_f},
    icon,
    service::{Presence, Service, State},
};

mod imp {
    use super::*;

    #[derive(Debug, Default, CompositeTemplate)]
    #[template(file = "footer.ui")]
    pub struct Footer {
        #[template_child]
        pub(super) icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub(super) state: TemplateChild<gtk::Label>,
        #[template_child]
        pub(super) live: TemplateChild<gtk::Button>,
        #[template_child]
        pub(super) span: TemplateChild<gtk::MenuButton>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Footer {
        const NAME: &'static str = "MonitorFooter";
        type Type = super::Footer;
        type ParentType = gtk::Box;

        fn class_init(class: &mut Self::Class) {
            class.bind_template();
            class.set_accessible_role(gtk::AccessibleRole::Status);
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Footer {}

    impl WidgetImpl for Footer {}

    impl BoxImpl for Footer {}
}

glib::wrapper! {
    /// The line at the bottom that says what the service does.
    pub struct Footer(ObjectSubclass<imp::Footer>)
        @extends gtk::Box, gtk::Widget,
        @implements gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl Footer {
    /// Follows the service, and the axis, which the user may have scrolled back.
    pub(super) fn follow(&self, service: &Service, axis: &TimeAxis) {
        let footer = self.downgrade();
        let update = move |service: &Service| {
            if let Some(footer) = footer.upgrade() {
                footer.show_state(&service.state(), &service.presence());
            }
        };
        update(service);
        service.connect_state_changed(update.clone());
        service.connect_presence_changed(update);
        let live = self.imp().live.get();
        axis.bind_property("live", &live, "visible")
            .sync_create()
            .invert_boolean()
            .build();
    }

    /// Shows the time that graphs show, in words.
    pub(super) fn show_span(&self, words: &str) {
        self.imp().span.set_label(words);
    }

    fn show_state(&self, state: &State, presence: &Presence) {
        let icon = match state {
            State::Sampling {
                is_answered: true, ..
            } => "emblem-ok-symbolic",
            State::Connecting | State::Restarting { .. } => "emblem-synchronizing-symbolic",
            State::Paused | State::Hidden => "media-playback-pause-symbolic",
            State::Sampling { .. } | State::Refused { .. } | State::Unavailable { .. } => {
                "dialog-warning-symbolic"
            }
        };
        let text = text(state, presence);
        let imp = self.imp();
        imp.icon.set_icon_name(icon::existing(icon));
        if imp.state.text() != text {
            imp.state.set_text(&text);
            imp.state.set_tooltip_text(Some(&text));
        }
    }
}

/// The state in words.
fn text(state: &State, presence: &Presence) -> String {
    match state {
        State::Connecting => gettext("Connecting to the service…"),
        State::Sampling {
            is_answered: false, ..
        } => gettext("The service does not answer: the readings are old."),
        State::Sampling { .. } => join([running(presence), others(presence)]),
        State::Restarting { .. } => {
            gettext("The service ended unexpectedly and is being restarted…")
        }
        State::Refused { .. } => gettext("The service does not sample."),
        State::Unavailable { .. } => gettext("The service cannot be reached."),
        State::Paused => join([
            gettext("Sampling is paused."),
            daemon(presence),
            others(presence),
        ]),
        State::Hidden => join([
            gettext("Nobody looks: nothing is sampled."),
            daemon(presence),
        ]),
    }
}

fn join(sentences: impl IntoIterator<Item = String>) -> String {
    let sentences: Vec<String> = sentences
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    sentences.join(" ")
}

fn running(presence: &Presence) -> String {
    let restarted = if presence.was_restarted {
        gettext("The service ended unexpectedly and was restarted.")
    } else {
        String::new()
    };
    let version = presence.version.as_str();
    let running = match presence.pid {
        Some(pid) => {
            let pid = pid.to_string();
            let values = [("version", version), ("pid", pid.as_str())];
            gettext_f("sampled {version} is running (process {pid}).", &values)
        }
        None => gettext_f("sampled {version} is running.", &[("version", version)]),
    };
    join([restarted, running])
}

/// Whether the daemon is there, while this window samples nothing.
fn daemon(presence: &Presence) -> String {
    match presence.is_running {
        Some(true) if presence.others.is_empty() => {
            gettext("The service is running; it leaves soon, because nobody samples.")
        }
        Some(true) => gettext("The service is running."),
        Some(false) => gettext("The service has left."),
        None => String::new(),
    }
}

fn others(presence: &Presence) -> String {
    let names: Vec<&str> = presence.others.iter().map(String::as_str).collect();
    let names = names.join(", ");
    let values = [("names", names.as_str())];
    let number = u32::try_from(presence.others.len()).unwrap_or(u32::MAX);
    match number {
        0 => String::new(),
        _ => ngettext_f(
            "Another program samples: {names}.",
            "Other programs sample: {names}.",
            number,
            &values,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_a_sentence() {
        let mut presence = Presence {
            is_running: Some(true),
            pid: Some(7),
            version: "0.1.0".to_owned(),
            ..Presence::default()
        };
        let sampling = State::Sampling {
            session: 1,
            is_answered: true,
        };
        assert_eq!(
            text(&sampling, &presence),
            "sampled 0.1.0 is running (process 7)."
        );
        presence.others.insert("panel".to_owned());
        assert!(text(&State::Paused, &presence).ends_with("Another program samples: panel."));
        presence.was_restarted = true;
        assert!(text(&sampling, &presence).contains("was restarted"));
        let left = Presence {
            is_running: Some(false),
            ..Presence::default()
        };
        assert_eq!(
            text(&State::Paused, &left),
            "Sampling is paused. The service has left."
        );
        assert_eq!(
            text(&State::Paused, &Presence::default()),
            "Sampling is paused."
        );
    }
}
