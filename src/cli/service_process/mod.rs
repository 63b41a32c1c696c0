//! The service in a process of its own, whoever has started it: settings, signals, readiness.

mod confinement;
mod farewell;

use std::{cell::OnceCell, time::Duration};

use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    select,
    signal::unix::{Signal, SignalKind},
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::warn;

use sampled::{
    daemon::{self, Notify, Ready},
    duration::Timeout,
    service::{self, Handle, Service},
    source::Roots,
};

use super::{
    activation::is_activated,
    common::Common,
    configuration::Configuration,
    error::Error,
    interruption::{self, Interruption},
    running::owner::Owner,
    runtime::block_on,
};

use farewell::{Farewell, UNASKED};

/// A service manager that had no room to hear that the service is ready is told again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// What `serve` and `start` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct HostOptions {
    /// Leave after DURATION without a client (30s, 5min, never) [default: idle_timeout of the configuration; without
    /// that, never for what `start` and `restart` start, and 30s for others]
    #[arg(long, value_name = "DURATION")]
    pub(super) idle_timeout: Option<Timeout>,
}

/// What the service runs with.
pub(crate) struct Host {
    common: Common,
    idle_timeout: Option<Timeout>,
    roots: Roots,
    /// Whether it takes the place of a service that runs.
    replaces: bool,
}

impl Host {
    /// With paths that mean the same in every directory.
    pub(crate) fn new(common: &Common, options: &HostOptions) -> Result<Self, Error> {
        let common = common.absolute()?;
        Ok(Self {
            roots: common.roots(),
            common,
            idle_timeout: options.idle_timeout,
            replaces: false,
        })
    }

    /// The same, in the place of a service that runs.
    pub(crate) fn replacing(self) -> Self {
        let replaces = true;
        Self { replaces, ..self }
    }

    /// Serves until nobody needs the service or a signal ends it. What is ready is told so when the
    /// name is ours.
    pub(crate) fn run(&self, ready: &Ready) -> Result<(), Error> {
        confinement::begin();
        // A runtime may begin threads, and the environment is only changed by the only one.
        let notify = Notify::from_env()?;
        raise_open_files();
        share_arena();
        let served = block_on(self.serve(ready, &notify));
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
            let mut configuration = Configuration::new(&self.common, self.idle_timeout);
            let settings = configuration.first().await?;
            let hold = |pid| self.replaces.then(|| Owner::hold_sampled(pid)).flatten();
            let service = Service::start_after(&self.roots, settings, hold).await?;
            let handle = handle.get_or_init(|| service.handle());
            ready.ready()?;
            let is_told = told(notify.ready());
            let shutdown = attend(handle, configuration, &farewell, hangup, notify, is_told);
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
}

/// Attends to the watchdog and SIGHUP. Returns when the service is to leave.
async fn attend(
    handle: &Handle,
    mut configuration: Configuration,
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
                if !configuration.read_again() {
                    is_told = told(notify.ready());
                }
            }
            outcome = configuration.next() => {
                if configuration.settle(handle, outcome) {
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

/// Has all threads allocate from one arena. Each has its own otherwise, with what a peak has left in it; and they
/// allocate too little to be in each other's way.
fn share_arena() {
    #[cfg(target_env = "gnu")]
    {
        #[allow(
            unsafe_code,
            reason = "the allocator of the C library is reached by a call"
        )]
        // SAFETY: mallopt takes the allocator's own lock, and changes nothing of what is allocated.
        unsafe {
            nix::libc::mallopt(nix::libc::M_ARENA_MAX, 1);
        }
    }
}

/// Whether it is no failure that the service did not come up: it was wanted for its name, and
/// somebody has it. Whoever that is answers the calls which the bus has kept.
pub(crate) fn is_settled(error: &Error) -> bool {
    is_activated() && matches!(error, Error::Service(service::Error::Taken { .. }))
}
