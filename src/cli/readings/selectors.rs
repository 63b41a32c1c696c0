//! The selectors of a command.

use clap::Args;

/// The selectors of a command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Selectors {
    /// An id (cpu/all/usage), a prefix (cpu, cpu/all) or a pattern (cpu/*/usage); none means every
    /// metric
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
}

impl Selectors {
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.selectors.iter().map(String::as_str).collect()
    }
}
