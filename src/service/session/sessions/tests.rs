use super::*;
use crate::service::{
    client::unread::{MAX_UNREAD_BYTES, Readers, Unread},
    session::{Metrics, Stream, Subject, past::SIGNAL_BYTES},
};
use crate::{source::Roots, sources};

const INTERVAL: Duration = Duration::from_millis(50);

/// Sessions with one session without columns. It is detached, so that it needs no watch.
fn one() -> (Sessions, Store, u32) {
    let store = Store::new(Vec::new());
    let selection = store.resolve(&[]).unwrap();
    let subject = Subject::Metrics(Metrics::new(&[], selection));
    let session = Session::new(":1.1".into(), String::new(), INTERVAL, subject, None);
    let mut sessions = Sessions::default();
    let id = sessions.add(session, Limits::default()).unwrap();
    sessions.begin(id);
    (sessions, store, id)
}

/// Ticks so many frames, and finishes each check of a backlog by `finish`.
fn tick(sessions: &mut Sessions, store: &Store, frames: u32, finish: impl Fn(&mut Session)) {
    let mut now = sessions.next_due().unwrap().max(INTERVAL);
    for _ in 0..frames {
        let (_, to_check) = sessions.tick(store, now);
        for id in to_check {
            finish(sessions.session(id).unwrap());
        }
        now = sessions.next_due().unwrap();
    }
}

#[test]
fn a_detached_session_sends_every_frame() {
    let (mut sessions, store, id) = one();
    tick(&mut sessions, &store, 10_000, |session| {
        session.set_readers(Readers::All);
    });
    let session = sessions.session(id).unwrap();
    assert_eq!((session.frames, session.dropped), (10_000, 0));
}

#[test]
fn moments_without_a_frame_are_counted() {
    let (mut sessions, store, id) = one();
    tick(&mut sessions, &store, 10, |_| ());
    let late = sessions.next_due().unwrap() + 3 * INTERVAL + INTERVAL / 2;
    sessions.tick(&store, late);
    let session = sessions.session(id).unwrap();
    assert_eq!((session.frames, session.missed), (11, 3));
}

#[tokio::test]
async fn records_without_other_work_are_told_apart() {
    let (mut sessions, store, id) = one();
    let (_reader, stream) = Stream::open(0, INTERVAL, 0, || ()).unwrap();
    sessions.session(id).unwrap().stream = Some(stream);
    // A search for devices is due, too.
    assert!(!sessions.are_only_records_due(INTERVAL));
    assert!(sessions.is_search_due(INTERVAL));
    assert!(sessions.are_only_records_due(INTERVAL));
    let selection = store.resolve(&[]).unwrap();
    let subject = Subject::Metrics(Metrics::new(&[], selection));
    let signals = Session::new(":1.1".into(), String::new(), INTERVAL, subject, None);
    let signals = sessions.add(signals, Limits::default()).unwrap();
    assert!(sessions.are_only_records_due(INTERVAL));
    sessions.begin(signals);
    assert!(!sessions.are_only_records_due(INTERVAL));
}

#[test]
fn frames_are_dropped_while_the_owner_does_not_read() {
    let (mut sessions, store, id) = one();
    sessions.session(id).unwrap().detached = false;
    let reads = |session: &mut Session| session.backlog.finish_check(Unread::Bytes(1000));
    tick(&mut sessions, &store, 1000, reads);
    assert_eq!(sessions.session(id).unwrap().frames, 1000);
    let stopped = |session: &mut Session| session.backlog.finish_check(Unread::Bytes(100_000));
    tick(&mut sessions, &store, 1000, stopped);
    let session = sessions.session(id).unwrap();
    // So many frames, which have no values, can be unread before a check is due.
    let sent = (MAX_UNREAD_BYTES / SIGNAL_BYTES) as u64;
    assert!(session.frames <= 1000 + sent, "{}", session.frames);
    assert_eq!(session.frames + session.dropped, 2000);
    tick(&mut sessions, &store, 1000, reads);
    assert!(sessions.session(id).unwrap().frames > 1980);
}

