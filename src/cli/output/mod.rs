//! Output: JSON, CSV, tables, and text without control characters.

pub(crate) mod bar;
mod closed;
pub(crate) mod events;
pub(crate) mod format;
pub(crate) mod frame;
pub(crate) mod moment;
pub(crate) mod prometheus;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod terminal_text;
pub(crate) mod units;
