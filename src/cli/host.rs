//! The service in a process of its own, whoever has started it: settings, signals, readiness.

use std::{cell::OnceCell, env, process, time::Duration};

use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    select,
    signal::unix::{Signal, SignalKind},
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::{error, info, warn};

use sampled::{
    config,
    daemon::{self, Notify, Ready},
    duration::Timeout,
    service::{self, Handle, Service, Settings},
    source::Roots,
};

use super::{
    Common,
    background_read::{BackgroundRead, Outcome},
    error::Error,
    farewell::{Farewell, UNASKED},
    interruption::{self, Interruption},
    log,
};

/// A service manager that had no room to hear that the service is ready is told again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// What comes of reading the configuration.
type Loaded = Result<Settings, config::Error>;

/// What `serve` and `start` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct HostOptions {
    /// Leave after DURATION without a client (30s, 5min, never)
    #[arg(long, value_name = "DURATION")]
    idle_timeout: Option<Timeout>,
}

/// What the service runs with.
pub(crate) struct Host {
    common: Common,
    idle_timeout: Option<Timeout>,
    settings: Settings,
    roots: Roots,
}

impl Host {
    /// Reads the configuration, while the caller's directory is still ours and its stderr is at hand.
    pub(crate) fn new(common: &Common, options: &HostOptions) -> Result<Self, Error> {
        let common = common.absolute()?;
        let mut host = Self {
            roots: common.roots(),
            common,
            idle_timeout: options.idle_timeout,
            settings: Settings::default(),
        };
        host.settings = match host.read_settings() {
            // Whom systemd starts for a caller of dbus-daemon, that caller is not told of a failure: it
            // would wait for two minutes. So there is an answer, and the mistake is in the journal.
            Err(mistake) if env::var_os("NOTIFY_SOCKET").is_some() => {
                error!("{mistake}; running on the defaults");
                host.overridden(super::with_own_sources(Settings::default()))
            }
            settings => settings?,
        };
        Ok(host)
    }

    /// Serves until nobody needs the service or a signal ends it. What is ready is told so when the
    /// name is ours.
    pub(crate) fn run(&self, ready: &Ready) -> Result<(), Error> {
        // A runtime may begin threads, and the environment is only changed by the only one.
        let notify = Notify::from_env()?;
        log::report_panics();
        raise_open_files();
        let served = super::block_on(self.serve(ready, &notify));
        if served.as_ref().is_err_and(is_settled) {
            // Without a word, that the process ends is a failure to systemd, whatever its status.
            told(notify.ready().and_then(|()| notify.stopping()));
        }
        served
    }

    async fn serve(&self, ready: &Ready, notify: &Notify) -> Result<(), Error> {
        // Before the name: a signal that ends the process loses the calls that the name brings.
        let interruption = Interruption::listen()?;
        let hangup = interruption::listen(SignalKind::hangup())?;
        let (farewell, handle) = (Farewell::new(), OnceCell::new());
        let serving = async {
            let service = Service::start(&self.roots, self.settings.clone()).await?;
            let handle = handle.get_or_init(|| service.handle());
            ready.ready()?;
            let is_told = told(notify.ready());
            let shutdown = self.attend(handle, &farewell, hangup, notify, is_told);
            service.run(shutdown).await?;
            let left = timeout(UNASKED, leave(&service, ready, notify, &farewell)).await;
            left.unwrap_or_else(|_| {
                warn!("leaving: the bus has not taken everything in {UNASKED:?}");
                Ok(())
            })
        };
        match farewell.attend(interruption, serving).await {
            Ok(served) => served,
            Err(cut) => {
                let unanswered = handle.get().map_or(0, Handle::unanswered);
                warn!("leaving: {cut}; calls that are not answered: {unanswered}");
                Ok(())
            }
        }
    }