#[test]
fn the_first_check_waits_if_the_bus_tells_unread_bytes() {
    let (mut sessions, store, id) = one();
    let first_check = |sessions: &mut Sessions, id| {
        sessions.session(id).unwrap().detached = false;
        let mut frames = 0;
        loop {
            frames += 1;
            let now = sessions.next_due().unwrap().max(INTERVAL);
            let (_, to_check) = sessions.tick(&store, now);
            if to_check.contains(&id) {
                return frames;
            }
        }
    };
    assert_eq!(first_check(&mut sessions, id), 16);
    sessions.finish_check(id, Unread::Pinged);
    let other = |sessions: &mut Sessions| {
        let selection = store.resolve(&[]).unwrap();
        let subject = Subject::Metrics(Metrics::new(&[], selection));
        let session = Session::new(":1.2".into(), String::new(), INTERVAL, subject, None);
        let id = sessions.add(session, Limits::default()).unwrap();
        sessions.begin(id);
        id
    };
    let second = other(&mut sessions);
    assert_eq!(first_check(&mut sessions, second), 16);
    sessions.finish_check(second, Unread::Bytes(0));
    let third = other(&mut sessions);
    let expected = MAX_UNREAD_BYTES / SIGNAL_BYTES + 1;
    assert_eq!(first_check(&mut sessions, third), expected);
}

#[test]
fn an_unconfirmed_client_has_a_limited_frame_rate() {
    let (mut sessions, store, id) = one();
    sessions.session(id).unwrap().detached = false;
    let silent = |session: &mut Session| session.backlog.finish_check(Unread::Silent);
    // One session alone stays within the rate; of two, each drops every other frame.
    tick(&mut sessions, &store, 200, silent);
    assert_eq!(sessions.session(id).unwrap().dropped, 0);
    let selection = store.resolve(&[]).unwrap();
    let subject = Subject::Metrics(Metrics::new(&[], selection));
    let mut other = Session::new(":1.1".into(), String::new(), INTERVAL, subject, None);
    other.detached = false;
    let other = sessions.add(other, Limits::default()).unwrap();
    sessions.begin(other);
    tick(&mut sessions, &store, 400, silent);
    let frames = |sessions: &mut Sessions, id| sessions.session(id).unwrap().frames;
    let both = frames(&mut sessions, id) - 200 + frames(&mut sessions, other);
    assert!((390..=450).contains(&both), "{both} frames in 20 s");
    // A client that has answered a ping before is stopped.
    let session = sessions.session(id).unwrap();
    session.backlog.finish_check(Unread::Pinged);
    session.backlog.finish_check(Unread::Silent);
    assert!(session.backlog.is_full());
}

#[test]
fn a_receiver_that_reads_again_is_told_everything() {
    let (mut sessions, store, id) = one();
    let mut has_columns = |readers: Vec<Readers>| {
        for readers in readers {
            sessions.session(id).unwrap().set_readers(readers);
        }
        let now = sessions.next_due().unwrap().max(INTERVAL);
        let (notices, _) = sessions.tick(&store, now);
        let mut changed = notices.into_iter().filter_map(|notice| match notice.event {
            Event::Changed(differences) => Some(differences.columns.is_some()),
            _ => None,
        });
        changed.next()
    };
    let some = || Readers::Some(vec![":1.2".into()]);
    assert_eq!(has_columns(vec![]), Some(true));
    assert_eq!(has_columns(vec![Readers::All]), None);
    assert_eq!(has_columns(vec![some()]), None);
    assert_eq!(has_columns(vec![some()]), None);
    assert_eq!(has_columns(vec![Readers::All]), Some(true));
    assert_eq!(
        has_columns(vec![some(), Readers::Unknown, Readers::All]),
        Some(true)
    );
}

