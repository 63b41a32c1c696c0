//! What the window remembers: the samples of each metric.

pub mod samples;

pub use samples::{Absence, Sample, Samples};
