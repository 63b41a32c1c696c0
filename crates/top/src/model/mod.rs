//! The content of the screen, without a terminal.

pub(crate) mod recording;

pub(crate) use sampled_pages as sections;
