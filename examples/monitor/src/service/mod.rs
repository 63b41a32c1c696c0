//! The connection to the service: sessions for what is shown, and their life.

mod acquisition;
mod backoff;
mod life;
mod presence;
mod screen_lock;
mod state;
mod watches;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use gtk::{
    gio,
    glib::{self, prelude::*, subclass::prelude::*},
};
use sampled_client::{Catalog, Client, Crossing};

pub use self::state::{Presence, State, Unwatched};
use self::{acquisition::Demand, screen_lock::ScreenLock, watches::Watches};
use crate::{recording::Recording, threshold::Threshold};

mod imp {
    use std::sync::LazyLock;

    use gtk::glib::subclass::Signal;

    use super::*;

    /// The receiver of crossings.
    pub(super) type OnCrossing = Rc<dyn Fn(&Threshold, &Crossing)>;

    #[derive(Default)]
    pub struct Service {
        pub(super) recording: Rc<Recording>,
        pub(super) catalog: RefCell<Rc<Catalog>>,
        pub(super) client: RefCell<Option<Client>>,
        pub(super) state: RefCell<State>,
        pub(super) presence: RefCell<Presence>,
        /// The moment at which the service was started again, after it had ended by itself.
        pub(super) restarted: Cell<Option<Instant>>,
        pub(super) problem: RefCell<Option<String>>,
        pub(super) selectors: RefCell<Vec<String>>,
        pub(super) interval: Cell<Duration>,
        pub(super) is_visible: Cell<bool>,
        pub(super) is_locked: Cell<bool>,
        pub(super) is_paused: Cell<bool>,
        pub(super) demand: RefCell<Option<Demand>>,
        pub(super) acquisition: RefCell<Option<glib::JoinHandle<()>>>,
        pub(super) presence_task: RefCell<Option<glib::JoinHandle<()>>>,
        pub(super) update: RefCell<Option<glib::SourceId>>,
        pub(super) screen_lock: RefCell<Option<ScreenLock>>,
        pub(super) watches: RefCell<Watches>,
        pub(super) on_crossing: RefCell<Option<OnCrossing>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Service {
        const NAME: &'static str = "MonitorService";
        type Type = super::Service;
    }

    impl ObjectImpl for Service {
        fn signals() -> &'static [Signal] {
            static SIGNALS: LazyLock<Vec<Signal>> = LazyLock::new(|| {
                vec![
                    Signal::builder("state-changed").build(),
                    Signal::builder("presence-changed").build(),
                    Signal::builder("catalog-changed").build(),
                    Signal::builder("frame")
                        .param_types([u64::static_type()])
                        .build(),
                ]
            });
            &SIGNALS
        }

        fn dispose(&self) {
            self.obj().shut_down();
        }
    }
}

glib::wrapper! {
    /// The connection to the service. While somebody looks, it has a session for what is shown; what the session sends is in the
    /// recording. Everything runs in the main loop.
    pub struct Service(ObjectSubclass<imp::Service>);
}

impl Default for Service {
    fn default() -> Self {
        glib::Object::new()
    }
}

impl Service {
    /// The recording.
    pub fn recording(&self) -> &Rc<Recording> {
        &self.imp().recording
    }

    /// The metrics of this machine, as the service has listed them last.
    pub fn catalog(&self) -> Rc<Catalog> {
        self.imp().catalog.borrow().clone()
    }

    /// The client, once the bus is reached.
    pub fn client(&self) -> Option<Client> {
        self.imp().client.borrow().clone()
    }

    /// The state of the connection.
    pub fn state(&self) -> State {
        self.imp().state.borrow().clone()
    }

    /// The process of the service, and the other clients.
    pub fn presence(&self) -> Presence {
        self.imp().presence.borrow().clone()
    }

    /// The features that a service of another version lacks.
    pub fn problem(&self) -> Option<String> {
        self.imp().problem.borrow().clone()
    }

    /// The reason why a threshold is not watched, if that is so.
    pub fn unwatched(&self) -> Option<Unwatched> {
        self.imp().watches.borrow().unwatched()
    }

    /// Whether tables and graphs are to be filled: somebody looks, and has not paused.
    pub fn is_active(&self) -> bool {
        let imp = self.imp();
        imp.is_visible.get() && !imp.is_locked.get() && !imp.is_paused.get()
    }

    /// Whether the user has paused.
    pub fn is_paused(&self) -> bool {
        self.imp().is_paused.get()
    }

    /// The time between frames.
    pub fn interval(&self) -> Duration {
        self.imp().interval.get()
    }

