//! Every source there is: the kernel's interfaces, the counts of processes, and what the user defines.

#[cfg(feature = "custom")]
use crate::custom;
use crate::{
    kernel,
    process::{self, SharedTable},
    source::{Provider, Roots, pool::Pool},
};

/// What sources are told beyond where the files are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// Whether file systems are asked for their room that are on the network, or that autofs has
    /// mounted.
    pub network_mounts: bool,
    /// The directory that defines custom metrics. `None` if there are none.
    #[cfg(feature = "custom")]
    pub custom: Option<custom::DirectoryOptions>,
}

/// Every source there is, none of them opened yet.
pub fn all(roots: &Roots) -> Vec<Provider> {
    all_with(roots, &SourceOptions::default())
}

/// Every source there is, with options.
pub fn all_with(roots: &Roots, options: &SourceOptions) -> Vec<Provider> {
    let pool = Pool::new();
    let table = SharedTable::new(roots, &pool);
    all_on(&pool, &table, roots, options)
}

/// The same, with their threads from this pool, and processes counted in this table.
pub(crate) fn all_on(
    pool: &Pool,
    table: &SharedTable,
    roots: &Roots,
    options: &SourceOptions,
) -> Vec<Provider> {
    let mut sources = kernel::sources(roots, options.network_mounts, pool);
    sources.push(process::counts(table));
    // The last, so that who asks for an id of another source does not look at its files.
    #[cfg(feature = "custom")]
    if let Some(options) = &options.custom {
        let taken = sources.iter().flat_map(|source| source.about().scope);
        let taken = taken.copied().collect();
        sources.push(custom::source(options, taken, pool));
    }
    sources
}

/// The patterns of all ids that belong to sources that are built in.
pub fn scopes() -> Vec<&'static str> {
    let sources = all(&Roots::default());
    let scopes = sources.iter().flat_map(|source| source.about().scope);
    scopes.copied().collect()
}

#[cfg(test)]
mod tests;
