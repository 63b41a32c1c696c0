//! The program from outside: real processes, real signals, and a private bus for each test.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; the exemption for tests does not reach their helpers"
)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails, as it should"
)]

mod absent;
mod admission;
mod calls;
mod cli;
mod commands;
mod config;
mod confinement;
mod custom;
mod demo;
mod description;
mod devices;
mod durations;
mod farewell;
mod growth;
mod hammer;
mod handshake;
mod hung;
mod install;
mod kept;
mod layers;
mod leaving;
mod limits;
mod local;
mod lost;
mod metrics;
mod misspelt;
mod no_runtime_dir;
mod owner;
mod processes;
mod ps;
mod receivers;
mod replace;
mod runtimes;
mod sandbox;
mod screen;
mod sessions;
mod silence;
mod support;
mod systemd;
mod terminal;
mod unread;
mod verbs;
mod watch;
mod watches;
