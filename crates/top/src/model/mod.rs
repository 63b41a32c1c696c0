//! The content of the screen, without a terminal.

pub(crate) mod recording;
