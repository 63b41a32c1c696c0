//! The service in this process: settings, signals, readiness.

mod confinement;
mod shutdown;

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
    common_options::CommonOptions,
    configuration::Configuration,
    error::Error,
    running::HeldProcess,
    runtime::block_on,
    signals::{self, TerminationSignals},
};

use shutdown::{NO_SIGNAL_TIMEOUT, Shutdown};

/// The interval at which `READY=1` is sent again while the service manager's socket is full.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The options of `serve` and `start`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServiceOptions {
    /// Exit after DURATION without a client (30s, 5min, never) [default: idle_timeout of the configuration; otherwise
    /// never after `start` and `restart`, and 30s after `serve`]
    #[arg(long, value_name = "DURATION")]
    pub(super) idle_timeout: Option<Timeout>,
}

/// The service and its options.
pub(crate) struct ServiceProcess {
    common: CommonOptions,
    idle_timeout: Option<Timeout>,
    roots: Roots,
    /// Whether it replaces a running service.
    replaces: bool,
}

impl ServiceProcess {
    /// Makes all paths absolute.
    pub(crate) fn new(common: &CommonOptions, options: &ServiceOptions) -> Result<Self, Error> {
        let common = common.absolute()?;
        Ok(Self {
            roots: common.roots(),
            common,
            idle_timeout: options.idle_timeout,
            replaces: false,
        })
    }

    /// The same, replacing a running service.
    pub(crate) fn replacing(self) -> Self {
        let replaces = true;
        Self { replaces, ..self }
    }

    /// Serves until the service is idle or a signal ends it. Readiness is reported once the name is acquired.
    pub(crate) fn run(&self, ready: &Ready) -> Result<(), Error> {
        confinement::begin();
        // Before the runtime, which may start threads: this changes the environment.
        let notify = Notify::from_env()?;
        raise_open_files();
        use_one_arena();
        // On the heap: the future is large, and a frame would have room for two of it.
        let served = block_on(Box::pin(self.serve(ready, &notify)));
        if served.as_ref().is_err_and(is_settled) {
            // Without these messages, systemd takes the exit for a failure, whatever the exit status.
            report(notify.ready().and_then(|()| notify.stopping()));
        }
        served
    }

    async fn serve(&self, ready: &Ready, notify: &Notify) -> Result<(), Error> {
        // Before the name is acquired: an uncaught signal would lose the calls that arrive with the name.
        let signals = TerminationSignals::listen()?;
        let hangup = signals::listen(SignalKind::hangup())?;
        let (shutdown, handle) = (Shutdown::new(), OnceCell::new());
        // On the heap, here and below: `run` would copy the future through its frames, and the stack keeps its pages.
        let serving = Box::pin(async {
            let mut configuration = Configuration::new(&self.common, self.idle_timeout);
            let settings = configuration.first().await?;
            let hold = |pid| {
                self.replaces
                    .then(|| HeldProcess::open_verified(pid))
                    .flatten()
            };
            let service = Box::pin(Service::start_after(&self.roots, settings, hold)).await?;
            let handle = handle.get_or_init(|| service.handle());
            ready.ready()?;
            let is_sent = report(notify.ready());
            let until_leaving =
                handle_events(handle, configuration, &shutdown, hangup, notify, is_sent);
            Box::pin(service.run(until_leaving)).await?;
            let left = timeout(NO_SIGNAL_TIMEOUT, leave(&service, ready, notify, &shutdown)).await;
            left.unwrap_or_else(|_| {
                warn!("leaving: the bus has not taken everything in {NO_SIGNAL_TIMEOUT:?}");
                Ok(())
            })
        });
        match shutdown.run(signals, serving).await {
            Ok(served) => served,
            Err(aborted) => {
                let unanswered = handle.get().map_or(0, Handle::unanswered);
                warn!("leaving: {aborted}; calls that are not answered: {unanswered}");
                Ok(())
            }
        }
    }
}

/// Handles SIGHUP and the watchdog. Returns when a signal asks the service to end.
async fn handle_events(
    handle: &Handle,
    mut configuration: Configuration,
    shutdown: &Shutdown,
    mut hangup: Signal,
    notify: &Notify,
    mut is_sent: bool,
) {
    let every = |time| {
        let mut ticks = interval(time);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let watchdog = notify.watchdog_interval();
    let watchdog = watchdog.map(|timeout| timeout.div_f64(2.0).max(Duration::from_millis(1)));
    let mut watchdog = watchdog.map(every);
    let mut again = every(RETRY_INTERVAL);
    loop {
        let alive = async {
            match &mut watchdog {
                Some(ticks) => drop(ticks.tick().await),
                None => std::future::pending().await,
            }
        };
        select! {
            _ = shutdown.requested() => return,
            () = reload_requested(&mut hangup, handle) => {
                report(notify.reloading());
                if !configuration.read_again(handle) {
                    is_sent = report(notify.ready());
                }
            }
            outcome = configuration.next() => {
                if configuration.settle(handle, outcome) {
                    is_sent = report(notify.ready());
                }
            }
            () = alive => {
                let fed = notify.watchdog();
                // A stopped service manager does not watch the service.
                if !is_full(&fed) {
                    report(fed);
                }
            }
            _ = again.tick(), if !is_sent => is_sent = !is_full(&notify.try_ready()),
        }
    }
}

/// Waits for SIGHUP or a call of `Reload`.
async fn reload_requested(hangup: &mut Signal, handle: &Handle) {
    select! {
        _ = hangup.recv() => {}
        () = handle.reload_requested() => {}
    }
}

/// Releases the name and the pidfile, and answers the calls delivered until then.
async fn leave(
    service: &Service,
    ready: &Ready,
    notify: &Notify,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    // Before the name is released: systemd ends a unit whose name is gone unless it knows that the unit is stopping.
    report(notify.stopping());
    service.release().await;
    // From here on the bus may start a successor.
    ready.pidfile().release()?;
    service.drain(shutdown.answers_due()).await;
    Ok(())
}

/// Whether the service manager's socket was full: it is stopped, or very busy.
fn is_full(sent: &Result<(), daemon::Error>) -> bool {
    sent.as_ref().is_err_and(daemon::Error::would_block)
}

/// Logs an error of a message to the service manager, which does not end the service. False if the message has to be
/// sent again.
fn report(sent: Result<(), daemon::Error>) -> bool {
    let is_full = is_full(&sent);
    if let Err(error) = sent {
        warn!("the service manager is not told: {error}");
    }
    !is_full
}

/// Raises RLIMIT_NOFILE to its hard limit. The soft limit is for programs that call select(2), which cannot handle
/// descriptors of 1024 and more; sources keep their files open.
fn raise_open_files() {
    let limit = Resource::RLIMIT_NOFILE;
    let raised = getrlimit(limit).and_then(|(_, most)| setrlimit(limit, most, most));
    if let Err(error) = raised {
        warn!("the limit of open files stays as it is: {error}");
    }
}

/// Has all threads allocate from one arena. With an arena each, every thread would keep the memory of its peak. They
/// allocate too little to contend for the lock.
fn use_one_arena() {
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

/// Whether a failed start is a success: the bus or systemd has started the process for the name, and another process
/// owns it, which answers the queued calls.
pub(crate) fn is_settled(error: &Error) -> bool {
    is_activated() && matches!(error, Error::Service(service::Error::Taken { .. }))
}
