//! The program from outside: real processes, real signals, and a private bus for each test.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; the exemption for tests does not reach their helpers"
)]
#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails, as it should"
)]

mod addresses;
mod admission;
mod alert;
mod bars;
mod blocked_output;
mod byte_orders;
mod calls;
mod changes;
mod cli;
mod client_failures;
mod clients;
mod commands;
mod completions;
mod config;
mod confinement;
mod cpu_hotplug;
mod custom;
mod demo;
mod devices;
mod disks;
mod doctor;
mod documentation;
mod durations;
mod failing_output;
mod file_systems;
mod gpus;
mod handshake;
mod hidden_proc;
mod history;
mod hung_mounts;
mod idle_exit;
mod idle_timeout;
mod in_process;
mod install;
mod introspection;
mod job_control;
mod layers;
mod lifecycle;
mod limits;
mod local;
mod manuals;
mod match_rules;
mod memory_growth;
mod metadata;
mod metrics;
mod missing_hardware;
mod name_owner;
mod networks;
mod no_runtime_dir;
mod optional_selectors;
mod pid_namespaces;
mod power_supplies;
mod processes;
mod ps;
mod reload_command;
mod runtimes;
mod sandbox;
mod sensors;
mod session_numbers;
mod sessions;
mod shutdown;
mod slow_readers;
mod starts;
mod streams;
mod stress;
mod support;
// It injects system calls into a process, by their numbers and registers.
#[cfg(target_arch = "x86_64")]
mod suspend;
mod systemd;
mod terminal_escapes;
mod thresholds;
mod timeouts;
mod top_command;
mod two_buses;
mod unknown_selectors;
mod unreachable_bus;
mod upgrade;
mod user_namespaces;
mod watch_command;
mod watch_terminal;
mod wide_characters;
