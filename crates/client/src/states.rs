//! The states of sessions and sources.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use zbus::OwnedVariant;

use crate::variants::take;

/// A session of any client.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionInfo {
    /// The client's unique name.
    pub owner: String,
    /// The label.
    pub label: String,
    /// The time from frame to frame.
    pub interval: Duration,
    /// The ids of its columns; empty for a session of processes.
    pub metrics: Vec<String>,
    /// The fields of its table, for a session of processes.
    pub fields: Vec<String>,
    /// The number of frames sent.
    pub frames: u64,
    /// The number of frames dropped because the client was too slow.
    pub dropped: u64,
    /// The number of moments at which the service was late, on a busy machine, so that there was no frame.
    pub missed: u64,
    /// Whether it outlives its client.
    pub detached: bool,
    /// Whether it is a stream, whose frames go into a pipe.
    pub stream: bool,
    /// The threshold of a watch. Its frames are crossings.
    pub threshold: Option<ThresholdInfo>,
}

/// The threshold of a watch.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdInfo {
    /// In the unit of the metrics.
    pub value: f64,
    /// `above`, `below` or `both`.
    pub direction: String,
    /// How far behind the threshold a value has to be to have returned.
    pub hysteresis: f64,
    /// How long all readings have to be beyond the threshold, or back.
    pub hold: Duration,
    /// Whether the return is told, too.
    pub recovery: bool,
}

/// The state of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// `ok`, `failing`, `unused` or `off`.
    pub state: String,
    /// The number of its metrics now.
    pub metrics: u32,
    /// The number of reads.
    pub reads: u64,
    /// The CPU time of all reads.
    pub cost: Duration,
    /// The error; empty if there is none.
    pub error: String,
    /// Of the source `sources.d`: the directory that it reads, as the service names it.
    pub path: Option<PathBuf>,
}

/// The result of reading the configuration and the user's definitions again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// The configuration file, as the service names it.
    pub configuration: Option<PathBuf>,
    /// Whether there is such a file. Otherwise the defaults apply.
    pub configuration_found: bool,
    /// The error in the configuration, which stays as it was then; empty if there is none.
    pub configuration_error: String,
    /// The result for the definitions; `None` if they are switched off.
    pub definitions: Option<DefinitionsRead>,
}

/// The result of reading the user's definitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefinitionsRead {
    /// The directory, as the service names it.
    pub directory: PathBuf,
    /// Whether there is such a directory.
    pub found: bool,
    /// The number of files.
    pub files: u32,
    /// The number of metrics.
    pub metrics: u32,
    /// The first errors, as `sampled sources check` prints them.
    pub errors: Vec<String>,
}

impl SessionInfo {
    pub(crate) fn new(mut properties: HashMap<String, OwnedVariant>) -> Self {
        Self {
            owner: take(&mut properties, "owner").unwrap_or_default(),
            label: take(&mut properties, "label").unwrap_or_default(),
            interval: Duration::from_micros(take(&mut properties, "interval").unwrap_or_default()),
            metrics: take(&mut properties, "metrics").unwrap_or_default(),
            fields: take(&mut properties, "fields").unwrap_or_default(),
            frames: take(&mut properties, "frames").unwrap_or_default(),
            dropped: take(&mut properties, "dropped").unwrap_or_default(),
            missed: take(&mut properties, "missed").unwrap_or_default(),
            detached: take(&mut properties, "detached").unwrap_or_default(),
            threshold: ThresholdInfo::new(&mut properties),
            stream: take(&mut properties, "stream").unwrap_or_default(),
        }
    }
}

impl ThresholdInfo {
    fn new(properties: &mut HashMap<String, OwnedVariant>) -> Option<Self> {
        Some(Self {
            value: take(properties, "threshold")?,
            direction: take(properties, "direction").unwrap_or_default(),
            hysteresis: take(properties, "hysteresis").unwrap_or_default(),
            hold: Duration::from_micros(take(properties, "hold").unwrap_or_default()),
            recovery: take(properties, "recovery").unwrap_or_default(),
        })
    }
}

impl SourceInfo {
    pub(crate) fn new(mut properties: HashMap<String, OwnedVariant>) -> Self {
        Self {
            state: take(&mut properties, "state").unwrap_or_default(),
            metrics: take(&mut properties, "metrics").unwrap_or_default(),
            reads: take(&mut properties, "reads").unwrap_or_default(),
            cost: Duration::from_micros(take(&mut properties, "cost").unwrap_or_default()),
            error: take(&mut properties, "error").unwrap_or_default(),
            path: take::<String>(&mut properties, "path").map(PathBuf::from),
        }
    }
}

impl Reloaded {
    pub(crate) fn new(mut properties: HashMap<String, OwnedVariant>) -> Self {
        let mut path = |key| take::<String>(&mut properties, key).map(PathBuf::from);
        let (configuration, directory) = (path("configuration"), path("directory"));
        Self {
            configuration,
            configuration_found: take(&mut properties, "configuration_found").unwrap_or_default(),
            configuration_error: take(&mut properties, "configuration_error").unwrap_or_default(),
            definitions: directory.map(|directory| DefinitionsRead {
                directory,
                found: take(&mut properties, "directory_found").unwrap_or_default(),
                files: take(&mut properties, "files").unwrap_or_default(),
                metrics: take(&mut properties, "metrics").unwrap_or_default(),
                errors: take(&mut properties, "errors").unwrap_or_default(),
            }),
        }
    }
}
