//! The window of `examples/python-gtk`, on a display of its own: its switch starts and stops the acquisition.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use sampled::client::Client;
use tokio::time::{sleep, timeout};

use super::tools;
use crate::support::{
    bus::Bus,
    process::{DEADLINE, Run, skip},
};

const WINDOW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python-gtk/window.py");
const PROBE: &str = "command -v Xvfb; command -v xdotool; python3 -c 'import gi; gi.require_version(\"Gtk\", \"4.0\")'";

/// An X server without a monitor.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn new(bus: &Bus) -> Self {
        let mut command = bus.command("Xvfb");
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "800x600x24",
            "-nolisten",
            "tcp",
        ]);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = piped.spawn().expect("Xvfb");
        let mut number = String::new();
        let stdout = server.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut number)
            .expect("its number");
        let name = format!(":{}", number.trim_end());
        Self { server, name }
    }

    fn command(&self, bus: &Bus, program: &str) -> Command {
        let mut command = tools(bus, program);
        command.env("DISPLAY", &self.name).envs([
            ("GDK_BACKEND", "x11"),
            ("GSK_RENDERER", "cairo"),
            ("GTK_A11Y", "none"),
        ]);
        command
    }

    /// Presses the space bar in the window, whose focus is on its switch.
    fn press_space(&self, bus: &Bus) {
        let mut press = self.command(bus, "xdotool");
        press.args(
            "search --sync --onlyvisible --name Processor windowfocus --sync key space".split(' '),
        );
        Run::within(&mut press, DEADLINE).ok();
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Waits until the window has this many sessions. No signal tells a client of the sessions of others.
async fn until_sessions(client: &Client, expected: usize) {
    let reached = async {
        loop {
            let sessions = client.sessions().await.unwrap_or_default();
            let of_window = sessions
                .values()
                .filter(|session| session.label == "python-gtk");
            if of_window.filter(|session| session.frames > 0).count() == expected {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let what = format!("{expected} sessions of the window");
    timeout(DEADLINE, reached).await.expect(&what);
}

#[test]
fn a_switch_starts_and_stops_the_acquisition() {
    let bus = Bus::activating("");
    if Run::of(tools(&bus, "sh").args(["-ec", PROBE])).code != Some(0) {
        return skip(&format!("it needs {PROBE}"));
    }
    let display = Display::new(&bus);
    let mut program = display.command(&bus, "python3");
    let mut window = program.arg(WINDOW).spawn().expect("python3");
    bus.block_on(async {
        let client = bus.client().await;
        until_sessions(&client, 1).await;
        display.press_space(&bus);
        until_sessions(&client, 0).await;
    });
    // A window that is paused says so in its title.
    let mut search = display.command(&bus, "xdotool");
    search.args(["search", "--sync", "--onlyvisible", "--name", "Paused"]);
    Run::within(
        search.args(["windowfocus", "--sync", "key", "space"]),
        DEADLINE,
    )
    .ok();
    bus.block_on(async {
        let client = bus.client().await;
        until_sessions(&client, 1).await;
        // It starts again when the service has gone, and its session ends with it.
        bus.owned().await.signal(Signal::KILL);
        bus.vacant().await;
        until_sessions(&client, 1).await;
        window.kill().expect("it runs");
        window.wait().expect("it has ended");
        until_sessions(&client, 0).await;
    });
}
