//! What the pages of a monitor show, computed from the metrics of `sampled`, for any toolkit.
//!
//! A [`Page`] has selectors, for a session that reads its metrics, and a layout: [`Section`]s of graphs, shares and facts, of
//! those metrics that the machine has.

mod disks;
mod file_systems;
mod graphics;
mod hue;
mod memory;
mod network;
mod overview;
mod page;
mod power;
mod processor;
mod section;
mod sensors;

pub use self::{
    hue::Hue,
    page::Page,
    section::{Card, Fact, Level, Line, Section},
};

/// Translates an English text into the language of the user.
pub type Translate = fn(&str) -> String;
