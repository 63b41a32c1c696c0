//! `sampled::daemon`, from outside: the programs in `examples/` are started, watched through /proc and stopped.
mod control;
mod detach;
mod init;
mod notify;
mod pidfile;
mod support;
