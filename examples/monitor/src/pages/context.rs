//! The objects that pages share.

use std::{
    cell::{Ref, RefCell},
    rc::Rc,
};

use crate::{chart::TimeAxis, service::Service, settings::Settings};

/// The objects that pages share: the service and its recording, the axis of time, and the settings.
#[derive(Clone)]
pub struct Context {
    service: Service,
    axis: TimeAxis,
    settings: Rc<RefCell<Settings>>,
}

impl Context {
    /// The shared objects of one window.
    pub fn new(service: Service, axis: TimeAxis, settings: Rc<RefCell<Settings>>) -> Self {
        Self {
            service,
            axis,
            settings,
        }
    }

    /// The connection to the service; its recording has what was read.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The axis of all graphs.
    pub fn axis(&self) -> &TimeAxis {
        &self.axis
    }

    /// The settings.
    pub fn settings(&self) -> Ref<'_, Settings> {
        self.settings.borrow()
    }

    /// Changes the settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.borrow_mut());
    }
}
