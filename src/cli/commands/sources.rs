//! `sampled sources`: which sources there are; `sampled sources check`: what is wrong with one's own.

use std::{collections::BTreeMap, fmt::Display, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Subcommand};
use serde::{Serialize, Serializer, ser::SerializeMap};

use sampled::{
    client::{SampleOptions, SourceInfo},
    config, custom,
    reading::Fault,
    service::Settings,
    sources,
};

use crate::cli::{
    common::{Common, absolute, custom_sources},
    deadline::Patience,
    error::Error,
    output::{
        format::{self, note},
        plain::plain,
        table::{self, Style},
    },
    readings::origin::{self, Origin},
};

/// What `sources` can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    patience: Patience,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// Check the files that define sources, and read each of their metrics once
    #[command(after_help = "Exit status: 0 all is well, 1 something is mistaken.")]
    Check(CheckOptions),
}

/// What `sources check` can be told.
#[derive(Clone, Debug, Args)]
struct CheckOptions {
    /// The directory of the files [default: $XDG_CONFIG_HOME/sampled/sources.d]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Neither read files nor run commands
    #[arg(long)]
    no_read: bool,
}

impl Options {
    /// Whether it prints something that programs want, too.
    pub(crate) fn prints_data(&self) -> bool {
        self.verb.is_none()
    }
}

pub(crate) async fn run(common: &Common, options: Options) -> Result<ExitCode, Error> {
    match options.verb {
        None => list(common, options.patience).await,
        Some(Verb::Check(options)) => check(common, options).await,
    }
}

async fn list(common: &Common, patience: Patience) -> Result<ExitCode, Error> {
    let sources = Origin::open(common, patience).await?.sources().await?;
    format::print(|out| {
        if common.format.json {
            format::write_json(out, &Object(&sources))
        } else {
            format::write_lines(out, &table::of_sources(&sources, Style::of_stdout()))
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn check(common: &Common, options: CheckOptions) -> Result<ExitCode, Error> {
    let directory = absolute(&options.directory)?.or_else(config::user_sources);
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

/// Who defines nothing makes no mistake.
fn nothing(why: impl Display) -> Result<ExitCode, Error> {
    note(format_args!("nothing is defined: {why}"));
    Ok(ExitCode::SUCCESS)
}

/// What each metric reads now, and what was found in place of values.
async fn read(
    common: &Common,
    directory: PathBuf,
    found: &custom::Check,
) -> Result<Vec<String>, Error> {
    // What takes longer is no sensor for anybody.
    const PATIENCE: Duration = Duration::from_secs(10);
    let mut settings = Settings::default();
    settings.sources.custom = Some(custom_sources(directory));
    let local = origin::local(common, &settings)?;
    let ids: Vec<_> = found.ids.iter().map(|id| &**id).collect();
    let patient = SampleOptions {
        timeout: Some(PATIENCE),
        ..SampleOptions::default()
    };
    let metrics = local.list(&ids).await?;
    let sample = local.sample(&ids, patient).await?;
    let mut lines = table::of_frame(&sample.into(), &metrics, Style::of_stdout());
    for (name, source) in local.sources().await {
        if name.starts_with(custom::NAME) {
            let errors = source.error.lines();
            lines.extend(errors.map(|error| plain(&format!("{name}: {error}")).into_owned()));
        }
    }
    Ok(lines)
}

/// One object, by name. The keys are those of the bus.
struct Object<'a>(&'a BTreeMap<String, SourceInfo>);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, source)| (name, Facts(source))))
    }
}

struct Facts<'a>(&'a SourceInfo);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("state", &self.0.state)?;
        map.serialize_entry("metrics", &self.0.metrics)?;
        map.serialize_entry("reads", &self.0.reads)?;
        map.serialize_entry("cost", &(self.0.cost.as_micros() as u64))?;
        map.serialize_entry("error", &self.0.error)?;
        map.end()
    }
}
