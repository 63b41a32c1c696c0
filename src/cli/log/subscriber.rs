//! The subscriber of tracing: events become lines, and spans are ignored. `Registry` of tracing-subscriber would write 32 KiB
//! at each start, to have room for spans.

use std::fmt::{Debug, Write};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};

use super::lines;

/// Writes events of at least this level.
pub(super) struct LineSubscriber(pub(super) LevelFilter);

/// The text of an event: the message, and the other fields as `name=value`.
struct Text(String);

impl Subscriber for LineSubscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.0
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0)
    }

    fn event(&self, event: &Event<'_>) {
        lines::write(&line(event), *event.metadata().level(), None);
    }

    /// No span is enabled, so none gets this id.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn line(event: &Event<'_>) -> String {
    let level = event.metadata().level();
    let mut text = Text(format!("{level:>5}"));
    event.record(&mut text);
    text.0
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // A string has room for everything.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, span, subscriber::with_default, warn};

    use super::*;

    /// Collects texts in place of writing them.
    struct Collector(LineSubscriber, Arc<Mutex<Vec<String>>>);

    impl Subscriber for Collector {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            self.0.enabled(metadata)
        }

        fn event(&self, event: &Event<'_>) {
            self.1.lock().unwrap().push(line(event));
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            panic!("a span is enabled")
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn events_of_the_level_become_lines_and_spans_are_ignored() {
        let texts = Arc::default();
        let collector = Collector(LineSubscriber(LevelFilter::INFO), Arc::clone(&texts));
        with_default(collector, || {
            let _entered = span!(tracing::Level::ERROR, "call", id = 1).entered();
            warn!("two: {}", 2);
            info!(name = "x", number = 3, "text");
            debug!("not logged");
        });
        let expected = [" WARN two: 2", " INFO text name=\"x\" number=3"];
        assert_eq!(*texts.lock().unwrap(), expected);
    }
}
