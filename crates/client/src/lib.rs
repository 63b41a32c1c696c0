//! A client of `sampled`, the service that reads a Linux machine for all programs of a session: typed calls, frames and
//! tables of processes as streams.
//!
//! ```no_run
//! # #[cfg(feature = "bus")]
//! # async fn example() -> Result<(), sampled_client::Error> {
//! use sampled_client::{Client, Start};
//!
//! let client = Client::connect().await?;
//! let mut session = client.start(&["cpu/*/usage"], Start::every_millis(500)).await?;
//! for _ in 0..5 {
//!     let frame = session.next().await?;
//!     for (id, reading) in frame.readings() {
//!         println!("{id}: {reading:?}");
//!     }
//! }
//! session.stop().await
//! # }
//! ```
//!
//! - [`Client`] calls the service, and [`Processes`] its table of processes. [`Session`] and [`TableSession`] are streams
//!   of frames and of changes. A [`Watch`] is a stream of the crossings of a threshold.
//! - A [`Reading`] is a [`Value`], or the [`Fault`] that explains why there is none.
//! - Every call has a deadline: 25 s, including the start of the service, or the time given to [`Bus::within`]. Then it
//!   fails with [`Error::NoAnswer`]. Only the wait for the next frame has no deadline.
//! - A call that meets a service on its way out is repeated once; by then a successor can be started.
//! - [`Catalog`] has the metrics and objects of the machine, and [`units`] prints values for a person.
//! - [`transport`] connects to the bus, for programs that put something of their own between the bus and zbus.
//!
//! # Runtimes
//!
//! Everything works on any executor. A connection that is made where a runtime of tokio is current, with its I/O and
//! time drivers, uses that runtime, with the feature `tokio` (a default). Everywhere else it uses zruntime, as zbus
//! does, which runs on a thread of its own. A program without an executor has [`zbus::block_on`].
//!
//! Without the feature `bus` there are only [`reading`], [`units`] and [`wire`], and no dependency.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        reason = "a test that overflows fails, as it should"
    )
)]

#[cfg(not(target_os = "linux"))]
compile_error!("sampled runs on Linux only, and so does its client");

#[cfg(feature = "bus")]
mod bus;
mod cadence;
#[cfg(feature = "bus")]
mod catalog;
#[cfg(feature = "bus")]
mod client;
#[cfg(feature = "bus")]
mod deadline;
#[cfg(feature = "bus")]
mod error;
#[cfg(feature = "bus")]
mod frame;
#[cfg(feature = "bus")]
mod metadata;
#[cfg(feature = "bus")]
mod options;
#[cfg(feature = "bus")]
mod owner;
#[cfg(feature = "bus")]
mod processes;
#[cfg(feature = "bus")]
mod proxy;
pub mod reading;
#[cfg(feature = "bus")]
mod records;
#[cfg(feature = "bus")]
mod runtime;
#[cfg(feature = "bus")]
mod sandbox;
#[cfg(feature = "bus")]
mod session;
#[cfg(feature = "bus")]
mod signals;
#[cfg(feature = "bus")]
mod silence;
#[cfg(feature = "bus")]
mod states;
pub mod terminal;
#[cfg(feature = "bus")]
pub mod transport;
pub mod tree;
pub mod units;
#[cfg(feature = "bus")]
mod variants;
#[cfg(feature = "bus")]
mod watch;
pub mod wire;

#[cfg(feature = "bus")]
pub use zbus;

#[cfg(feature = "bus")]
pub use self::{
    bus::Bus,
    catalog::{Catalog, Object},
    client::{Client, Description, History, Sample},
    deadline::Unresponsive,
    error::Error,
    frame::{Columns, Frame},
    metadata::Metadata,
    options::{SampleOptions, Start, StreamOptions},
    owner::Owner,
    processes::{
        Change, FieldInfo, Processes, Processes1Proxy, Row, Snapshot, Sum, Sums, TableOptions,
        TableSession,
    },
    proxy::Sampler1Proxy,
    records::{Record, RecordStream},
    sandbox::Sandbox,
    session::Session,
    states::{DefinitionsRead, Reloaded, SessionInfo, SourceInfo, ThresholdInfo},
    watch::{Crossing, Direction, Watch, WatchOptions},
};
pub use cadence::{is_gap, longest_silence};
pub use reading::{Fault, Reading, Value};

/// The program of the README.
#[cfg(all(doctest, feature = "bus"))]
#[doc = include_str!("../README.md")]
struct Readme;
