//! Whether the screen is locked.

use gtk::gio::{self, DBusSignalFlags};

/// The signals of a screen that is locked; they end with this value.
#[derive(Debug)]
pub(crate) struct ScreenLock {
    _subscriptions: Vec<gio::SignalSubscription>,
}

impl ScreenLock {
    /// Tells each change: true when the screen is locked or blank.
    pub(crate) fn watch(
        bus: &gio::DBusConnection,
        changed: impl Fn(bool) + Clone + 'static,
    ) -> Self {
        /// GNOME sends the first, KDE and others the second.
        const NAMES: [&str; 2] = ["org.gnome.ScreenSaver", "org.freedesktop.ScreenSaver"];
        let subscriptions = NAMES.map(|name| {
            let changed = changed.clone();
            bus.subscribe_to_signal(
                Some(name),
                Some(name),
                Some("ActiveChanged"),
                None,
                None,
                DBusSignalFlags::NONE,
                move |signal| {
                    if let Some((is_active,)) = signal.parameters.get::<(bool,)>() {
                        changed(is_active);
                    }
                },
            )
        });
        Self {
            _subscriptions: subscriptions.into(),
        }
    }
}
