//! The client under an executor that has neither a reactor nor timers, and where no runtime of tokio is current. Its other
//! tests run on tokio.

use std::{
    pin::pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt};
use rustix::process::Signal;
use sampled::{
    client::{
        Bus as ClientBus, Client, Error, Processes, SampleOptions, Start, StreamOptions,
        TableOptions, Unresponsive,
    },
    reading::Value,
};

use tokio::sync::oneshot;

use crate::{
    sandbox::Proxy,
    support::{
        bus::Bus,
        home::Home,
        process::{DEADLINE, skip},
        unresponsive_bus::UnresponsiveBus,
    },
};

const LOAD: &str = "cpu/loadaverages/loadaverage1";

/// Wakes the thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, which sleeps while the future waits.
#[track_caller]
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let begin = Instant::now();
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        let left = DEADLINE.checked_sub(begin.elapsed());
        thread::park_timeout(left.expect("the future waits for an event that does not come"));
    }
}

async fn client(address: &str) -> Client {
    let bus = ClientBus::at(address).await.expect("bus");
    Client::on(bus).await.expect("client")
}

/// Calls, frames and tables, as any program asks for them.
async fn use_everything(client: &Client) {
    let metrics = client.list(&[LOAD]).await.expect("list");
    assert_eq!(metrics[LOAD].kind, "gauge");
    let sample = client.sample(&[LOAD], SampleOptions::default()).await;
    assert!(matches!(sample.expect("sample").readings[LOAD], Value::Number(load) if load >= 0.0));

    let session = client.start(&[LOAD], Start::every_millis(50)).await;
    let frames: Vec<_> = session
        .expect("session")
        .take(3)
        .try_collect()
        .await
        .expect("frames");
    assert_eq!(frames.len(), 3);
    assert!(
        frames
            .iter()
            .all(|frame| matches!(frame.reading(LOAD), Some(Ok(Value::Number(_)))))
    );

    let processes = Processes::on(client.bus().clone()).await.expect("client");
    let options = TableOptions::default();
    let table = processes
        .start(&["name"], &options, Start::every_millis(500))
        .await;
    let mut table = table.expect("session");
    let change = StreamExt::next(&mut table)
        .await
        .expect("an item")
        .expect("a change");
    assert!(change.came.contains(&std::process::id()));
    assert!(table.reading(std::process::id(), "name").is_some());
    table.stop().await.expect("stop");
}

/// A stream, whose pipe is registered with the runtime.
async fn use_a_stream(client: &Client) {
    let mut stream = client
        .open(&[LOAD], StreamOptions::every_millis(5))
        .await
        .expect("stream");
    for _ in 0..20 {
        let record = stream.next().await.expect("a record");
        assert!(record.values[0] >= 0.0, "{record:?}");
    }
    stream.stop().await.expect("stop");
}

#[test]
fn calls_frames_and_tables_need_no_runtime() {
    let bus = Bus::activating("");
    block_on(async { use_everything(&client(bus.address()).await).await });
    block_on(async { use_a_stream(&client(bus.address()).await).await });
}

#[test]
fn a_bus_over_tcp_needs_no_runtime() {
    let bus = Bus::over_tcp();
    block_on(async {
        // A name of a host is looked up by a thread.
        for host in ["127.0.0.1", "localhost"] {
            let address = bus.address().replace("127.0.0.1", host);
            client(&address).await.list(&[LOAD]).await.expect("list");
        }
    });
}

#[test]
fn a_proxy_needs_no_runtime() {
    let bus = Bus::activating("");
    let Some(proxy) = Proxy::run_by(bus.command("env"), &bus) else {
        return skip("xdg-dbus-proxy is not installed");
    };
    block_on(async { use_everything(&client(proxy.address()).await).await });
}

#[test]
fn a_stream_ends_with_the_reason() {
    let bus = Bus::activating("--idle-timeout never");
    block_on(async {
        let client = client(bus.address()).await;
        let session = client.start(&[LOAD], Start::every_millis(50)).await;
        let mut session = session.expect("session");
        session.next().await.expect("a frame");
        bus.daemon().await.expect("a service").signal(Signal::TERM);
        let mut items: Vec<_> = session.by_ref().collect().await;
        let last = items.pop().expect("the reason");
        assert!(matches!(last, Err(Error::Ended(_))), "{last:?}");
        assert!(items.iter().all(Result::is_ok), "{items:?}");
        // A second call returns the reason again.
        let again = session.next().await;
        assert_eq!(
            again.unwrap_err().to_string(),
            last.unwrap_err().to_string()
        );
    });
}

#[test]
fn a_deadline_needs_no_runtime() {
    let bus = Bus::activating("--idle-timeout never");
    block_on(async {
        client(bus.address())
            .await
            .list(&[LOAD])
            .await
            .expect("list");
    });
    let daemon = bus.block_on(bus.owned());
    daemon.stop();
    let time = Duration::from_millis(300);
    let error = block_on(async {
        let bus = ClientBus::within(Some(bus.address()), time)
            .await
            .expect("bus");
        let client = Client::on(bus).await.expect("client");
        client.list(&[LOAD]).await.unwrap_err()
    });
    let Error::NoAnswer { from, after } = error else {
        panic!("{error:?}");
    };
    assert_eq!(from, Unresponsive::Service(Some(daemon.pid)));
    assert_eq!(after, time);
}

#[test]
fn a_bus_that_does_not_answer_is_an_error_without_a_runtime() {
    let home = Home::new();
    let bus = UnresponsiveBus::without_handshake(&home.dir().join("silent"));
    let time = Duration::from_millis(300);
    let error = block_on(ClientBus::within(Some(bus.address()), time)).unwrap_err();
    assert!(
        matches!(&error, Error::NoAnswer { from: Unresponsive::Bus(_), after } if *after == time),
        "{error:?}"
    );
}

#[test]
fn a_connection_of_tokio_serves_another_executor() {
    let bus = Bus::activating("");
    let (sender, receiver) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let address = bus.address().to_owned();
    let tokio = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            sender.send(client(&address).await).unwrap();
            stopped.await.ok();
        });
    });
    let client = receiver.recv_timeout(DEADLINE).expect("a client");
    block_on(use_everything(&client));
    drop(stop);
    tokio.join().unwrap();
}
