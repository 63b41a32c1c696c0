//! The program from outside: real processes, real signals, and a private bus for each test.

mod bus;
mod calls;
mod home;
mod process;