/// A session of the first client with a past of more than two slices, and the sessions of two others that ask for it.
fn with_past() -> (Sessions, Store, [u32; 2]) {
    let store = Store::new(sources::all(&Roots::default()));
    let add = |sessions: &mut Sessions, owner: &str, history| {
        let ids = ["memory/physical/total"];
        let selection = store.resolve(&ids).unwrap();
        let subject = Subject::Metrics(Metrics::new(&ids, selection));
        let interval = Duration::from_millis(250);
        let mut session = Session::new(owner.into(), String::new(), interval, subject, None);
        session.history = history;
        let id = sessions.add(session, Limits::default()).unwrap();
        sessions.begin(id);
        id
    };
    let mut sessions = Sessions::default();
    let panel = add(&mut sessions, ":1.1", Duration::ZERO);
    tick(&mut sessions, &store, 200, |_| ());
    sessions.by_id.remove(&panel);
    let minute = Duration::from_secs(60);
    let windows = [":1.2", ":1.3"].map(|owner| add(&mut sessions, owner, minute));
    (sessions, store, windows)
}

/// The session of all notices, and for each whether it is a frame.
fn frames(notices: &[Notice], session: u32) -> Vec<bool> {
    assert!(notices.iter().all(|notice| notice.session == session));
    let is_frame = |notice: &Notice| matches!(notice.event, Event::Sampled(..));
    notices.iter().map(is_frame).collect()
}

#[test]
fn the_past_is_sent_in_slices_between_changed_and_the_first_frame() {
    let (mut sessions, store, [first, second]) = with_past();
    let now = Duration::from_millis(50_100);
    let (mut notices, _) = sessions.tick(&store, now);
    // `Changed` alone. Neither session takes another frame until the past is sent.
    assert_eq!(frames(&notices, first), [false]);
    let mut slices = 0;
    while sessions.is_sending_past() {
        let later = now + Duration::from_millis(1);
        assert!(sessions.next_due().is_none() && sessions.due(later).is_empty());
        assert!(sessions.tick(&store, later).0.is_empty());
        let slice = sessions.next_past_slice();
        assert!(slice.len() <= 64, "{}", slice.len());
        notices.extend(slice);
        slices += 1;
    }
    assert_eq!(slices, 4);
    let expected = [&[false][..], &[true; 201]].concat();
    assert_eq!(frames(&notices, first), expected);
    let timestamps = notices.iter().filter_map(|notice| match notice.event {
        Event::Sampled(timestamp, _) => Some(timestamp),
        _ => None,
    });
    assert!(timestamps.is_sorted_by(|one, next| one < next));
    assert_eq!(sessions.session(first).unwrap().frames, 1);
    // The other one is next. The turn of a session ends with it.
    let (notices, _) = sessions.tick(&store, now);
    assert_eq!(frames(&notices, second), [false]);
    assert!(sessions.is_sending_past());
    sessions.by_id.remove(&second);
    assert!(sessions.next_due().is_some());
    assert!(!sessions.is_sending_past() && sessions.next_past_slice().is_empty());
}

#[tokio::test]
async fn a_client_that_does_not_read_gets_no_further_past() {
    for (held, slices) in [
        (Unread::Bytes(4 << 20), 4),
        (Unread::Pinged, 4),
        (Unread::Bytes(5 << 20), 0),
        (Unread::Silent, 0),
    ] {
        let (mut sessions, store, [first, second]) = with_past();
        sessions.session(first).unwrap().had_past = true;
        sessions.session(first).unwrap().history = Duration::ZERO;
        sessions.session(second).unwrap().owner = ":1.2".into();
        let now = Duration::from_millis(50_100);
        let (notices, _) = sessions.tick(&store, now);
        assert_eq!(frames(&notices, first), [false, true]);
        let (id, owner) = sessions.past_question().unwrap();
        assert_eq!((id, &*owner), (second, ":1.2"));
        sessions.begin_past_question(id, tokio::spawn(async {}).abort_handle());
        assert!(sessions.past_question().is_none());
        sessions.answer_past_question(id, held);
        let (mut notices, _) = sessions.tick(&store, now);
        let mut count = 0;
        while sessions.is_sending_past() {
            notices.extend(sessions.next_past_slice());
            count += 1;
        }
        assert_eq!(count, slices, "{held:?}");
        let frames = frames(&notices, second);
        // The last row is that of the other session.
        assert_eq!(frames.len(), if slices > 0 { 203 } else { 2 }, "{held:?}");
    }
}
