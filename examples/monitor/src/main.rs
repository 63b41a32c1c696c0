//! A window that shows what `sampled` reads.

use gtk::glib;

fn main() -> glib::ExitCode {
    sampled_monitor::run()
}
