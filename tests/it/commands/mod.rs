//! Commands as sensors: real ones, well-behaved and not, with the program as their subreaper.

mod cleanup;
mod failures;
pub(crate) mod fixture;
mod lines;
mod outputs;
mod resources;
pub(crate) mod service_end;
mod stopped_subreaper;
