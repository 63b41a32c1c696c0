//! A correct Unix daemon.
