//! `sampled demo`: shows activation, calls, a session and idle exit on a private bus, with nothing installed.

mod private_bus;

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use sampled::{
    client::{Client, Metadata, Owner, SampleOptions, Start},
    reading::Value,
    wire::NAME,
};

use crate::cli::{
    error::{DemoError, Error},
    output::{
        format::{self, say},
        frame::Frame,
        style::Style,
        table, units,
    },
    signals::TerminationSignals,
};

use private_bus::PrivateBus;

const SELECTORS: [&str; 3] = [
    "cpu/all/usage",
    "cpu/loadaverages/loadaverage1",
    "memory/physical/used",
];
const INTERVAL: Duration = Duration::from_millis(200);
/// Longer than the pause between two steps, and short enough to wait for.
const IDLE_TIMEOUT: &str = "500ms";
/// The timeout for a frame, and for the end of the service.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) async fn run() -> Result<ExitCode, Error> {
    let mut signals = TerminationSignals::listen()?;
    let done = signals.or(run_steps()).await;
    signals.check_interrupt()?;
    // An interrupted demo has not shown everything.
    done.unwrap_or(Ok(ExitCode::FAILURE))
}

async fn run_steps() -> Result<ExitCode, Error> {
    let mut private = PrivateBus::new(&format!("serve --idle-timeout {IDLE_TIMEOUT}")).await?;
    say("A private session bus is up. Its activation file says:")?;
    say(format_args!("    {}\n", private.exec))?;

    let owner = private.bus.owner().await.map_err(DemoError::from)?;
    check_unowned(owner)?;
    say(format_args!("Nobody owns {NAME}."))?;
    say("Sample is called all the same:\n")?;
    let client = Client::on(private.bus.clone()).await?;
    let called = Instant::now();
    let sample = client.sample(&SELECTORS, SampleOptions::default()).await?;
    let took = called.elapsed();
    let metrics = client.list(&SELECTORS).await?;
    let frame = Frame::from(sample);
    let lines = table::of_frame(&frame, &metrics, Style::of_stdout());
    let lines = lines.iter().filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.map(|line| format!("    {line}")).collect();
    format::print(|out| format::write_lines(out, &lines))?;
    say(format_args!(
        "\nThe bus started the service, which answered {} after the call. A rate is the change \
         between\ntwo reads, and of those it took two: 200 ms apart, they are most of that time.",
        milliseconds(took)
    ))?;

    let called = Instant::now();
    let every = Start::every(INTERVAL);
    let mut session = client.start(&SELECTORS, every).await?;
    let pid = private.hold_service().await?;
    say(format_args!(
        "\nStart: session {} of process {pid}, a frame every {}. Five of them:\n",
        session.id(),
        humantime::format_duration(INTERVAL)
    ))?;
    say(format_args!(
        "    {:>9}  {}",
        "",
        session.columns().join("  ")
    ))?;
    for _ in 0..5 {
        let frame = timeout(TIMEOUT, session.next()).await;
        let frame = Frame::from(&frame.map_err(|_| DemoError::Silent { pid })??);
        say(row(&frame, called.elapsed(), &metrics))?;
    }

    session.stop().await?;
    let stopped = Instant::now();
    say(format_args!(
        "\nStop: the service is idle now. It waits {IDLE_TIMEOUT} for another client."
    ))?;
    timeout(TIMEOUT, private.bus.until_unowned())
        .await
        .map_err(|_| DemoError::Stays { pid })??;
    let released = stopped.elapsed();
    if !private.service_has_ended(TIMEOUT) {
        return Err(DemoError::Stays { pid }.into());
    }
    say(format_args!(
        "It gave the name up {} after Stop, and process {pid} ended {} later.",
        milliseconds(released),
        milliseconds(stopped.elapsed().saturating_sub(released))
    ))?;
    private.close()?;
    say("The bus is gone too, and so are its files: nothing is left.")?;
    Ok(ExitCode::SUCCESS)
}

fn check_unowned(owner: Option<Owner>) -> Result<(), DemoError> {
    match owner {
        None => Ok(()),
        Some(Owner { name, .. }) => Err(DemoError::Owned { name }),
    }
}

/// A frame as one line, each value below the id of its column.
fn row(frame: &Frame, after: Duration, metrics: &BTreeMap<String, Metadata>) -> String {
    let mut line = format!("    {:>9}", milliseconds(after));
    for (id, reading) in &frame.readings {
        let text = match reading {
            Ok(Value::Number(number)) => {
                let unit = metrics.get(id).map_or("", |metric| &metric.unit);
                let (number, unit) = units::readable(*number, unit);
                format!("{number} {unit}").trim_end().to_owned()
            }
            Ok(Value::Text(text)) => text.to_string(),
            Err(fault) => fault.code().to_owned(),
        };
        line.push_str(&format!("  {text:>width$}", width = id.len()));
    }
    line
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
