use std::time::Duration;

use super::{
    capacity::{CHECK_INTERVAL, MAX_IDLE_CLIENTS},
    *,
};
use crate::service::limits::Totals;

fn limits() -> Limits {
    Limits {
        calls: 4,
        call_bytes: 100,
        unread_bytes: 1000,
        total: Totals {
            calls: 6,
            call_bytes: 150,
            ..Limits::default().total
        },
        ..Limits::default()
    }
}

/// A queue and a clock.
struct Test {
    queue: Queue,
    now: Instant,
}

impl Test {
    fn new() -> Self {
        Self {
            queue: Queue::new(limits()),
            now: Instant::now(),
        }
    }

    fn call(&mut self, client: &str, serial: u32) {
        self.call_with_bytes(client, serial, 1);
    }

    fn call_with_bytes(&mut self, client: &str, serial: u32, bytes: usize) {
        // The message identifies its call.
        let bytes = vec![u8::try_from(serial).unwrap(); bytes];
        let call = IncomingCall {
            serial,
            expects_reply: true,
            bytes: &bytes,
        };
        self.queue.admit(client, call, self.now);
    }

    /// Hands over all calls that are ready, and returns their serials.
    fn handed_over(&mut self) -> Vec<u32> {
        let mut serials = Vec::new();
        while let Some(message) = self.queue.next_call(self.now) {
            serials.push(u32::from(message[0]));
        }
        serials
    }

    /// Takes the refusals: the client, the serial and the reason.
    fn refused(&mut self) -> Vec<(String, u32, String)> {
        let refusals = std::mem::take(&mut self.queue.work.refusals).into_iter();
        refusals
            .map(|refusal| {
                let reason = refusal.reason.to_string();
                (refusal.client.to_string(), refusal.serial, reason)
            })
            .collect()
    }

    #[track_caller]
    fn refuses(&mut self, client: &str, serial: u32, limit: &str) {
        let refused = self.refused();
        let [(refused_client, refused_serial, reason)] = &*refused else {
            panic!("{refused:?}");
        };
        assert_eq!((&**refused_client, *refused_serial), (client, serial));
        assert!(reason.contains(limit), "{reason}");
    }
}

#[test]
fn clients_take_turns() {
    let mut test = Test::new();
    for serial in [11, 12, 13] {
        test.call(":1.1", serial);
    }
    test.call(":1.2", 21);
    test.call(":1.2", 22);
    test.call(":1.3", 31);
    assert_eq!(test.handed_over(), [11, 21, 31, 12, 22, 13]);
    assert_eq!(test.refused(), []);
}

#[test]
fn clients_with_small_replies_go_first() {
    let mut test = Test::new();
    test.queue.limits = Limits::default();
    let take = |test: &mut Test, client: &str, serial, bytes| {
        test.call(client, serial);
        assert_eq!(test.handed_over(), [serial]);
        test.queue.answered(client, serial, bytes);
    };
    take(&mut test, ":1.1", 1, 10_000);
    take(&mut test, ":1.2", 2, 10_000);
    take(&mut test, ":1.3", 3, 200);
    for serial in [11, 12] {
        test.call(":1.1", serial);
        test.call(":1.2", serial + 10);
    }
    for serial in 31..=40 {
        test.call(":1.3", serial);
    }
    // After eight small ones in a row, one of the others.
    let expected = [31, 32, 33, 34, 35, 36, 37, 38, 11, 39, 40, 21, 12, 22];
    assert_eq!(test.handed_over(), expected);
}

#[test]
fn the_calls_of_a_client_are_limited() {
    let mut test = Test::new();
    for serial in 1..=4 {
        test.call(":1.1", serial);
    }
    test.call(":1.1", 5);
    test.refuses(":1.1", 5, "limits.calls");
    // Running calls count as well, until they are answered.
    assert_eq!(test.handed_over(), [1, 2, 3, 4]);
    test.call(":1.1", 6);
    test.refuses(":1.1", 6, "limits.calls");
    test.queue.answered(":1.1", 2, 10);
    test.call(":1.1", 7);
    assert_eq!(test.handed_over(), [7]);
    assert_eq!(test.refused(), []);
}

#[test]
fn a_serial_in_use_is_refused() {
    let mut test = Test::new();
    test.call(":1.1", 1);
    test.call(":1.1", 1);
    test.refuses(":1.1", 1, "same serial");
    assert_eq!(test.handed_over(), [1]);
    test.call(":1.1", 1);
    test.refuses(":1.1", 1, "same serial");
    test.call(":1.2", 1);
    test.queue.answered(":1.1", 1, 10);
    test.call(":1.1", 1);
    assert_eq!(test.handed_over(), [1, 1]);
}

#[test]
fn the_bytes_of_a_clients_calls_are_limited() {
    let mut test = Test::new();
    test.call_with_bytes(":1.1", 1, 60);
    test.call_with_bytes(":1.1", 2, 60);
    test.refuses(":1.1", 2, "limits.call_bytes");
    test.call_with_bytes(":1.1", 3, 40);
    assert_eq!(test.refused(), []);
}