    /// Sets what is sampled while the window is visible.
    pub fn set_selectors(&self, selectors: Vec<String>) {
        self.imp().selectors.replace(selectors);
        self.update_soon();
    }

    /// Sets the time between frames.
    pub fn set_interval(&self, interval: Duration) {
        self.imp().interval.set(interval);
        self.update_soon();
    }

    /// Says whether the window can be seen.
    pub fn set_visible(&self, is_visible: bool) {
        if self.imp().is_visible.replace(is_visible) != is_visible {
            self.update_soon();
        }
    }

    /// Pauses, or goes on. While it is paused, nothing is sampled and no threshold is watched.
    pub fn set_paused(&self, is_paused: bool) {
        if self.imp().is_paused.replace(is_paused) != is_paused {
            self.update_soon();
        }
    }

    /// Stops while the screen is locked, as the desktop says on this bus.
    pub fn follow_screen_lock(&self, bus: &gio::DBusConnection) {
        let service = self.downgrade();
        let lock = ScreenLock::watch(bus, move |is_locked| {
            let Some(service) = service.upgrade() else {
                return;
            };
            if service.imp().is_locked.replace(is_locked) != is_locked {
                service.update_soon();
            }
        });
        self.imp().screen_lock.replace(Some(lock));
    }

    /// Sets the thresholds to watch. They are watched while the window is hidden, too.
    pub fn set_thresholds(&self, thresholds: Vec<Threshold>) {
        self.change_watches(|watches| watches.set(thresholds));
        self.update_soon();
    }

    /// Sets the receiver of crossings.
    pub fn set_on_crossing(&self, receiver: impl Fn(&Threshold, &Crossing) + 'static) {
        self.imp().on_crossing.replace(Some(Rc::new(receiver)));
    }

    /// Tries again, now, to reach the service, and to watch the thresholds if one is not watched.
    pub fn retry(&self) {
        self.imp().demand.replace(None);
        if self.unwatched().is_some() {
            self.change_watches(Watches::stop);
        }
        self.update_soon();
    }

    /// Ends everything: no session is left.
    pub fn shut_down(&self) {
        let imp = self.imp();
        if let Some(update) = imp.update.take() {
            update.remove();
        }
        let tasks = [imp.acquisition.take(), imp.presence_task.take()];
        for task in tasks.into_iter().flatten() {
            task.abort();
        }
        imp.watches.borrow_mut().stop();
        imp.screen_lock.take();
        imp.client.take();
    }

    /// Calls back when the state, the problem or the reason of a threshold that is not watched has changed.
    pub fn connect_state_changed(
        &self,
        callback: impl Fn(&Self) + 'static,
    ) -> glib::SignalHandlerId {
        self.connect("state-changed", callback)
    }

    /// Calls back when the presence has changed.
    pub fn connect_presence_changed(
        &self,
        callback: impl Fn(&Self) + 'static,
    ) -> glib::SignalHandlerId {
        self.connect("presence-changed", callback)
    }

    /// Calls back when metrics have appeared or vanished.
    pub fn connect_catalog_changed(
        &self,
        callback: impl Fn(&Self) + 'static,
    ) -> glib::SignalHandlerId {
        self.connect("catalog-changed", callback)
    }

    /// Calls back after each frame, with its time in microseconds since the Unix epoch.
    pub fn connect_frame(&self, callback: impl Fn(&Self, u64) + 'static) -> glib::SignalHandlerId {
        self.connect_closure(
            "frame",
            false,
            glib::closure_local!(move |service: Self, time: u64| callback(&service, time)),
        )
    }

    fn connect(&self, signal: &str, callback: impl Fn(&Self) + 'static) -> glib::SignalHandlerId {
        self.connect_closure(
            signal,
            false,
            glib::closure_local!(move |service: Self| callback(&service)),
        )
    }

    fn set_state(&self, state: State) {
        if self.imp().state.replace(state.clone()) != state {
            self.emit_by_name::<()>("state-changed", &[]);
        }
    }

    fn set_problem(&self, problem: Option<String>) {
        if self.imp().problem.replace(problem.clone()) != problem {
            self.emit_by_name::<()>("state-changed", &[]);
        }
    }

    fn set_presence(&self, presence: Presence) {
        if self.imp().presence.replace(presence.clone()) != presence {
            self.emit_by_name::<()>("presence-changed", &[]);
        }
    }

    fn set_catalog(&self, catalog: Catalog) {
        if **self.imp().catalog.borrow() == catalog {
            return;
        }
        self.recording().retain(&catalog);
        self.imp().catalog.replace(Rc::new(catalog));
        self.emit_by_name::<()>("catalog-changed", &[]);
    }
}
