//! A window that shows what `sampled` reads.

use adw::prelude::*;
use gtk::glib;

fn main() -> glib::ExitCode {
    let application = adw::Application::builder()
        .application_id("io.github.sampled.Monitor")
        .build();
    application.connect_activate(|application| {
        let window = adw::ApplicationWindow::new(application);
        window.present();
    });
    application.run()
}
