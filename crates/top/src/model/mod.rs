//! The content of the screen, without a terminal.

pub(crate) mod cursor;
pub(crate) mod recording;
pub(crate) mod series;
