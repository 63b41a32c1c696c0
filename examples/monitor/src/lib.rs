//! A window that shows what `sampled` reads.

pub mod accessible;
pub mod chart;
pub mod recording;
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
