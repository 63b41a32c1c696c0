//! The client: typed calls of the service, and its frames as a stream.
//!
//! ```no_run
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
//! Every call has a deadline: 25 s, including the start of the service, or the time given to [`Bus::within`]. Then it
//! fails with [`Error::NoAnswer`]. Only the wait for the next frame has no deadline.

#[cfg(feature = "bus")]
mod bus;
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
mod processes;
#[cfg(feature = "bus")]
mod proxy;
pub mod reading;
#[cfg(feature = "bus")]
mod runtime;
#[cfg(feature = "bus")]
mod sandbox;
#[cfg(feature = "bus")]
mod session;
#[cfg(feature = "bus")]
mod signals;
#[cfg(feature = "bus")]
mod states;
#[cfg(feature = "bus")]
mod systemd;
#[cfg(feature = "bus")]
pub mod transport;
#[cfg(feature = "bus")]
mod variants;
pub mod wire;

#[cfg(feature = "bus")]
pub use zbus;

#[cfg(feature = "bus")]
pub use self::{
    bus::Bus,
    client::{Client, Sample},
    deadline::Unresponsive,
    error::Error,
    frame::Frame,
    metadata::Metadata,
    options::{SampleOptions, Start},
    processes::{
        Change, FieldInfo, Processes, Processes1Proxy, Row, Snapshot, Sum, Sums, TableOptions,
        TableSession,
    },
    proxy::Sampler1Proxy,
    sandbox::Sandbox,
    session::Session,
    states::{SessionInfo, SourceInfo},
};
pub use reading::{Fault, Reading, Value};
