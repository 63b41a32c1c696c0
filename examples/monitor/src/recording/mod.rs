//! The recording: the samples of each metric that the window keeps.

mod memory;
pub mod samples;

pub use memory::{Recording, now};
pub use samples::{Absence, Sample, Samples};
