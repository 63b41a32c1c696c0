//! A window that shows what `sampled` reads.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        reason = "a test that overflows fails, as it should"
    )
)]

pub mod accessible;
pub mod catalog;
pub mod chart;
pub mod i18n;
pub mod pages;
pub mod recording;
pub mod service;
pub mod settings;
pub mod threshold;
pub mod units;

use adw::prelude::*;
use gtk::glib;

/// Runs the program until its window is closed.
pub fn run() -> glib::ExitCode {
    let application = adw::Application::builder()
        .application_id("io.github.sampled.Monitor")
        .build();
    application.connect_activate(|application| {
        let window = adw::ApplicationWindow::new(application);
        window.present();
    });
    application.run()
}
