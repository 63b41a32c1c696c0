//! What the window remembers: the samples of each metric.

mod memory;
pub mod samples;

pub use memory::{Recording, now};
pub use samples::{Absence, Sample, Samples};