#[test]
fn the_client_with_most_calls_gives_way() {
    let mut test = Test::new();
    for serial in [11, 12, 13, 14] {
        test.call(":1.1", serial);
    }
    test.call(":1.2", 21);
    test.call(":1.2", 22);
    test.call(":1.3", 31);
    test.refuses(":1.1", 14, "limits.total");
    // The client of the new call has as many as the largest would keep.
    test.call(":1.3", 32);
    test.refuses(":1.1", 13, "limits.total");
    test.call(":1.2", 23);
    test.refuses(":1.2", 23, "limits.total.calls");
    assert_eq!(test.handed_over(), [11, 21, 31, 12, 22, 32]);
    // Running calls are not evicted; a client's only call is admitted all the same.
    test.call(":1.4", 41);
    assert_eq!(test.refused(), []);
    test.call(":1.4", 42);
    test.refuses(":1.4", 42, "limits.total.calls");
    assert_eq!(test.queue.calls(), 7);
}

#[test]
fn the_client_with_most_bytes_gives_way() {
    let mut test = Test::new();
    test.call_with_bytes(":1.1", 11, 50);
    test.call_with_bytes(":1.1", 12, 40);
    test.call_with_bytes(":1.2", 21, 50);
    test.call_with_bytes(":1.3", 31, 40);
    test.refuses(":1.1", 12, "limits.total");
    assert_eq!(test.handed_over(), [11, 21, 31]);
}

#[test]
fn the_calls_of_a_client_that_has_left_are_dropped() {
    let mut test = Test::new();
    test.queue.limits = Limits::default();
    for serial in 1..=9 {
        test.call(":1.1", serial);
    }
    let watched = |is_watched| (Name::from(":1.1"), is_watched);
    assert_eq!(test.queue.work.watch, [watched(true)]);
    test.call(":1.2", 20);
    test.queue.forget(":1.1");
    assert_eq!(test.queue.work.watch, [watched(true), watched(false)]);
    assert_eq!(test.handed_over(), [20]);
    assert_eq!(test.queue.calls(), 1);
    test.queue.answered(":1.2", 20, 1);
    assert_eq!((test.queue.calls(), test.queue.bytes), (0, 0));
}

#[test]
fn a_client_is_watched_while_it_waits() {
    let mut test = Test::new();
    test.queue.limits = Limits::default();
    for serial in 1..=9 {
        test.call(":1.1", serial);
    }
    assert_eq!(test.queue.work.watch.len(), 1);
    assert_eq!(test.handed_over().len(), 9);
    for serial in 1..=8 {
        test.queue.answered(":1.1", serial, 1);
    }
    assert_eq!(test.queue.work.watch.len(), 1);
    test.queue.answered(":1.1", 9, 1);
    assert_eq!(test.queue.work.watch.len(), 2);
}

#[test]
fn a_client_that_does_not_read_is_refused() {
    let mut test = Test::new();
    test.call(":1.1", 1);
    assert_eq!(test.handed_over(), [1]);
    test.queue.answered(":1.1", 1, 2000);
    // The bus is asked before the client gets more.
    test.call(":1.1", 2);
    test.call(":1.2", 3);
    assert_eq!(test.handed_over(), [3]);
    let asked = std::mem::take(&mut test.queue.work.unread_queries);
    assert_eq!(asked, [(Name::from(":1.1"), false)]);
    test.queue.record_unread(":1.1", 1001, false, test.now);
    test.refuses(":1.1", 2, "limits.unread_bytes");
    test.call(":1.1", 4);
    test.refuses(":1.1", 4, "limits.unread_bytes");
    // Later the bus is asked again, once for the client's next call.
    test.now += CHECK_INTERVAL;
    test.call(":1.1", 5);
    assert_eq!(test.handed_over(), [0; 0]);
    assert_eq!(test.queue.work.unread_queries.len(), 1);
    test.queue.record_unread(":1.1", 1000, false, test.now);
    assert_eq!(test.handed_over(), [5]);
    assert_eq!(test.refused(), []);
}

#[test]
fn an_unanswered_call_expires() {
    let mut test = Test::new();
    test.call(":1.1", 1);
    assert_eq!(test.handed_over(), [1]);
    test.queue.expire_calls(test.now);
    assert_eq!(test.queue.calls(), 1);
    test.now += Duration::from_secs(60);
    test.queue.expire_calls(test.now);
    assert_eq!((test.queue.calls(), test.queue.bytes), (0, 0));
}

#[test]
fn idle_clients_are_forgotten() {
    let mut test = Test::new();
    for number in 0..5000 {
        let client = format!(":1.{number}");
        test.call(&client, 1);
        assert_eq!(test.handed_over(), [1]);
        test.queue.answered(&client, 1, 10);
        assert!(test.queue.clients.len() <= 2 * 6 + MAX_IDLE_CLIENTS);
    }
}
