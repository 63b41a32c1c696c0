//! A window that shows what `sampled` reads.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        reason = "a test that overflows fails, as it should"
    )
)]

pub mod accessible;
mod application;
pub mod chart;
mod excerpt;
mod focus;
pub mod i18n;
mod icon;
pub mod pages;
pub mod recording;
pub mod service;
pub mod settings;
mod style;
pub mod threshold;
mod window;

use gtk::{gio::prelude::*, glib};

use crate::application::Application;

/// The id of the application, on the bus and in the desktop.
pub const APP_ID: &str = "io.github.sampled.Monitor";

/// Runs the program until its window is closed, or its session ends.
pub fn run() -> glib::ExitCode {
    i18n::init();
    let application = Application::new();
    let code = application.run();
    match application.has_lost_bus() {
        true => glib::ExitCode::FAILURE,
        false => code,
    }
}
