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
mod blocked_output;
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
mod lifecycle;
mod limits;
mod local;
mod lost;
mod match_rules;
mod metrics;
mod name_owner;
mod no_runtime_dir;
mod processes;
mod ps;
mod runtimes;
mod sandbox;
mod sessions;
mod slow_readers;
mod support;
mod systemd;
mod terminal_escapes;
mod timeouts;
mod unknown_selectors;
mod upgrade;
mod watch_command;
mod watch_terminal;
