//! Commands as sensors: real ones, well-behaved and not, with the program as their subreaper.

mod cleanup;
pub(crate) mod fixture;
mod outputs;
pub(crate) mod service_end;
mod stopped_subreaper;
