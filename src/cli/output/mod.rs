//! What is printed: the exact forms, tables, and texts that a terminal does not obey.

pub(crate) mod format;
pub(crate) mod frame;
pub(crate) mod plain;
pub(crate) mod table;
pub(crate) mod units;
