//! `sampled-top`: the monitor at a terminal. It is a client of the service.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        reason = "a test that overflows fails, as it should"
    )
)]

mod acquisition;
mod action;
mod application;
mod arguments;
mod changes;
mod connection;
mod drawing;
mod events;
mod input;
mod layout_file;
mod listener;
mod model;
mod pages;
mod processes;
mod reports;
mod run;
mod sampling;
mod screen;
mod signals;
mod silence;
mod targets;
mod task;
mod text;
mod theme;
mod view;

use std::{
    io::{self, Write},
    panic,
    process::ExitCode,
};

use clap::Parser;
use sampled_client::Unresponsive;
use tokio::{runtime, task::LocalSet};

use application::Application;
use arguments::Arguments;
use connection::Connection;
use layout_file::LayoutFile;
use run::{Ended, Run};
use theme::Theme;

fn main() -> ExitCode {
    let ended = match Arguments::try_parse() {
        Ok(arguments) => run(arguments),
        Err(error) if error.use_stderr() => error.exit(),
        Err(help) => print(&help.render().to_string()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = text::escape(&error.to_string()).into_owned();
            writeln!(io::stderr(), "sampled-top: {message}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Prints a text. A reader that has gone is no error.
fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}

/// Why the program failed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(
        "standard output is no terminal whose cursor can be moved: `sampled watch` prints readings to a file or a pipe"
    )]
    NoTerminal,
    #[error(
        "{0}. This monitor needs a bus: `dbus-run-session sampled top` brings one, and `sampled watch --local` reads this machine without one"
    )]
    NoBus(#[source] sampled_client::Error),
    #[error(transparent)]
    Client(sampled_client::Error),
    #[error("standard output: {0}")]
    Output(#[source] io::Error),
    #[error("terminal: {0}")]
    Terminal(#[from] io::Error),
}

impl From<sampled_client::Error> for Error {
    fn from(error: sampled_client::Error) -> Self {
        match error {
            sampled_client::Error::NoBus(_)
            | sampled_client::Error::NoAnswer {
                from: Unresponsive::Bus(_),
                ..
            } => Self::NoBus(error),
            error => Self::Client(error),
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Error> {
    if !screen::is_terminal() {
        return Err(Error::NoTerminal);
    }
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(LocalSet::new().run_until(show(arguments)));
    runtime.shutdown_background();
    match ended {
        // Nobody sees an error of a terminal that has gone.
        Ok(Ended::ByUser | Ended::HungUp) => Ok(()),
        Err(Error::Terminal(error)) if events::has_hung_up(io::stdout(), &error) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn show(arguments: Arguments) -> Result<Ended, Error> {
    // Until the screen is taken over, Ctrl-C ends the program by itself.
    let (connection, catalog) = Connection::of(connection::list().await?);
    if let Some(client) = connection.client() {
        for selector in &arguments.selectors {
            client.list(&[selector]).await?;
        }
    }
    let layout = LayoutFile::read(arguments.layout);
    let theme = Theme::of_environment();
    let mut application = Application::new(theme, layout, arguments.selectors, arguments.interval);
    application.set_catalog(catalog);
    restore_at_panic();
    Ok(Run::new(application, connection)?.run().await?)
}

/// Gives the terminal back before the message of a panic is printed.
fn restore_at_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |information| {
        screen::restore();
        report(information);
    }));
}
