//! The service's socket to the bus, and descriptors that tokio has no type for.
//!
//! [`sampled_client::transport`] connects and shakes hands. The admission of the service stands between the socket and
//! zbus.

pub(crate) mod pipe;
pub(crate) mod readable_fd;
mod stream;

pub(crate) use stream::Stream;