    /// Attends to the watchdog and SIGHUP. Returns when the service is to leave.
    async fn attend(
        &self,
        handle: &Handle,
        farewell: &Farewell,
        mut hangup: Signal,
        notify: &Notify,
        mut is_told: bool,
    ) {
        let every = |time| {
            let mut ticks = interval(time);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let watchdog = notify.watchdog_interval();
        let watchdog = watchdog.map(|timeout| timeout.div_f64(2.0).max(Duration::from_millis(1)));
        let mut watchdog = watchdog.map(every);
        let mut again = every(AGAIN);
        let mut read = BackgroundRead::default();
        loop {
            let alive = async {
                match &mut watchdog {
                    Some(ticks) => drop(ticks.tick().await),
                    None => std::future::pending().await,
                }
            };
            select! {
                _ = farewell.asked() => return,
                _ = hangup.recv() => {
                    told(notify.reloading());
                    if !self.read_again(&mut read) {
                        is_told = told(notify.ready());
                    }
                }
                outcome = read.next() => {
                    let is_over = match outcome {
                        Outcome::Old => !self.read_again(&mut read),
                        outcome => {
                            self.settle(handle, outcome);
                            true
                        }
                    };
                    if is_over {
                        is_told = told(notify.ready());
                    }
                }
                () = alive => {
                    let fed = notify.watchdog();
                    // One that is stopped watches nobody.
                    if !is_full(&fed) {
                        told(fed);
                    }
                }
                _ = again.tick(), if !is_told => is_told = !is_full(&notify.try_ready()),
            }
        }
    }

    /// Begins to read the configuration again, and says whether it could.
    fn read_again(&self, read: &mut BackgroundRead<Loaded>) -> bool {
        let common = self.common.clone();
        let begun = read.begin(move || common.settings());
        if let Err(error) = &begun {
            error!("no thread to read the configuration: {error}; it stays as it was");
        }
        begun.is_ok()
    }

    /// Takes the configuration that was read again. A broken one leaves everything as it is.
    fn settle(&self, handle: &Handle, outcome: Outcome<Loaded>) {
        match outcome {
            Outcome::Read(Ok(settings)) => {
                handle.settle(self.overridden(settings));
                info!("the configuration is read again");
            }
            Outcome::Read(Err(error)) => error!("{error}; the configuration stays as it was"),
            Outcome::Late => warn!(
                "the configuration has not been read yet, its file system does not answer: it stays as it was"
            ),
            Outcome::Old | Outcome::Lost => {
                error!("the configuration was not read; it stays as it was");
            }
        }
    }

    fn read_settings(&self) -> Result<Settings, config::Error> {
        let settings = self.common.settings();
        settings.map(|settings| self.overridden(settings))
    }

    /// These settings, but for what the command line says.
    fn overridden(&self, mut settings: Settings) -> Settings {
        if let Some(Timeout(timeout)) = self.idle_timeout {
            settings.idle_timeout = timeout;
        }
        settings
    }
}

/// Gives the name and the pidfile up, and answers what the bus has delivered until then.
async fn leave(
    service: &Service,
    ready: &Ready,
    notify: &Notify,
    farewell: &Farewell,
) -> Result<(), Error> {
    // systemd ends a process whose name is gone, unless it has been told first.
    told(notify.stopping());
    service.release().await;
    // From here on a successor may be started.
    ready.pidfile().release()?;
    service.drain(farewell.hurried()).await;
    Ok(())
}

/// Whether the service manager had no room for a message: it is stopped, or very busy.
fn is_full(sent: &Result<(), daemon::Error>) -> bool {
    sent.as_ref().is_err_and(daemon::Error::would_block)
}

/// Whether a message to the service manager need not be sent again. That one cannot be sent ends no service.
fn told(sent: Result<(), daemon::Error>) -> bool {
    let is_full = is_full(&sent);
    if let Err(error) = sent {
        warn!("the service manager is not told: {error}");
    }
    !is_full
}

/// Lets this process have as many files open as it may. What it starts with is meant for programs
/// that call select(2), which can have no more than 1024; sources keep open what they read.
fn raise_open_files() {
    let limit = Resource::RLIMIT_NOFILE;
    let raised = getrlimit(limit).and_then(|(_, most)| setrlimit(limit, most, most));
    if let Err(error) = raised {
        warn!("the limit of open files stays as it is: {error}");
    }
}

/// Whether the bus or systemd has started this process, and not a person.
///
/// The parent says nothing: dbus-daemon starts services as children of init.
pub(crate) fn is_activated() -> bool {
    let own = process::id().to_string();
    env::var_os("DBUS_STARTER_ADDRESS").is_some()
        || env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == own)
}

/// Whether it is no failure that the service did not come up: it was wanted for its name, and
/// somebody has it. Whoever that is answers the calls which the bus has kept.
pub(crate) fn is_settled(error: &Error) -> bool {
    is_activated() && matches!(error, Error::Service(service::Error::Taken { .. }))
}
