//! The client where no runtime of tokio is current: in the main loop of GLib, and on zruntime.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use glib::{ControlFlow, MainContext, MainLoop, Priority, thread_guard::ThreadGuard};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sampled_client::{Bus as ClientBus, Client, Error, Unresponsive, zbus};
use sampled_client_glib::{Bus, LOAD, check, use_everything};

/// How long a test waits for an event that must come.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs a future in a main loop of this thread. Returns whether the loop has dispatched another source meanwhile, too.
fn run<T: 'static>(future: impl Future<Output = T> + 'static) -> (T, bool) {
    let context = MainContext::new();
    let run = || {
        let main_loop = MainLoop::new(Some(&context), false);
        let (result, is_turning) = (Rc::new(RefCell::new(None)), Rc::new(Cell::new(false)));
        let (into, quit) = (result.clone(), main_loop.clone());
        context.spawn_local(async move {
            *into.borrow_mut() = Some(future.await);
            quit.quit();
        });
        let turns = ThreadGuard::new(is_turning.clone());
        let often = Duration::from_millis(1);
        let tick = glib::timeout_source_new(often, None, Priority::DEFAULT, move || {
            turns.get_ref().set(true);
            ControlFlow::Continue
        });
        tick.attach(Some(&context));
        let quit = ThreadGuard::new(main_loop.clone());
        let deadline = glib::timeout_source_new(DEADLINE, None, Priority::DEFAULT, move || {
            quit.get_ref().quit();
            ControlFlow::Break
        });
        deadline.attach(Some(&context));
        main_loop.run();
        let result = result.borrow_mut().take().expect("it is done in time");
        (result, is_turning.get())
    };
    context.with_thread_default(run).unwrap()
}

#[test]
fn the_main_loop_of_glib_runs_calls_frames_and_tables() {
    let bus = Bus::new();
    let address = bus.address().to_owned();
    let (received, is_turning) = run(async move { use_everything(&address).await });
    check(received.unwrap());
    assert!(is_turning, "the main loop stood still");
}

#[test]
fn a_deadline_passes_in_the_main_loop_of_glib() {
    let bus = Bus::new();
    let address = bus.address().to_owned();
    let time = Duration::from_millis(300);
    let ((pid, error), is_turning) = run(async move {
        let asked = ClientBus::at(&address).await.unwrap();
        let client = Client::on(asked.clone()).await.unwrap();
        client.list(&[LOAD]).await.unwrap();
        let pid = asked.owner().await.unwrap().unwrap().pid.unwrap();
        kill(Pid::from_raw(pid as i32), Signal::SIGSTOP).unwrap();
        let bus = ClientBus::within(Some(&address), time).await.unwrap();
        let client = Client::on(bus).await.unwrap();
        (pid, client.list(&[LOAD]).await.unwrap_err())
    });
    kill(Pid::from_raw(pid as i32), Signal::SIGKILL).unwrap();
    let Error::NoAnswer { from, after } = error else {
        panic!("{error:?}");
    };
    assert_eq!((from, after), (Unresponsive::Service(Some(pid)), time));
    assert!(is_turning, "the main loop stood still");
}

#[test]
fn zbus_runs_calls_frames_and_tables() {
    let bus = Bus::new();
    check(zbus::block_on(use_everything(bus.address())).unwrap());
}
