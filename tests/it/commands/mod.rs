//! Commands as sensors: real ones, well-behaved and not, with the program as their subreaper.

mod answers;
mod ends;
pub(crate) mod fixture;
mod service;
mod stops;
