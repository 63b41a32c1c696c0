//! The pidfile: its locks, taking it, and finding the daemon that holds it.

mod claim;
mod file;
mod held;
pub(crate) mod holder;
mod lock;
mod probe;
mod replace;
mod stale;
mod state;

pub(crate) use claim::{Claim, claim, verify};
pub use held::Pidfile;
pub(crate) use held::close_inherited;
pub(crate) use lock::Stage;
pub(crate) use probe::observe;
pub(crate) use stale::remove_stale;
pub(crate) use state::{Holder, PidfileState, Proof};
