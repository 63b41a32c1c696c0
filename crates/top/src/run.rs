//! The loop of the program: frames, keys and signals change what is shown, and the screen follows.

mod readings;

use std::{future::pending, io};

use crossterm::event::Event as TerminalEvent;
use sampled_client::{Processes, Session, TableSession};
use tokio::{
    select,
    time::{Instant, sleep_until},
};

use crate::{
    acquisition::Slot,
    application::{Application, Request, State},
    connection::Connection,
    drawing::Drawing,
    events::Events,
    input,
    listener::Listener,
    reports::{self, Reports},
    screen::Screen,
    signals::{Caught, Signals},
    task::Task,
    view,
};

/// Everything that the loop waits for.
pub(crate) struct Run {
    application: Application,
    /// Dropped before the screen: the next program gets what is typed into its own.
    events: Events,
    screen: Screen,
    drawing: Drawing,
    connection: Connection,
    metrics: Slot<crate::application::Demand, Session>,
    table: Slot<crate::processes::Query, TableSession>,
    reports: Reports,
    listener: Listener,
    /// The end of a process that is asked for.
    ending: Task<()>,
    /// The moment at which the screen is drawn again.
    draw_at: Option<Instant>,
    signals: Signals,
}

/// Why the loop has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    ByUser,
    /// The terminal has gone.
    HungUp,
}

impl Run {
    pub(crate) fn new(application: Application, connection: Connection) -> io::Result<Self> {
        let signals = Signals::listen()?;
        let events = Events::listen()?;
        let screen = Screen::open()?;
        Ok(Self {
            application,
            events,
            screen,
            drawing: Drawing::default(),
            connection,
            metrics: Slot::new(),
            table: Slot::new(),
            reports: Reports::new(),
            listener: Listener::new(),
            ending: Task::none(),
            draw_at: Some(Instant::now()),
            signals,
        })
    }

    /// Runs until the user ends it, or the terminal goes.
    pub(crate) async fn run(mut self) -> io::Result<Ended> {
        loop {
            self.follow_demand();
            if self.draw_at.is_some_and(|at| at <= Instant::now())
                && let Some(ended) = self.draw().await?
            {
                return Ok(ended);
            }
            if let Some(ended) = self.wait().await? {
                return Ok(ended);
            }
        }
    }

    /// Has the sessions that the page needs.
    fn follow_demand(&mut self) {
        let application = &mut self.application;
        application.area = self.screen.area();
        application.table_size = view::table_size(application);
        let client = self.connection.client();
        let interval = application.interval;
        let (demand, query) = (application.demand(), application.query());
        let is_restarting = matches!(application.state, State::Restarting { .. });
        let needs_report = application.needs_report();
        let is_listening = demand.is_some() || query.is_some() || needs_report;
        self.metrics.demand(client, demand, interval);
        self.table.demand(client, query, interval);
        if let Some(client) = client.filter(|_| needs_report) {
            self.reports.demand(client);
        }
        let rhythm = match needs_report {
            true => interval.max(reports::SHORTEST_WAIT),
            false => interval,
        };
        match client.filter(|_| is_listening && !is_restarting) {
            Some(client) => self.listener.demand(client, rhythm),
            None => self.listener.hear(),
        }
        application.silence = self.listener.silence();
    }

    /// Waits for one event, and does what it says.
    async fn wait(&mut self) -> io::Result<Option<Ended>> {
        let draw_at = self.draw_at;
        let needs_report = self.application.needs_report() && self.connection.client().is_some();
        let interval = self.application.interval;
        select! {
            biased;
            caught = self.signals.next() => return self.handle(&caught),
            event = self.events.next() => {
                let Some(event) = event else {
                    return Ok(Some(Ended::HungUp));
                };
                self.draw_at = Some(Instant::now());
                // Also where the size is the same again: the terminal may have lost what was there.
                if matches!(event, TerminalEvent::Resize(..)) {
                    self.screen.forget();
                }
                if let Some(action) = input::action(event, &self.application.mode)
                    && let Some(request) = self.application.act(action)
                {
                    return self.fulfil(request);
                }
            }
            event = self.metrics.next() => self.take_metrics(event),
            event = self.table.next() => self.take_table(event),
            listed = self.connection.next() => match listed {
                Ok(catalog) => {
                    self.application.set_catalog(catalog);
                    self.draw_at = Some(Instant::now());
                }
                Err(error) => self.fail(&error),
            },
            report = self.reports.next(needs_report, interval) => self.take_report(report),
            ended = self.ending.next() => {
                if let Err(error) = ended {
                    self.application.message = Some(error.to_string());
                }
                self.draw_at = Some(Instant::now());
            }
            () = self.listener.next() => {
                if self.listener.silence() != self.application.silence {
                    self.draw_at = Some(Instant::now());
                }
            }
            () = until(draw_at) => {}
        }
        Ok(None)
    }

    fn handle(&mut self, caught: &Caught) -> io::Result<Option<Ended>> {
        match caught {
            Caught::End => return Ok(Some(Ended::ByUser)),
            Caught::HangUp => return Ok(Some(Ended::HungUp)),
            Caught::Stop => return self.fulfil(Request::Suspend),
            Caught::Continued => {
                self.screen.enter()?;
                self.listener.hear();
                self.redraw();
            }
        }
        Ok(None)
    }

    fn fulfil(&mut self, request: Request) -> io::Result<Option<Ended>> {
        match request {
            Request::Quit => return Ok(Some(Ended::ByUser)),
            Request::Suspend => {
                self.screen.suspend()?;
                self.listener.hear();
                self.redraw();
            }
            Request::Redraw => self.redraw(),
            Request::End {
                pid,
                start_time,
                signal,
            } => {
                let Some(client) = self.connection.client().cloned() else {
                    self.application.message = Some("The service cannot be reached".to_owned());
                    return Ok(None);
                };
                self.ending.start(async move {
                    let processes = Processes::on(client.bus().clone()).await?;
                    processes.end(pid, start_time, signal).await
                });
            }
        }
        Ok(None)
    }

    fn redraw(&mut self) {
        self.screen.forget();
        self.draw_at = Some(Instant::now());
    }

    /// Draws the screen. The terminal may take long; a signal ends it meanwhile.
    async fn draw(&mut self) -> io::Result<Option<Ended>> {
        self.draw_at = None;
        self.drawing.begin(self.application.area);
        view::draw(&mut self.drawing, &mut self.application);
        let bytes = self.screen.frame(&mut self.drawing)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let caught = select! {
            written = self.screen.write(&bytes) => {
                written?;
                return Ok(None);
            }
            caught = self.signals.next() => caught,
        };
        // A part of the frame is not written.
        self.redraw();
        self.handle(&caught)
    }
}

/// Waits until a moment, if there is one.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}
