//! Watches: their owner is told when a metric crosses a threshold, and nothing else.

mod arguments;
mod crossings;
mod owners;
pub(crate) mod room;
mod slow_owner;
