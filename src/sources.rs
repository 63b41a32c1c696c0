//! All sources: the kernel's interfaces, the counts of processes, and custom metrics.

#[cfg(feature = "custom")]
use crate::custom;
use crate::{
    kernel,
    process::{self, SharedTable},
    source::{Provider, Roots, pool::Pool},
};

/// The options of sources, besides the roots of their files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// Whether to read the size of file systems that are on the network, or that autofs has mounted.
    pub network_mounts: bool,
    /// The files that define custom metrics, if there are any.
    #[cfg(feature = "custom")]
    pub custom: Option<custom::DirectoryOptions>,
}

/// All sources. Opens no file yet.
pub fn all(roots: &Roots) -> Vec<Provider> {
    all_with(roots, &SourceOptions::default())
}

/// All sources, with options.
pub fn all_with(roots: &Roots, options: &SourceOptions) -> Vec<Provider> {
    let pool = Pool::new();
    let table = SharedTable::new(roots, &pool);
    all_on(&pool, &table, roots, options)
}

/// Like [`all_with`], with a given blocking pool and table of processes.
pub(crate) fn all_on(
    pool: &Pool,
    table: &SharedTable,
    roots: &Roots,
    options: &SourceOptions,
) -> Vec<Provider> {
    let mut sources = kernel::sources(roots, options.network_mounts, pool);
    sources.push(process::counts(table));
    // The last one, so that looking up an id of another source does not read the files with definitions.
    #[cfg(feature = "custom")]
    if let Some(options) = &options.custom {
        let taken = sources.iter().flat_map(|source| source.about().scope);
        let taken = taken.copied().collect();
        sources.push(custom::source(options, taken, pool));
    }
    sources
}

/// The scopes of all built-in sources.
pub fn scopes() -> Vec<&'static str> {
    let sources = all(&Roots::default());
    let scopes = sources.iter().flat_map(|source| source.about().scope);
    scopes.copied().collect()
}

#[cfg(test)]
mod tests;
