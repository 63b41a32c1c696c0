//! `sampled sources`: the sources; `sampled sources check`: the diagnostics of the user's definitions.

use std::{collections::BTreeMap, fmt::Display, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Subcommand};
use serde::{Serialize, Serializer, ser::SerializeMap};

use sampled::{
    client::{Bus, Client, SampleOptions, SourceInfo},
    config, custom,
    reading::Fault,
    service::Settings,
    sources,
};

use crate::cli::{
    common_options::{CommonOptions, absolute, custom_sources},
    deadline::TimeoutOption,
    error::Error,
    output::{
        format::{self, note},
        style::Style,
        table,
        terminal_text::escape,
    },
    readings::backend::{self, Backend},
    running::paths::note_difference,
};

/// The options of `sources`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SourcesOptions {
    #[command(flatten)]
    timeout: TimeoutOption,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// Check the files that define sources, and read each of their metrics once
    #[command(after_help = "Exit status: 0 no error, 1 errors found.")]
    Check(CheckOptions),
}

/// The options of `sources check`.
#[derive(Clone, Debug, Args)]
struct CheckOptions {
    /// The directory of the files [default: $XDG_CONFIG_HOME/sampled/sources.d]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Neither read files nor run commands
    #[arg(long)]
    no_read: bool,
}

impl SourcesOptions {
    /// Whether it prints data for programs.
    pub(crate) fn prints_data(&self) -> bool {
        self.verb.is_none()
    }
}

pub(crate) async fn run(
    common: &CommonOptions,
    options: SourcesOptions,
) -> Result<ExitCode, Error> {
    match options.verb {
        None => list(common, options.timeout).await,
        Some(Verb::Check(options)) => check(common, options).await,
    }
}

async fn list(common: &CommonOptions, timeout: TimeoutOption) -> Result<ExitCode, Error> {
    let sources = Backend::open(common, timeout).await?.sources().await?;
    format::print(|out| {
        if common.format.json {
            format::write_json(out, &JsonSources(&sources))
        } else {
            format::write_lines(out, &table::of_sources(&sources, Style::of_stdout()))
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn check(common: &CommonOptions, options: CheckOptions) -> Result<ExitCode, Error> {
    let directory = absolute(&options.directory)?.or_else(config::user_sources);
    if options.directory.is_none()
        && let Some((pid, running)) = directory_of_service().await
    {
        note_difference(pid, &running, directory.as_deref());
    }
    let Some(directory) = directory else {
        return nothing("neither XDG_CONFIG_HOME nor HOME says where that would be");
    };
    let shown = directory.display().to_string();
    let found = match custom::check(&directory, sources::scopes()) {
        Err(error) if options.directory.is_none() && error.fault() == Fault::Gone => {
            return nothing(format_args!("there is no directory {shown}"));
        }
        found => found?,
    };
    if !found.diagnostics.is_empty() {
        format::say(found.diagnostics.join("\n"))?;
        return Ok(ExitCode::FAILURE);
    }
    if found.ids.is_empty() {
        return nothing(format_args!("{shown} has no files *.toml with metrics"));
    }
    let lines = match options.no_read {
        true => found.ids.iter().map(|id| id.to_string()).collect(),
        false => read(common, directory, &found).await?,
    };
    format::print(|out| format::write_lines(out, &lines))?;
    Ok(ExitCode::SUCCESS)
}

/// The directory that the running service reads, and its pid if that is known; `None` if no service tells it.
async fn directory_of_service() -> Option<(Option<u32>, PathBuf)> {
    // The check needs no service, so it does not wait long for one.
    const TIMEOUT: Duration = Duration::from_secs(2);
    let bus = Bus::within(None, TIMEOUT).await.ok()?;
    let owner = bus.owner().await.ok()??;
    let client = Client::of(bus, &owner.name).await.ok()?;
    let sources = client.sources().await.ok()?;
    let path = sources.get(custom::NAME)?.path.clone()?;
    Some((owner.pid, path))
}

/// Reports that nothing is defined, which is a success.
fn nothing(why: impl Display) -> Result<ExitCode, Error> {
    note(format_args!("nothing is defined: {why}"));
    Ok(ExitCode::SUCCESS)
}

/// Reads each metric once. Returns a table of the readings, and the errors of the sources.
async fn read(
    common: &CommonOptions,
    directory: PathBuf,
    found: &custom::Check,
) -> Result<Vec<String>, Error> {
    // A sensor that takes longer is useless.
    const READ_TIMEOUT: Duration = Duration::from_secs(10);
    let mut settings = Settings::default();
    settings.sources.custom = Some(custom_sources(directory));
    // Also more metrics than a client may ask for.
    settings.limits.selectors = found.ids.len();
    settings.limits.selector_bytes = usize::MAX;
    let local = backend::local(common, settings)?;
    let ids: Vec<_> = found.ids.iter().map(|id| &**id).collect();
    let patient = SampleOptions {
        timeout: Some(READ_TIMEOUT),
        ..SampleOptions::default()
    };
    let metrics = local.list(&ids).await?;
    let sample = local.sample(&ids, patient).await?;
    let mut lines = table::of_frame(&sample.into(), &metrics, Style::of_stdout());
    for (name, source) in local.sources().await {
        if name.starts_with(custom::NAME) {
            let errors = source.error.lines();
            lines.extend(errors.map(|error| escape(&format!("{name}: {error}")).into_owned()));
        }
    }
    Ok(lines)
}

/// The sources as one JSON object, by name. The keys are those of the bus.
struct JsonSources<'a>(&'a BTreeMap<String, SourceInfo>);

impl Serialize for JsonSources<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|(name, source)| (name, JsonSource(source))),
        )
    }
}

struct JsonSource<'a>(&'a SourceInfo);

impl Serialize for JsonSource<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("state", &self.0.state)?;
        map.serialize_entry("metrics", &self.0.metrics)?;
        map.serialize_entry("reads", &self.0.reads)?;
        map.serialize_entry("cost", &(self.0.cost.as_micros() as u64))?;
        map.serialize_entry("error", &self.0.error)?;
        if let Some(path) = &self.0.path {
            map.serialize_entry("path", path)?;
        }
        map.end()
    }
}
