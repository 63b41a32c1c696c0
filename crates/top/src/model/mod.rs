//! What is shown, without a terminal.

pub(crate) mod recording;
pub(crate) mod sections;
